"""Which reports and pages are sepkit's own, so that it may replace them: they are known by how they begin.

A report.csv is known by its hash, which report.json has in its first lines: spreadsheets open it, and what is changed
there is somebody's work. The hash of the one before stands there too, which lies there still where a run was killed
between the two.

All else that bears their names is somebody's work. It stays, and where its place is needed it is set aside.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sepkit.errors import OutputError
from sepkit.files.aside import kept_note, set_aside
from sepkit.files.digest import sha256_if_readable
from sepkit.files.naming import shown
from sepkit.files.whole_file import cannot_write

BEGINNINGS = {
    ".html": re.compile(rb'<!doctype html>.{,600}?<meta name="generator" content="sepkit ', re.DOTALL),
    ".json": re.compile(rb'\{\s+"sepkit": "'),
    ".csv": re.compile(rb"path,status,reason,error,note,duration_s,seconds,"),
}
HEAD_BYTES = 1024
CSV_HASH = "csv_sha256"
"""The field of report.json."""
CSV_HASH_BEFORE = "csv_sha256_before"
"""Likewise, of the one that it replaced."""


def is_own(path: Path) -> bool:
    """Whether it is a file that begins as sepkit's reports and pages of that suffix do, in every version; of a CSV, the
    one whose hash report.json beside it has.
    """
    begins_so = BEGINNINGS[path.suffix].match(_head(path)) is not None
    return begins_so and (path.suffix != ".csv" or _is_as_written(path))


def _is_as_written(path: Path) -> bool:
    fields = "|".join((CSV_HASH, CSV_HASH_BEFORE)).encode()
    known = re.findall(rb'"(?:%b)": "([0-9a-f]{64})"' % fields, _head(path.with_suffix(".json")))
    return bool(known) and (sha256_if_readable(path) or "").encode() in known


def _head(path: Path) -> bytes:
    """How a file begins; nothing where that is a link, or no file."""
    try:
        if path.is_symlink() or not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


def make_way(path: Path) -> str:
    """Set aside what lies where a report has to be and is not sepkit's own; returns a sentence where something did."""
    if not os.path.lexists(path) or is_own(path):
        return ""
    if path.is_dir() and not path.is_symlink():
        raise OutputError(f"{shown(path)}: is a folder; move it away or choose another output")
    return kept_note(shown(path.name), shown(set_aside(path).name))


def remove_own(path: Path) -> None:
    """Remove a report of an earlier run, which would tell of that."""
    if is_own(path):
        try:
            path.unlink()
        except OSError as error:
            raise cannot_write(path, error) from error
