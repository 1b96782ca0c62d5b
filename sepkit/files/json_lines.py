"""A file that grows, one line of JSON a record, each on disk before the next is begun.

A kill can tear the last line alone: it is cut off when the next record is appended. Bytes that are not UTF-8 in a name
stay as `\\udcxx` escapes.
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
from collections.abc import Iterable, Mapping
from io import FileIO
from pathlib import Path
from typing import Any, Literal

from sepkit.errors import OutputError
from sepkit.files.naming import shown
from sepkit.files.whole_file import whole_file


class JsonLines:
    """`records`: what was there to read, in order, damaged lines left out. `append` returns once one is on disk.

    damaged: how many lines were left out, the torn last one not counted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        raw = _read(path)
        self._whole_bytes = raw.rfind(b"\n") + 1
        parsed = [_parse(line) for line in raw[: self._whole_bytes].splitlines()]
        self.records: list[dict[str, Any]] = [record for record in parsed if record is not None]
        self.damaged = len(parsed) - len(self.records)

    def append(self, record: dict[str, Any]) -> None:
        """Write a record. What a failed or interrupted write left behind is cut off first."""
        line = _line(record)
        try:
            with _open(self.path, "ab") as file:
                file.truncate(self._whole_bytes)
                if file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(
                f"{shown(self.path)}: cannot be written ({error.strerror}); free some space and run it again"
            ) from error
        self._whole_bytes += len(line)

    def rewrite(self, records: Iterable[dict[str, Any]]) -> None:
        """Hold these records and no other line. The file is there, the old or the new one, whatever interrupts."""
        lines = b"".join(map(_line, records))
        with whole_file(self.path) as part, part.open("wb") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        self._whole_bytes, self.damaged = len(lines), 0


def strict(value: Any) -> Any:
    """The value with null where a number is not finite (the loudness of silence), which JSON cannot say."""
    if isinstance(value, Mapping):
        return {name: strict(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _read(path: Path) -> bytes:
    try:
        with _open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise OutputError(
            f"{shown(path)}: the journal cannot be read ({error.strerror}); check its permissions"
        ) from error


def _open(path: Path, mode: Literal["rb", "ab"]) -> FileIO:
    """Open sepkit's own file. What is put in its place (a link, a pipe) is refused, and not waited for."""
    try:
        file = open(path, mode, buffering=0, opener=_follow_nothing)  # noqa: SIM115  closed by the caller
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise _not_own(path) from error
        raise
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise _not_own(path)
    return file


def _follow_nothing(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)


def _not_own(path: Path) -> OutputError:
    return OutputError(f"{shown(path)}: is a link, a pipe or a folder, not sepkit's own file; move it away")


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(strict(record), sort_keys=True, allow_nan=False).encode() + b"\n"


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
