"""What a comparison measures of one method on one mix: a line of its results.

Of a task whose stems come in any order, each row is the mean of the voices, by the order of most SI-SDR.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sepkit.compare.method import Method
from sepkit.compare.pairs import SetPair
from sepkit.config.edits import Where
from sepkit.config.sections import EvaluateConfig, MetricConfig
from sepkit.errors import SourceError, UnsuitableError
from sepkit.files.naming import shown
from sepkit.judge.evaluate import (
    EDIT_METRICS,
    EMBEDDED_METRICS,
    LENGTH_TOLERANCE_S,
    VOICE_METRICS,
    Evaluator,
    Excerpt,
    bring_together,
    with_metrics,
)
from sepkit.judge.stems import in_one_table, told_apart
from sepkit.judge.voices import WRONG, averaged, likeness, silenced, with_gains, wrong_stem
from sepkit.judge.words import read_words
from sepkit.metrics.base import Evaluation, Score, not_measured
from sepkit.models import weights
from sepkit.render.base import Stem

REFUSED = "refused"
"""What such a line is called, why its rows are not measured, and where it says its reason."""
WORDS_METRIC = "wer"
"""Left out of a mix whose words are not known: without them it says how much changed, not what is wrong."""


class Trial(NamedTuple):
    """One method on one mix of the set, and the key of its line."""

    method: Method
    pair: SetPair
    key: str


class Measurer:
    """The metrics of a comparison, loaded once."""

    def __init__(self, chosen: EvaluateConfig, stems: Sequence[Stem]) -> None:
        self._chosen = chosen
        self._stems = stems
        self._evaluator = Evaluator(chosen.metrics)
        self._wordless = copy.copy(self._evaluator)
        named = list(zip(chosen.metrics, self._evaluator.metrics, strict=True))
        self._wordless.metrics = tuple(metric for config, metric in named if config.metric != WORDS_METRIC)
        self._of_words = tuple(
            row for config, metric in named if config.metric == WORDS_METRIC for row in metric.rows()
        )

    @property
    def rows(self) -> tuple[Score, ...]:
        """Every row that the metrics give, of every stem, without values."""
        rows = self._evaluator.rows()
        return tuple(row for stem in self._stems for row in told_apart(rows, stem, self._stems))

    def identity(self) -> str:
        """Differs where the figures may."""
        files = [weights.sha256(file.path) if file.path.is_file() else "" for file in self._evaluator.weights()]
        return json.dumps([self._chosen.model_dump(mode="json", include={"metrics", "longest_s"}), files])

    def measure(self, trial: Trial) -> dict[str, Any]:
        """The line of a trial: what the method made of the mix, CPU-seconds and every metric."""
        excerpts = self._excerpts(trial.pair)
        main = next(iter(excerpts.values()))
        truths = {name: each.pair.reference for name, each in excerpts.items() if each.pair.reference}
        try:
            answer = trial.method.answer(main.pair.mix, truths, trial.pair)
        except UnsuitableError as error:
            return self._refused(trial, main, error)
        found = []
        for stem in self._stems:
            excerpt = excerpts[stem.name]
            pair = replace(excerpt.pair, clean=answer.stems[stem.name])
            if trial.method.of_the_rest:
                pair = replace(pair, reference=pair.background, background=pair.reference)
                if pair.edited and trial.pair.asked:
                    pair = replace(pair, edited=pair.edited._replace(prompt=trial.pair.asked.other_prompt))
            found.append((stem, self._evaluated(replace(excerpt, pair=pair))))
        return _line(trial, answer.cpu_s, in_one_table(found))

    def _refused(self, trial: Trial, excerpt: Excerpt, error: UnsuitableError) -> dict[str, Any]:
        """The line of a method that cannot work on this mix: no figure, and its reason."""
        scores = tuple(not_measured(row, REFUSED) for row in self.rows)
        found = Evaluation(scores, excerpt.start_s, excerpt.end_s, excerpt.whole_s)
        return {**_line(trial, None, found), REFUSED: str(error)}

    def _excerpts(self, pair: SetPair) -> dict[str, Excerpt]:
        """The mix beside each stem's truth. The background is known of a stem that stands alone."""
        background, longest_s = pair.background if len(self._stems) == 1 else None, self._chosen.longest_s
        where = pair.asked and Where.of([pair.asked.edit])
        words = {name: read_words(path) for name, path in pair.words.items()}
        found = {
            name: bring_together(pair.mix, pair.mix, truth, background, words.get(name), longest_s, where=where)
            for name, truth in pair.truths.items()
        }
        if where and any(each.end_s - each.start_s < each.whole_s - LENGTH_TOLERANCE_S for each in found.values()):
            raise SourceError(
                f"{shown(pair.mix)}: lasts longer than evaluate.longest_s, {self._chosen.longest_s:g} s; give a "
                "shorter one, or raise that"
            )
        if len({each.pair.mix.frames for each in found.values()}) > 1:
            raise SourceError(f"{shown(pair.mix)}: its stems differ in length; give all of them the mix's")
        return found

    def _evaluated(self, excerpt: Excerpt) -> Evaluation:
        """Every row; those of words with the reason where the words are not known."""
        if excerpt.pair.words is not None:
            return self._evaluator.evaluate(excerpt)
        found = self._wordless.evaluate(excerpt)
        unheard = (not_measured(row, "the words are not known") for row in self._of_words)
        by_name = {row.name: row for row in (*found.scores, *unheard)}
        return replace(found, scores=tuple(by_name[row.name] for row in self._evaluator.rows()))


