"""What a label file holds, whatever its format: rows of time, text and what they ask for, and notes on the reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sepkit.config.edits import window_problem
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped, shown

MOST_NAMED = 3
"""Lines that a note names."""
POINT = "a marker without a length is no window and is left out"


@dataclass(frozen=True, slots=True)
class Label:
    """One row. start_s, end_s: None where it is for the whole file. text: its label or prompt; "": it has none.

    mode, fade_ms, strength: None where it does not say. path: the file of a batch that it is for; "": none is named.
    row, line: where it stands in the file, from 1; a line of 0 is not known.
    """

    start_s: float | None
    end_s: float | None
    text: str = ""
    mode: str | None = None
    fade_ms: float | None = None
    strength: float | None = None
    path: str = ""
    row: int = 0
    line: int = 0

    @property
    def place(self) -> str:
        """Where it stands, for a message."""
        return place(self.row, self.line)


@dataclass(frozen=True)
class Labels:
    """The rows of a label file in its order, and what somebody should know of how it was read, a sentence each."""

    path: Path
    format: str
    rows: tuple[Label, ...]
    notes: tuple[str, ...] = ()


@dataclass
class Page:
    """A label file as its format's reader gets it: lines of text without their ends, the first one's number being 1.

    A reader gathers notes here: `note` a sentence, `seen` what is told once for all lines that it happens in.
    """

    path: Path
    text: str
    lines: list[str]
    notes: list[str] = field(default_factory=list)
    _seen: dict[str, list[int]] = field(default_factory=dict)

    def seen(self, what: str, line: int) -> None:
        """Remember that `what`, a sentence, is so in this line."""
        self._seen.setdefault(what, []).append(line)

    def all_notes(self) -> tuple[str, ...]:
        """Every note, those on lines with the numbers of the first few."""
        return (*self.notes, *(f"{what} ({_lines(lines)})" for what, lines in self._seen.items()))

    def bad(self, row: int, line: int, what: str) -> ConfigError:
        """The error for a row that cannot be used."""
        return ConfigError(f"{shown(self.path)}, {place(row, line)}: {what}")

    def window(self, start_s: float, end_s: float, row: int, line: int) -> tuple[float, float]:
        """The two times, where a window lies between them."""
        if why := window_problem(start_s, end_s):
            raise self.bad(row, line, why)
        return start_s, end_s

    def window_or_point(self, start_s: float, end_s: float, row: int, line: int) -> tuple[float, float] | None:
        """The same in a format that knows points: None, and a note, where the times are equal."""
        if start_s == end_s and not window_problem(start_s, start_s + 1):
            self.seen(POINT, line)
            return None
        return self.window(start_s, end_s, row, line)


def first_line(page: Page, *comments: str) -> str:
    """The first line that is neither blank nor begins with one of `comments`, without spaces around it; "": none is."""
    lines = (line.strip() for line in page.lines)
    return next((line for line in lines if line and not line.startswith(comments)), "")


def found(text: str) -> str:
    """What was found, for the end of a message."""
    return f"found '{clipped(text.strip(), 60)}'"


def place(row: int, line: int) -> str:
    """A row and its line as a message names them; 0 where one of them is not known.

    >>> place(2, 3), place(2, 0), place(0, 3)
    ('line 3 (row 2)', 'row 2', 'line 3')
    """
    if not (row and line):
        return f"line {line}" if line else f"row {row}"
    return f"line {line} (row {row})"


def _lines(numbers: Iterable[int]) -> str:
    all_lines = list(numbers)
    named = ", ".join(map(str, all_lines[:MOST_NAMED]))
    more = f" and {len(all_lines) - MOST_NAMED} more" if len(all_lines) > MOST_NAMED else ""
    return f"line {named}" if len(all_lines) == 1 else f"lines {named}{more}"
