"""Who speaks when, over the time axis of a page: a lane for each of several voices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sepkit.errors import SourceError
from sepkit.files.naming import shown
from sepkit.judge.evaluate import Excerpt
from sepkit.render.base import Stem
from sepkit.render.turns import Turn, read_csv, told

SPAN = 10_000
"""Units of a lane's width."""


class Lane(NamedTuple):
    """A voice. seconds, turns: how long and how often it speaks there. path: of an SVG that is `SPAN` wide, 1 high."""

    title: str
    seconds: float
    turns: int
    path: str


def read(outputs: Mapping[str, Path]) -> tuple[Turn, ...] | None:
    """The turns that were written beside the voices; None where they were not."""
    path = outputs.get("csv")
    if path is None or not path.is_file():
        return None
    try:
        return tuple(read_csv(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise SourceError(f"{shown(path)}: does not say who speaks when ({error}); render the file again") from error


def lanes(turns: Sequence[Turn], voices: Sequence[Stem], excerpt: Excerpt) -> list[Lane]:
    """One a voice, in their order, of what lies in the excerpt."""
    return [_lane(stem.title, [turn for turn in turns if turn.speaker == stem.name], excerpt) for stem in voices]


def sentence(turns: Sequence[Turn], notes: Sequence[str]) -> tuple[str, list[str]]:
    """Who was heard in the whole file, and for how long; and the notes that do not say the same.

    >>> sentence([Turn(0, 0.0, 1.0), Turn(1, 0.5, 2.0)], ["2 people speak: speaker_1 1.0 s, speaker_2 1.5 s", "a note"])
    ('2 people speak: speaker 1 1.0 s, speaker 2 1.5 s.', ['a note'])
    """
    front, _, _ = told(turns).partition(":")
    same = [note for note in notes if note.startswith(front)]
    text = (same or [told(turns)])[0].replace("speaker_", "speaker ")
    return f"{text[0].upper()}{text[1:]}.", [note for note in notes if note not in same]


def _lane(title: str, turns: Sequence[Turn], excerpt: Excerpt) -> Lane:
    spans = [(max(turn.start_s, excerpt.start_s), min(turn.end_s, excerpt.end_s)) for turn in turns]
    spans = [(start_s, end_s) for start_s, end_s in spans if start_s < end_s]
    unit = SPAN / (excerpt.end_s - excerpt.start_s)
    boxes = ((round((start_s - excerpt.start_s) * unit), round((end_s - start_s) * unit)) for start_s, end_s in spans)
    path = "".join(f"M{left} 0h{max(width, 1)}v1h-{max(width, 1)}z" for left, width in boxes)
    return Lane(title, sum(end_s - start_s for start_s, end_s in spans), len(spans), path)
