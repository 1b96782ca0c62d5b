"""The words of each file, known beforehand: a folder of .txt that mirrors the inputs, or a CSV with path and words.

    sub/talk.wav ─┬ WORDS/sub/talk.wav.txt, else WORDS/sub/talk.txt
                  └ the row of WORDS.csv whose `path` is sub/talk.wav

A path of a CSV is a key and nothing more: it is compared with those of the inputs and never opened.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from sepkit.errors import ConfigError, SourceError
from sepkit.files.naming import shown

COLUMNS = ("path", "words")
MOST_NAMED = 20
"""Of words without a file, as many are named in a report."""


class Known(NamedTuple):
    """What is said in a file; None with `why` where that is not known."""

    text: str | None
    why: str = ""

    @property
    def sha256(self) -> str:
        """Of the words; empty where there are none."""
        return "" if self.text is None else hashlib.sha256(self.text.encode()).hexdigest()


class Words:
    """`of` gives a file's words by its path below the inputs; what is wrong with a CSV raises at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.table: dict[str, str] | None = None
        if path.is_file():
            self.table = _table(path)
        elif not path.is_dir():
            raise ConfigError(f"words: {shown(path)}: there is no such folder or CSV file; check the path")

    def of(self, relative: str) -> Known:
        """The words of one input; `relative` has "/" between its parts."""
        if self.table is not None:
            text = self.table.get(relative)
            return Known(text) if text is not None else Known(None, f"no words for it in {shown(self.path)}")
        for name in _names(relative):
            if name in self._texts:
                return _known(self.path / name)
        return Known(None, f"no words for it in {shown(self.path)}")

    def unused(self, inputs: Iterable[str]) -> list[str]:
        """Words of files that are not among the inputs: a typing error shows on both sides."""
        if self.table is not None:
            return sorted(set(self.table) - set(inputs))
        wanted = {name for relative in inputs for name in _names(relative)}
        return sorted(self._texts - wanted)

    @cached_property
    def _texts(self) -> set[str]:
        """The folder's texts, relative to it."""
        found = (path for path in self.path.rglob("*") if path.suffix.lower() == ".txt" and path.is_file())
        return {path.relative_to(self.path).as_posix() for path in found}


def unused_note(words: Words | None, inputs: Iterable[str]) -> list[str]:
    """A line for the report, where there are words whose file is not among the inputs."""
    unused = words.unused(inputs) if words else []
    if not unused:
        return []
    named = ", ".join(map(shown, unused[:MOST_NAMED]))
    more = f" and {len(unused) - MOST_NAMED} more" if len(unused) > MOST_NAMED else ""
    return [f"words whose file is not in the batch: {named}{more}"]


def _names(relative: str) -> tuple[str, str]:
    """The texts that may hold a file's words, the likelier first."""
    path = PurePosixPath(relative)
    return f"{relative}.txt", path.with_suffix(".txt").as_posix()


def read_words(path: Path | None) -> str | None:
    """The words in a text file, where there is one. An editor's mark at the start is no word."""
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{shown(path)}: cannot be read as UTF-8 text ({error}); give a file with the words spoken"
        ) from error


def _known(path: Path) -> Known:
    """The text, or why it cannot be read: one bad file is no reason to stop a batch."""
    try:
        return Known(read_words(path))
    except SourceError as error:
        return Known(None, f"its words: {error}")


def _table(path: Path) -> dict[str, str]:
    """The rows by path. An error names the line."""
    found: dict[str, str] = {}
    lines: dict[str, int] = {}
    try:
        with path.open("rb") as file:
            reader = csv.DictReader(_decoded(file, path), strict=True)
            absent = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if absent:
                raise _bad(path, 1, f"the header has no column {' or '.join(absent)}; it must be path,words")
            for row in reader:
                key, text, line = row["path"], row["words"], reader.line_num
                if not key or text is None:
                    raise _bad(path, line, "a row needs a path and its words, the words in quotes if they hold a comma")
                if None in row:
                    raise _bad(path, line, "has more cells than the header; put words that hold a comma in quotes")
                if key in found:
                    raise _bad(path, line, f"'{shown(key)}' stands in line {lines[key]} already; keep one")
                found[key], lines[key] = text, line
    except csv.Error as error:
        raise _bad(path, reader.reader.line_num, f"not valid CSV ({error})") from error
    except OSError as error:
        raise ConfigError(f"words: {shown(path)}: cannot be read ({error.strerror}); check its permissions") from error
    return found


def _decoded(file: Iterable[bytes], path: Path) -> Iterator[str]:
    """The lines of a file; one that is not UTF-8 is named. Excel's mark at the start is no letter of the header."""
    for number, line in enumerate(file, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise _bad(path, number, f"is not UTF-8 ({error.reason}); save the file as UTF-8") from error


def _bad(path: Path, line: int, what: str) -> ConfigError:
    return ConfigError(f"words: {shown(path)}, line {line}: {what}")
