"""Folders for what lives as long as a run, and the sweep of what killed runs left.

Several runs may write below one folder at the same time: a sweep takes nothing that a living process holds.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path

from sepkit.files.unfinished import Hold, hold, seize
from sepkit.files.walk import walk
from sepkit.files.whole_file import PART_PATTERN, cannot_write, make_folder

WORK_PREFIX = ".sepkit-work-"
HELD_NAME = ".held"
"""The file in a workspace that its process holds."""


@contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """A folder below `folder` for what has no verdict yet, on the same disk."""
    make_folder(folder)
    try:
        work, held = _made(folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        held.release()


def _made(folder: Path) -> tuple[Path, Hold]:
    while True:
        work = Path(tempfile.mkdtemp(prefix=WORK_PREFIX, dir=folder))
        with suppress(FileNotFoundError):  # swept in the moment before it was held
            return work, hold(work / HELD_NAME)


def sweep_workspaces(folder: Path) -> None:
    """Remove the workspaces directly below `folder` that a kill left."""
    try:
        with os.scandir(folder) as entries:
            works = [
                folder / each.name for each in entries if each.name.startswith(WORK_PREFIX) and not each.is_symlink()
            ]
    except OSError:  # what writes there next says why
        return
    for work in works:
        held = seize(work / HELD_NAME, make=True)
        if held:
            shutil.rmtree(work, ignore_errors=True)
            held.release()


def sweep(folder: Path) -> None:
    """Remove those, and everywhere below `folder` the files that never got their name."""
    sweep_workspaces(folder)
    for path in walk(folder, lambda below: not below.name.startswith(WORK_PREFIX)):
        if fnmatchcase(path.name, PART_PATTERN):
            held = seize(path)
            if held:
                with suppress(OSError):
                    path.unlink()
                held.release()
