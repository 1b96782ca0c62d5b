"""Several stems in one table of metrics: which of them a row is about.

The rows of the main stem keep their names; those of every other stem carry its name in front, as in "voice_2 stoi".
Where more than one stem is judged, each label and each reason names its stem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sepkit.metrics.base import Score
from sepkit.render.base import Stem


def told_apart(scores: Sequence[Score], stem: Stem, judged: Sequence[Stem]) -> tuple[Score, ...]:
    """The rows that were measured on `stem`, named so that those of all `judged` stems can stand together."""
    if len(judged) == 1:
        return tuple(scores)
    front = "" if stem == judged[0] else f"{stem.name} "
    return tuple(replace(score, name=front + score.name, label=f"{stem.name}: {score.label}") for score in scores)
