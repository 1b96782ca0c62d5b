"""Finds the sources of a batch: walks a folder and matches a pattern, before anything is read.

`*`, `?` and `[…]` stay within one part of a path, `**` stands for any folders, none included. Case does not
matter (recorders write `.WAV`). As in a shell, a leading dot must be named by the pattern: `._take.wav`,
which macOS lays beside each file of a delivery, holds no sound. Links to files are read; links to folders are
not followed, so that no walk can loop or leave the tree.
"""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Found:
    """Paths relative to the folder, sorted. refused: what matches but cannot be a source, with the reason."""

    sources: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a relative path (parts joined by "/") matches.

    >>> matches = matcher("**/*.wav")
    >>> [matches(path) for path in ("a.wav", "b/c/A.WAV", "b/._a.wav", ".trash/a.wav", "a.wav.txt")]
    [True, True, False, False, False]
    """
    wanted = pattern.casefold().split("/")
    return lambda path: _match(path.casefold().split("/"), wanted)


def _match(parts: list[str], wanted: list[str]) -> bool:
    if not wanted:
        return not parts
    if wanted[0] == "**" and _match(parts, wanted[1:]):
        return True
    if not parts or (parts[0].startswith(".") and not wanted[0].startswith(".")):
        return False
    if wanted[0] == "**":
        return _match(parts[1:], wanted)
    return fnmatch.fnmatchcase(parts[0], wanted[0]) and _match(parts[1:], wanted[1:])


def find(folder: Path, pattern: str, skipped: Path | None = None) -> Found:
    """Every file under `folder` that matches `pattern`; the folder `skipped` (the outputs) is not entered."""
    found = Found()
    matches = matcher(pattern)

    def refuse_folder(error: OSError) -> None:
        found.refused[_relative(Path(error.filename), folder)] = f"this folder cannot be read ({error.strerror})"

    for parent, folders, files in os.walk(folder, onerror=refuse_folder):
        folders[:] = sorted(name for name in folders if not (skipped and _same(Path(parent, name), skipped)))
        for name in files:
            path = Path(parent, name)
            relative = _relative(path, folder)
            if matches(relative):
                reason = _unreadable(path)
                if reason:
                    found.refused[relative] = reason
                else:
                    found.sources.append(relative)
    found.sources.sort()
    return found


def _unreadable(path: Path) -> str | None:
    """Why this cannot be a source, found without opening it: opening a pipe would wait for ever."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"a link that leads nowhere ({error.strerror})" if path.is_symlink() else str(error.strerror)
    if not stat.S_ISREG(mode):
        return "not a regular file (a pipe, socket or device)"
    return None if os.access(path, os.R_OK) else "no permission to read it"


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _same(path: Path, other: Path) -> bool:
    return other.exists() and path.samefile(other)
