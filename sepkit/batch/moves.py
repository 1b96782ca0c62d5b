"""What is on its way to its place: written down before the first file moves, until the journal has the record.

    announce ─ move ─ record ─ forget
         └ a kill here ─────── undo, by the next run

So a kill leaves nothing in two places, whatever the configuration of the next run. What is undone is rendered again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sepkit.batch.journal import Journal, Stamp
from sepkit.files.digest import sha256_if_readable
from sepkit.files.json_lines import JsonLines
from sepkit.files.naming import is_below, real
from sepkit.judge.quarantine import FOLDER, Arrival, remove

PREFIX = ".sepkit-moving-"
"""A file each source whose results are on their way, directly in OUT_DIR."""


def announce(out: Path, path: str, coming: Sequence[Arrival]) -> None:
    """Write down what will be moved for the source `path`."""
    if coming:
        names = [each.there.relative_to(out).as_posix() for each in coming]
        sizes = [each.here.stat().st_size for each in coming]
        stamps = [Stamp(name, each.sha256, size) for name, each, size in zip(names, coming, sizes, strict=True)]
        JsonLines(_note(out, path)).append({"path": path, "files": [asdict(each) for each in stamps]})


def forget(out: Path, path: str) -> None:
    """Called when the journal has the record."""
    with suppress(OSError):  # then the next run finds that all of it is recorded
        _note(out, path).unlink(missing_ok=True)


def undo(out: Path) -> None:
    """Remove what was moved and never recorded. What somebody changed since, or the journal names, stays."""
    notes = sorted(out.glob(PREFIX + "*"))
    if not notes:
        return
    journal = Journal(out)  # as it is on the disk, whatever an interruption left of it in memory
    for note in notes:
        for announced in JsonLines(note).records:
            record = journal.records.get(str(announced.get("path")))
            recorded = record.outputs if record else ()
            for found in _stamps(announced):
                there = out / found.path
                inside = real(there.parent).is_relative_to(real(out))
                if found not in recorded and inside and sha256_if_readable(there) == found.sha256:
                    remove(there, out / FOLDER)
        with suppress(OSError):
            note.unlink()


def _stamps(announced: dict[str, Any]) -> list[Stamp]:
    """Of a line that anybody can have written."""
    try:
        found = [Stamp(str(each["path"]), str(each["sha256"]), int(each["size_bytes"])) for each in announced["files"]]
    except (KeyError, TypeError, ValueError):
        return []
    return [each for each in found if is_below(each.path)]


def _note(out: Path, path: str) -> Path:
    return out / (PREFIX + hashlib.sha256(os.fsencode(path)).hexdigest()[:16])
