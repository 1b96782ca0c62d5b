"""A file that only grows, one line of JSON a record, each on disk before the next is begun.

A kill can tear the last line alone: it is cut off when the next record is appended. Bytes that are not UTF-8 in a name
stay as `\\udcxx` escapes.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

from sepkit.errors import OutputError
from sepkit.files.naming import shown


class JsonLines:
    """`records`: what was there to read, in order, damaged lines left out. `append` returns once one is on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        raw = _read(path)
        self._whole_bytes = raw.rfind(b"\n") + 1
        parsed = (_parse(line) for line in raw[: self._whole_bytes].splitlines())
        self.records: list[dict[str, Any]] = [record for record in parsed if record is not None]

    def append(self, record: dict[str, Any]) -> None:
        """Write a record. What a failed or interrupted write left behind is cut off first."""
        line = json.dumps(record, sort_keys=True).encode() + b"\n"
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


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise OutputError(
            f"{shown(path)}: the journal cannot be read ({error.strerror}); check its permissions"
        ) from error


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
