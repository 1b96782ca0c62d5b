"""Files that have no name of their own yet, held by the process that writes them.

A hold ends with its process, however that ends. So what nobody holds was left behind by a kill, and may be removed.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

BUSY = (errno.EACCES, errno.EAGAIN)
"""What the system answers where another holds a file."""
RETRY_S = 0.01


class Hold:
    """A file that this process holds until `release`, or its end."""

    def __init__(self, file: int) -> None:
        self._file = file

    def release(self) -> None:
        """Let go; once or several times."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1


def hold(path: Path) -> Hold:
    """Hold a file, made where it is not there; waits for whoever holds it now."""
    while True:
        file = _open(path, os.O_CREAT)
        if _locked(file) is not False and _is_at(file, path):
            return Hold(file)
        os.close(file)
        time.sleep(RETRY_S)  # its writer is at work, or a sweep took it for a leftover before it was held


def seize(path: Path, make: bool = False) -> Hold | None:
    """Hold a file that a killed process left; None where a living one holds it, and where that cannot be told.

    make: where the file is not there, it is made and held.
    """
    try:
        file = _open(path, os.O_CREAT if make else 0)
    except OSError:  # there is none, or it is no file of ours
        return None
    if _locked(file) and _is_at(file, path):
        return Hold(file)
    os.close(file)
    return None


def _open(path: Path, flags: int) -> int:
    return os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | flags, 0o666)


def _locked(file: int) -> bool | None:
    """Hold an open file; False where another does, None where the file system knows no holds."""
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in BUSY else None
    return True


def _is_at(file: int, path: Path) -> bool:
    """Whether an open file still is what lies at `path`."""
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except FileNotFoundError:
        return False
