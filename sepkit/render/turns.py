"""Who speaks when, as texts: RTTM, a table, a sentence.

Source of RTTM: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

COLUMNS = "speaker,start_s,end_s"


class Turn(NamedTuple):
    """Who speaks from when to when. person: from 0."""

    person: int
    start_s: float
    end_s: float

    @property
    def speaker(self) -> str:
        """As the stem is called."""
        return f"speaker_{self.person + 1}"


def joined(turns: Iterable[Turn], bridged_s: float, shortest_s: float) -> list[Turn]:
    """In the order of their beginnings; those of one person at most `bridged_s` apart are one, then short ones go.

    >>> joined([Turn(0, 0.0, 1.0), Turn(1, 0.5, 2.0), Turn(0, 1.25, 2.0)], 0.3, 0.1)
    [Turn(person=0, start_s=0.0, end_s=2.0), Turn(person=1, start_s=0.5, end_s=2.0)]
    """
    latest: dict[int, int] = {}
    found: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: turn.start_s):
        index = latest.get(turn.person)
        if index is not None and turn.start_s - found[index].end_s <= bridged_s:
            found[index] = found[index]._replace(end_s=max(found[index].end_s, turn.end_s))
        else:
            latest[turn.person] = len(found)
            found.append(turn)
    return [turn for turn in found if turn.end_s - turn.start_s >= shortest_s]


def rttm(turns: Sequence[Turn], recording: str) -> str:
    """A line `SPEAKER recording 1 start duration …` each, in seconds; a field holds no blank."""
    name = "_".join(recording.split()) or "recording"
    return "".join(
        f"SPEAKER {name} 1 {turn.start_s:.3f} {turn.end_s - turn.start_s:.3f} <NA> <NA> {turn.speaker} <NA> <NA>\n"
        for turn in turns
    )


def csv(turns: Sequence[Turn]) -> str:
    """A line each under `COLUMNS`."""
    return f"{COLUMNS}\n" + "".join(f"{turn.speaker},{turn.start_s:.3f},{turn.end_s:.3f}\n" for turn in turns)


def read_csv(text: str) -> list[Turn]:
    """The turns of such a table. Raises ValueError where it is none.

    >>> read_csv(csv([Turn(1, 0.5, 2.0)]))
    [Turn(person=1, start_s=0.5, end_s=2.0)]
    """
    head, *rows = text.splitlines() or [""]
    if head != COLUMNS:
        raise ValueError(f"its columns are '{head}', not '{COLUMNS}'")
    cells = (row.split(",") for row in rows)
    return [
        Turn(int(speaker.removeprefix("speaker_")) - 1, float(start_s), float(end_s))
        for speaker, start_s, end_s in cells
    ]


def told(turns: Sequence[Turn], asked: int = 0) -> str:
    """Who was heard, and for how long. asked: for so many people; who of them was not heard is said."""
    seconds: dict[str, float] = {}
    for turn in turns:
        seconds[turn.speaker] = seconds.get(turn.speaker, 0.0) + turn.end_s - turn.start_s
    if not seconds:
        return "nobody was heard speaking"
    each = ", ".join(f"{speaker} {total:.1f} s" for speaker, total in sorted(seconds.items()))
    silent = [speaker for speaker in (f"speaker_{number + 1}" for number in range(asked)) if speaker not in seconds]
    nobody = f"; nobody is heard in {', '.join(silent)}" if silent else ""
    return f"{'1 person speaks' if len(seconds) == 1 else f'{len(seconds)} people speak'}: {each}{nobody}"
