"""What a page tells of the edits of a file: a table of them, their windows on the pictures, and what changed outside.

Place: `file_page` asks for it where the task is *edit*. The sound is that of the excerpt, in float32, which holds what
files of up to 24 bits hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from sepkit.config.edits import Edit
from sepkit.files.naming import clipped, shown
from sepkit.judge.evaluate import Excerpt
from sepkit.models.prompts.meaning import FAR, UNDERSTOOD, quoted

MOST_ROWS = 50
"""Edits in the table; a label file may ask for thousands."""
MOST_WINDOWS = 8
"""Of an edit, in the table."""
MOST_MARKS = 300
"""Windows on the pictures."""
LONGEST_PROMPT = 200
"""Characters of a prompt in the table."""
DONE = {"keep": "kept alone", "remove": "removed"}


class Window(NamedTuple):
    """In seconds of the file."""

    start_s: float
    end_s: float


class Row(NamedTuple):
    """An edit. windows: the first of them. more: how many follow. understood: what its prompt was understood as; ""
    where its words were taken as they are. far: whether that is far from it. whole: whether it is of the whole file.
    """

    number: int
    prompt: str
    understood: str
    far: bool
    done: str
    windows: tuple[Window, ...]
    more: int
    whole: bool
    fade_ms: float
    strength: float


class Mark(NamedTuple):
    """Where a window lies on the pictures, in per cent of their width."""

    number: int
    left: float
    width: float


class Edits(NamedTuple):
    """rows_left, marks_left: how many edits, and windows on the pictures, there was no room for. changed: how many
    samples outside all windows differ, of so many `outside`.
    """

    rows: tuple[Row, ...]
    rows_left: int
    marks: tuple[Mark, ...]
    marks_left: int
    changed: int
    outside: int

    @property
    def understood(self) -> bool:
        """Whether it is known of any prompt; of a member that takes words as they are, of none."""
        return any(row.understood for row in self.rows)


def shown_edits(edits: Sequence[Edit], excerpt: Excerpt, notes: Sequence[str]) -> Edits:
    """notes: of the rendering, which say how prompts were understood."""
    rate, frames = excerpt.pair.mix.sample_rate, excerpt.pair.mix.frames
    first, whole = round(excerpt.start_s * rate), round(excerpt.whole_s * rate)
    windows = [edit.spans(rate, whole).windows for edit in edits]
    inside = np.zeros(frames, bool)
    for start, stop in (span for spans in windows for span in spans):
        inside[max(0, start - first) : max(0, stop - first)] = True
    differ = excerpt.pair.mix.samples != excerpt.pair.clean.samples
    rows = [
        _row(number, edit, [Window(start / rate, stop / rate) for start, stop in spans], notes)
        for number, (edit, spans) in enumerate(zip(edits[:MOST_ROWS], windows, strict=False), 1)
    ]
    marks = list(_marks(windows, first, frames))
    return Edits(
        tuple(rows),
        max(0, len(edits) - MOST_ROWS),
        tuple(marks[:MOST_MARKS]),
        max(0, len(marks) - MOST_MARKS),
        int(np.count_nonzero(differ[:, ~inside])),
        int(np.count_nonzero(~inside)) * excerpt.pair.mix.channels,
    )


def _row(number: int, edit: Edit, windows: Sequence[Window], notes: Sequence[str]) -> Row:
    front = f"{quoted(edit.prompt)} {UNDERSTOOD} "
    understood = next((note.removeprefix(front) for note in notes if note.startswith(front)), "")
    return Row(
        number,
        clipped(shown(edit.prompt), LONGEST_PROMPT),
        understood,
        FAR in understood,
        DONE[edit.mode],
        tuple(windows[:MOST_WINDOWS]),
        max(0, len(windows) - MOST_WINDOWS),
        not edit.windows,
        edit.fade_ms,
        edit.strength,
    )


def _marks(windows: Sequence[Sequence[tuple[int, int]]], first: int, frames: int) -> Iterator[Mark]:
    """Of those that lie in the excerpt, edit by edit."""
    for number, spans in enumerate(windows, 1):
        for start, stop in spans:
            begin, end = max(0, start - first), min(frames, stop - first)
            if begin < end:
                yield Mark(number, 100 * begin / frames, 100 * (end - begin) / frames)
