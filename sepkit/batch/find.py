"""Finds the sources of a batch: walks a folder and matches patterns, before anything is read.

`*`, `?` and `[…]` stay within one part of a path, `**` stands for any folders, none included. Case does not
matter (recorders write `.WAV`). As in a shell, a leading dot must be named by the pattern: `._take.wav`,
which macOS lays beside each file of a delivery, holds no sound. Links to files are read; links to folders are
not followed, so that no walk can loop or leave the tree. Without a pattern, every file is taken that is named
like sound.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sepkit.audio.suffixes import READABLE
from sepkit.errors import SourceError
from sepkit.files.naming import shown
from sepkit.files.walk import walk

Patterns = str | Sequence[str]
"""One or several; none stands for `EVERY_SOUND`."""
EVERY_SOUND = tuple(f"**/*.{suffix}" for suffix in READABLE)

ANY_FOLDERS = "**"


@dataclass
class Found:
    """Paths relative to the folder, sorted. refused: what matches but cannot be a source, with the reason."""

    sources: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def matcher(patterns: Patterns, exclude: Patterns = ()) -> Callable[[str], bool]:
    """Whether a relative path (parts joined by "/") matches one of `patterns`, and none of `exclude`.

    >>> matches = matcher("**/*.wav")
    >>> [matches(path) for path in ("a.wav", "b/c/A.WAV", "b/._a.wav", ".trash/a.wav", "a.wav.txt")]
    [True, True, False, False, False]
    """
    wanted = [_Pattern(each) for each in _each(patterns) or EVERY_SOUND]
    unwanted = [_Pattern(each) for each in _each(exclude)]

    def matches(path: str) -> bool:
        parts = path.casefold().split("/")
        return any(each.matches(parts) for each in wanted) and not any(each.matches(parts) for each in unwanted)

    return matches


def _named(patterns: Patterns) -> str:
    """The patterns for people."""
    return " or ".join(f"'{shown(each)}'" for each in _each(patterns)) or "the names of sound and video files"


def require_any(found: Found, source: Path, patterns: Patterns, notes: Sequence[str] = ()) -> None:
    """Raise where nothing was found. notes: why some of what matches was left out."""
    if not found.sources and not found.refused:
        why = "".join(f" ({note})" for note in notes)
        raise SourceError(
            f"{shown(source)}: no file matches {_named(patterns)}{why}; check the folder, or give another --pattern"
        )


def _each(patterns: Patterns) -> tuple[str, ...]:
    return (patterns,) if isinstance(patterns, str) else tuple(patterns)


class _Pattern:
    """A pattern part by part; `None` stands for any folders."""

    def __init__(self, pattern: str) -> None:
        parts = pattern.casefold().split("/")
        self._parts = [None if part == ANY_FOLDERS else _part(part) for part in parts]

    def matches(self, path: Sequence[str]) -> bool:
        """Follow all ways to match at once, so that the time grows with path × pattern, however many `**` there are.

        reached: how many of the pattern's parts may have been used up.
        """
        reached = self._past_folders({0})
        for part in path:
            after = set()
            for index in reached - {len(self._parts)}:
                wanted = self._parts[index]
                if wanted is None and not part.startswith("."):
                    after.add(index)
                elif wanted and wanted(part):
                    after.add(index + 1)
            reached = self._past_folders(after)
            if not reached:
                return False
        return len(self._parts) in reached

    def _past_folders(self, reached: set[int]) -> set[int]:
        """With the places behind each `**`, which may stand for no folder."""
        found = set(reached)
        for index in reached:
            while index < len(self._parts) and self._parts[index] is None:
                index += 1
                found.add(index)
        return found


def _part(pattern: str) -> Callable[[str], bool]:
    fits = re.compile(fnmatch.translate(pattern)).match
    return lambda part: (pattern.startswith(".") or not part.startswith(".")) and fits(part) is not None


def find(folder: Path, patterns: Patterns = (), skipped: Path | None = None, exclude: Patterns = ()) -> Found:
    """Every file under `folder` that matches; the folder `skipped` (the outputs) is not entered."""
    found = Found()
    matches = matcher(patterns, exclude)
    passed_by = _identity(skipped) if skipped else None

    def refuse(below: Path, error: OSError) -> None:
        found.refused[_relative(below, folder)] = f"this folder cannot be read ({error.strerror})"

    for path in walk(folder, lambda below: passed_by is None or _identity(below) != passed_by, refuse):
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
        too_long = error.errno == errno.ENAMETOOLONG
        return (
            str(error.strerror)
            if too_long or not path.is_symlink()
            else f"a link that leads nowhere ({error.strerror})"
        )
    if not stat.S_ISREG(mode):
        return "not a regular file (a pipe, socket or device)"
    return None if os.access(path, os.R_OK) else "no permission to read it"


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _identity(path: Path) -> tuple[int, int] | None:
    """Tells a folder from others, whatever it is called; None for one that is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
