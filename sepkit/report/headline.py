"""What was done to a file in one or two sentences, for somebody who knows no metric: how a page and a table begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sepkit.metrics.base import is_agreement
from sepkit.render.result import NO_SPEECH, lack_of_speech

CLEAN_DB = -50.0
"""What lies that far below the speech is hardly heard: there was nothing to take away."""
PLACES = {"music_residual": "between the words", "music_left": "beside the speech"}
"""The rows that tell how loud all else is, against the speech."""


def headline(metrics: Mapping[str, Mapping[str, Any]], notes: Sequence[str] = ()) -> str:
    """As much as was measured. notes: of the rendering; that nobody speaks comes first, and all else is said of speech
    that is known from elsewhere. Where several stems are judged, no sentence on the first stands for them.
    """
    if any(" " in name for name in metrics):  # as `judge.stems` names the rows of the others
        metrics = {}
    silence = lack_of_speech(notes) or (NO_SPEECH if metrics.get("speech", {}).get("after") == 0 else "")
    rows = {name: metrics[name] for name in PLACES if name in metrics}
    if silence:
        rows = {name: row for name, row in rows.items() if row.get("basis") == "truth"}
    found = [f"{silence[0].upper()}{silence[1:]}."] if silence else []
    levels_db = {name: (row["before"], row["after"]) for name, row in rows.items()}
    levels_db = {name: pair for name, pair in levels_db.items() if None not in pair}
    told = [_moved(PLACES[name], rows[name], *pair) for name, pair in levels_db.items() if max(pair) >= CLEAN_DB]
    if told:
        found.append(f"What is not speech is {' and '.join(told)}.")
    elif levels_db:
        found.append("There was little to take away.")
    lost_db = metrics.get("speech_lost", {}).get("after")
    if lost_db is not None:
        found.append(f"About {100 * 10 ** (lost_db / 10):.0f} % of the speech's energy went with it.")
    return " ".join(found)


def beside_it(notes: Sequence[str]) -> list[str]:
    """The notes of a rendering that its headline does not tell."""
    return [note for note in notes if note != lack_of_speech(notes)]


def _moved(place: str, row: Mapping[str, Any], before_db: float, after_db: float) -> str:
    """How loud all else has become in a place, and whether only sepkit's own estimate says where the words are."""
    by = ", as sepkit's own estimate places them" if is_agreement(row) else ""
    change_db = round(after_db - before_db)
    moved = (
        f"{abs(change_db)} dB {'quieter' if change_db < 0 else 'louder'}" if change_db else "about as loud as before"
    )
    return f"{moved} {place}{by}"
