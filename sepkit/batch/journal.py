"""What makes a batch resumable: one line of JSON for each finished file, on disk before the next file is
begun.

The file only grows. A kill can tear the last line alone: it is cut off at the next opening, and its file
rendered again. A later record of the same path replaces an earlier one. Bytes that are not UTF-8 in a name
stay as `\\udcxx` escapes.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sepkit.errors import OutputError
from sepkit.naming import shown

JOURNAL_NAME = ".sepkit-journal.jsonl"


@dataclass(frozen=True)
class Stamp:
    """A file as it was written: a name relative to OUT_DIR and what its bytes hash to."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Record:
    """A finished file. `workers`: how many shared the machine, for the estimate of a later dry run."""

    path: str
    input_sha256: str
    config_sha256: str
    weights_sha256: str
    outputs: tuple[Stamp, ...]
    duration_s: float
    seconds: float
    workers: int
    metrics: dict[str, Any]
    note: str


class Journal:
    """The records so far, by path; `append` adds one and returns once it is on the disk."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL_NAME
        self.records, self._whole_bytes = _read(self.path)

    def append(self, record: Record) -> None:
        """Write a record. What a failed or interrupted write left behind is cut off first."""
        line = json.dumps(asdict(record), sort_keys=True).encode() + b"\n"
        try:
            with self.path.open("ab", buffering=0) as file:
                file.truncate(self._whole_bytes)
                if file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(
                f"{shown(self.path)}: cannot be written ({error.strerror}); free some space and run it again"
            ) from error
        self._whole_bytes += len(line)
        self.records[record.path] = record


def _read(path: Path) -> tuple[dict[str, Record], int]:
    """The records by path, and the length in bytes of the lines that are whole."""
    records: dict[str, Record] = {}
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return records, 0
    except OSError as error:
        raise OutputError(
            f"{shown(path)}: the journal cannot be read ({error.strerror}); check its permissions"
        ) from error
    whole_bytes = raw.rfind(b"\n") + 1
    for line in raw[:whole_bytes].splitlines():
        record = _parse(line)
        if record:
            records[record.path] = record
    return records, whole_bytes


def _parse(line: bytes) -> Record | None:
    """A record, or None for a damaged line: a file without a record is rendered again."""
    try:
        fields = json.loads(line)
        return Record(**{**fields, "outputs": tuple(Stamp(**stamp) for stamp in fields["outputs"])})
    except (ValueError, TypeError, KeyError):
        return None


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, read a megabyte at a time."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_of_all(digests: Iterable[str]) -> str:
    """One SHA-256 over several, in their order."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def stamp(folder: Path, path: Path) -> Stamp:
    """What `path` under `folder` is now."""
    return Stamp(path.relative_to(folder).as_posix(), sha256_of(path), path.stat().st_size)


def is_whole(folder: Path, expected: Stamp) -> bool:
    """Whether the file is there with the bytes it was written with."""
    path = folder / expected.path
    return path.is_file() and path.stat().st_size == expected.size_bytes and sha256_of(path) == expected.sha256
