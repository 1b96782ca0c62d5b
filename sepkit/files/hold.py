"""A folder that one run writes to, and no other at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sepkit.errors import OutputError
from sepkit.files.naming import shown
from sepkit.files.whole_file import cannot_write

LOCK_NAME = ".sepkit-lock"


@contextmanager
def held(folder: Path, by: str) -> Iterator[None]:
    """Make the folder and hold it. by: what writes there, for whoever comes second."""
    path = folder / LOCK_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            raise OutputError(f"{shown(path)}: is a link; a lock is a file of its own; remove the link")
        lock = FileLock(path, blocking=False)
        lock.acquire()
    except Timeout as error:
        raise OutputError(f"{shown(folder)}: another {by} writes here; wait for it to end") from error
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        yield
    finally:
        lock.release()
