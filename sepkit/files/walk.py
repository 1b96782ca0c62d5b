"""Every file below a folder, however deep, and whatever else happens to the tree meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path


def walk(
    folder: Path, enters: Callable[[Path], bool], unreadable: Callable[[Path, OSError], None] | None = None
) -> Iterator[Path]:
    """The files; links to folders are left out, and not followed. enters: whether a folder below is looked into.

    unreadable: called with each folder that cannot be read.
    """
    waiting = [folder]  # not by recursion: 4,096 bytes of path hold more folders than Python holds calls
    while waiting:
        parent = waiting.pop()
        try:
            with os.scandir(parent) as entries:
                found = list(entries)
        except OSError as error:
            if unreadable:
                unreadable(parent, error)
            continue
        for entry in found:
            path = parent / entry.name
            if not _is_folder(entry):
                yield path
            elif not entry.is_symlink() and enters(path):
                waiting.append(path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False
