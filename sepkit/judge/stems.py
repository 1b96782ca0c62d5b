"""Several stems judged beside each other: the pair of each, and all their rows in one table of metrics.

The rows of the main stem keep their names; those of every other stem carry its name in front, as in "voice_2 stoi".
Where more than one stem is judged, each label and each reason names its stem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from sepkit.config import Config
from sepkit.config.edits import Where
from sepkit.config.labelled import Labelled
from sepkit.judge.evaluate import Excerpt, bring_together
from sepkit.judge.words import Known
from sepkit.metrics.base import Evaluation, Score
from sepkit.render.base import Stem
from sepkit.render.result import Outputs

UNKNOWN_BACKGROUND = "which stem the background is the rest of is not known; it was not used"


class Truth(NamedTuple):
    """What is known about a mix besides itself. The reference is the main stem's. no_speech: as in `Pair`."""

    reference: Path | None = None
    background: Path | None = None
    words: Known = Known(None)
    no_speech: str = ""

    def of(self, stem: Stem, judged: Sequence[Stem]) -> Truth:
        """What of it holds for `stem`: whose background and words they are is known of a stem that stands alone."""
        if len(judged) == 1:
            return self
        words = self.words if self.words.text is None else Known(None, "which stem says which words is not known")
        return Truth(self.reference if stem == judged[0] else None, None, words, self.no_speech)


def bring_stem(
    config: Config, source: Path, outputs: Outputs, stem: Stem, judged: Sequence[Stem], truth: Truth
) -> Excerpt:
    """The pair to measure `stem` on: against the truth where it is known, else against what the task names."""
    known = truth.of(stem, judged)
    has_truth = bool(known.reference or known.background)
    excerpt = bring_together(
        source,
        outputs[stem.name],
        known.reference if has_truth else outputs.get(stem.against),
        known.background,
        known.words.text,
        longest_s=config.evaluate.longest_s,
        reference_kind="truth" if has_truth or not stem.against else "own estimate",
        no_words=known.words.why,
        how=config.source,
        where=_where(config),
    )
    unused = truth.background is not None and known.background is None
    notes = (*excerpt.notes, UNKNOWN_BACKGROUND) if unused else excerpt.notes
    return replace(excerpt, pair=replace(excerpt.pair, no_speech=known.no_speech), notes=notes)


def _where(config: Config) -> Where | None:
    """Where the configuration's edits work; None where it has none, or each file has its own and they are not told."""
    return None if isinstance(config.edits, Labelled) or not config.edits else Where.of(config.edits)


def told_apart(scores: Sequence[Score], stem: Stem, judged: Sequence[Stem]) -> tuple[Score, ...]:
    """The rows that were measured on `stem`, named so that those of all `judged` stems can stand together."""
    if len(judged) == 1:
        return tuple(scores)
    front = "" if stem == judged[0] else f"{stem.name} "
    return tuple(replace(score, name=front + score.name, label=f"{stem.name}: {score.label}") for score in scores)


def in_one_table(found: Sequence[tuple[Stem, Evaluation]]) -> Evaluation:
    """The rows of every judged stem, the main one first, whose stretch and notes stand for all."""
    judged = [stem for stem, _ in found]
    scores = chain.from_iterable(told_apart(each.scores, stem, judged) for stem, each in found)
    return replace(found[0][1], scores=tuple(scores))