class VoiceMeasurer(Measurer):
    """Of stems that come in any order."""

    @property
    def rows(self) -> tuple[Score, ...]:
        """A row a metric, whatever the voices are, and how much speech lies on the wrong stem."""
        return *with_gains(self._evaluator.rows()), WRONG

    def measure(self, trial: Trial) -> dict[str, Any]:
        """The same line; its figures are means over the voices that have them."""
        excerpts = [silenced(each) for each in self._excerpts(trial.pair).values()]
        mix = excerpts[0].pair.mix
        truths = {stem.name: each.pair.reference for stem, each in zip(self._stems, excerpts, strict=True)}
        known = {name: truth for name, truth in truths.items() if truth is not None}
        try:
            answer = trial.method.answer(mix, known, trial.pair)
        except UnsuitableError as error:
            return self._refused(trial, excerpts[0], error)
        files = [answer.stems[name] for name in known]
        found = likeness(mix, files, list(known.values()))
        order = found.order()
        pairs = zip(excerpts, order, strict=True)
        each = [self._voice(replace(it, pair=replace(it.pair, clean=files[file]))) for it, file in pairs]
        scores = (*averaged(each), wrong_stem(found, order))
        numbers = tuple(file + 1 for file in order)
        return _line(trial, answer.cpu_s, replace(each[0], scores=scores, permutation=numbers))

    def _voice(self, excerpt: Excerpt) -> Evaluation:
        found = self._evaluated(excerpt)
        return replace(found, scores=with_gains(found.scores))


def make_measurer(
    evaluate: EvaluateConfig, pairs: Sequence[SetPair], stems: Sequence[Stem], any_order: bool
) -> Measurer:
    """What measures a set of `pairs`. evaluate: the first configuration's. any_order: the stems come in."""
    if not any_order:
        return Measurer(_chosen(evaluate, pairs), stems)
    metrics = _of_known_words(with_metrics(evaluate.metrics, VOICE_METRICS), pairs)
    return VoiceMeasurer(evaluate.model_copy(update={"metrics": metrics}), stems)


def _line(trial: Trial, cpu_s: float | None, found: Evaluation) -> dict[str, Any]:
    """Ready for JSON. The names are for people; what a line belongs to is its key."""
    return {
        "method": trial.method.label,
        "mix": trial.pair.name,
        "duration_s": found.end_s - found.start_s,
        "cpu_s": cpu_s,
        **found.as_dict(),
    }


def _chosen(evaluate: EvaluateConfig, pairs: Sequence[SetPair]) -> EvaluateConfig:
    """The metrics of the first configuration and the trade-off; those of words only where some are known.

    Of edits: what it measures, and what is measured inside and outside windows.
    """
    if pairs[0].asked:
        return evaluate.model_copy(update={"metrics": with_metrics(evaluate.metrics, EDIT_METRICS)})
    chosen = evaluate.metrics or tuple(map(MetricConfig.named, EMBEDDED_METRICS))
    chosen = _of_known_words(with_metrics(chosen, ["trade_off"]), pairs)
    return evaluate.model_copy(update={"metrics": chosen})


def _of_known_words(metrics: tuple[MetricConfig, ...], pairs: Sequence[SetPair]) -> tuple[MetricConfig, ...]:
    """Without that of words, where none are known."""
    known = any(pair.words for pair in pairs)
    return tuple(metric for metric in metrics if known or metric.metric != WORDS_METRIC)
