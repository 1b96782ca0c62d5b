"""From a source to a verdict: render, measure, hold against the gate, and where that fails try the next configuration.

    source ─ first configuration ─┬ no background, bypass_clean ─ the source itself ────────────────────── bypassed
                                  └ metrics ─ gate ─┬ holds ────────────────────────────────────────────── passed
                                                    └ broken ─ next of escalate_to ─ metrics ─ gate ─┬─── escalated
                                                                                     … none is left ─ quarantined

Each configuration is tried once, in order, so that it ends. The models of those that are escalated to are loaded when
the first file needs them, once a process, and kept.
"""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from sepkit.audio.read import beginning
from sepkit.clock import Clock
from sepkit.config import Config
from sepkit.config.edits import Edit
from sepkit.config.sections import MetricConfig, SourceConfig
from sepkit.errors import ConfigError, one_line
from sepkit.judge import bypass, gate
from sepkit.judge.evaluate import Evaluator, Excerpt
from sepkit.judge.stems import Truth, bring_stem, in_one_table, told_apart
from sepkit.judge.words import Known
from sepkit.metrics.base import Evaluation, Score, not_measured
from sepkit.models import weights
from sepkit.models.weights import WeightFile
from sepkit.render.base import Stem, judged, make_task, sounding
from sepkit.render.mask_picture import MaskPicture
from sepkit.render.pipeline import Pipeline, Progress
from sepkit.render.result import Outputs, lack_of_speech

Verdict = Literal["passed", "escalated", "quarantined", "bypassed"]

FIRST = "first"
"""The configuration of the command itself; the others are called by their file's name."""

EXIT_PASSED, EXIT_FAILED, EXIT_QUARANTINED, EXIT_ESCALATED = 0, 1, 3, 4


@dataclass(frozen=True)
class Judged:
    """What became of a file. configuration: whose rendering it is. reasons: of every attempt that failed.

    excerpt: what was measured. stages: CPU-seconds by stage, of all attempts. facts: by stem, what the finish of the
    last attempt found and did; none where the source passed through. notes: what is to be known about it.
    """

    verdict: Verdict
    configuration: str
    reasons: tuple[str, ...]
    evaluation: Evaluation | None
    duration_s: float
    excerpt: Excerpt | None
    stages: Mapping[str, float]
    facts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def exit_code(failed: bool, verdicts: Iterable[str]) -> int:
    """Of several files: a failure counts most, then quarantine, then that something passed by escalation alone."""
    found = set(verdicts)
    if failed:
        return EXIT_FAILED
    if "quarantined" in found:
        return EXIT_QUARANTINED
    return EXIT_ESCALATED if "escalated" in found else EXIT_PASSED


def all_weights(config: Config) -> tuple[WeightFile, ...]:
    """What the configuration, those it escalates to, and its gate read."""
    files = list(Pipeline(config).weights())
    if config.bypass_clean:
        files += bypass.weights()
    if config.gate:
        files += (file for each in config.escalations() for file in Pipeline(each).weights())
        files += Evaluator(config.gate_metrics()).weights()
    return tuple(files)


class Judge:
    """A configuration and those it escalates to, with the metrics that are measured."""

    def __init__(self, config: Config, metrics: tuple[MetricConfig, ...], threads: int | None = None) -> None:
        self.config = config
        self.metrics = metrics
        self.pipeline = Pipeline(config, threads)
        self.evaluator = Evaluator(metrics)
        self._main = judged(self.pipeline.task.stems())[0]
        if config.bypass_clean and not self._main.against:
            raise ConfigError(
                f"bypass_clean: the task '{config.task}' cannot tell whether a file has a background; leave it out"
            )
        self._next = _escalations(config, threads)
        self._needs_words = any(each.metric == "wer" for each in config.gate_metrics())
        if self._needs_words and len(judged(self.pipeline.task.stems())) > 1:
            raise ConfigError(
                f"gate: WER cannot be measured for the task '{config.task}', for nobody knows which of its stems says "
                "which words; leave out the bound and 'words'"
            )

    def require(self) -> None:
        """Raise where weights are absent, of whichever configuration; nothing is loaded."""
        weights.require(all_weights(self.config), self.config.task)

    def load(self) -> None:
        """Load the first configuration's models; weights that are absent raise here."""
        self.require()
        self.pipeline.load()

    def twin(self, source: SourceConfig | None = None) -> Judge:
        """Another over the same loaded models, for another thread, or for sources that are read as `source` says."""
        other = copy.copy(self)
        other.config = self.config.model_copy(update={"source": source or self.config.source})
        other.pipeline, other.evaluator = self.pipeline.twin(other.config), Evaluator(self.metrics)
        return other

    def with_edits(self, edits: tuple[Edit, ...]) -> Judge:
        """Another over the same loaded models and metrics, in this thread, for a file that has edits of its own."""
        other = copy.copy(self)
        other.pipeline = self.pipeline.editing(edits)
        other.config = other.pipeline.config
        return other

    def judge(
        self,
        source: Path,
        outputs: Outputs,
        words: Known | None,
        progress: Progress | None = None,
        masks: MaskPicture | None = None,
    ) -> Judged:
        """Render `source` to `outputs`, which then hold the last attempt, whatever the verdict.

        outputs: with `Pipeline.with_evidence`, which is written where something is measured, bypassed or shown.
        words: None where none were looked for. masks: to be filled by the last attempt.
        """
        stems = self.pipeline.task.stems(beginning(source, self.config.source))
        results = {stem.name: path for stem, path in sounding(stems, outputs) if not stem.inner}
        if not (self.evaluator.metrics or self.config.bypass_clean or masks):
            inner = {stem.name for stem in stems if stem.inner}
            outputs = {name: path for name, path in outputs.items() if name not in inner}
        reasons: list[str] = []
        stages: Counter[str] = Counter()
        for name, pipeline in self._attempts():
            report = pipeline.render(source, outputs, progress, masks)
            clock = Clock()
            with clock("metrics"):
                passed = self._passed_through(source, outputs, results) if name == FIRST else None
                no_speech = lack_of_speech(report.notes) if passed is None else ""
                measured = self._measure(source, outputs, words, judged(stems, outputs), no_speech)
            excerpt, evaluation = measured.excerpt, measured.evaluation
            stages.update({**report.seconds_by_stage, **clock.seconds})
            broken = self._broken(source, outputs, measured) if passed is None else ()
            verdict: Verdict = "bypassed" if passed is not None else "escalated" if reasons else "passed"
            if not broken:
                break
            reasons += (f"{name}: {reason}" for reason in broken)
        else:
            verdict = "quarantined"
        facts, notes = (report.facts, report.notes) if passed is None else ({}, passed)
        spent = dict(stages)
        return Judged(verdict, name, tuple(reasons), evaluation, report.duration_s, excerpt, spent, facts, notes)

    def pipeline_of(self, configuration: str) -> Pipeline | None:
        """The one that a record calls so, loaded; "" is the first in those from before there were several."""
        if configuration in ("", FIRST):
            return self.pipeline
        named = (escalation for name, escalation in self._next if name == configuration)
        return next((escalation.pipeline(self.config) for escalation in named), None)

    def _attempts(self) -> Iterator[tuple[str, Pipeline]]:
        yield FIRST, self.pipeline
        for name, escalation in self._next:
            yield name, escalation.pipeline(self.config)

    def _passed_through(self, source: Path, outputs: Outputs, results: Outputs) -> tuple[str, ...] | None:
        """Give the source itself where it has no background, with what is to be known of it; None: it has one."""
        if not self.config.bypass_clean:
            return None
        if not bypass.is_voice_only(bypass.evidence(source, outputs[self._main.against], self.config.source)):
            return None
        return bypass.pass_through(source, results, self._main.name, self.config.output, self.config.source)

    def _broken(self, source: Path, outputs: Outputs, measured: _Measured) -> list[str]:
        """A reason for every bound that a judged stem breaks."""
        alone = len(measured.scores) == 1
        return [
            reason if alone else f"{stem.name}: {reason}"
            for stem, scores in measured.scores
            for reason in gate.broken(self.config, scores, source, outputs[stem.name])
        ]

    def _measure(
        self, source: Path, outputs: Outputs, words: Known | None, stems: Sequence[Stem], no_speech: str
    ) -> _Measured:
        """Score every judged stem; what prevents that stands in every row. words: None where none were looked for."""
        if not self.evaluator.metrics:
            return _Measured([(stem, ()) for stem in stems], None, None)
        no_words = "the gate asks for WER: name the words in 'words:'" if self._needs_words else ""
        truth = Truth(words=words or Known(None, no_words), no_speech=no_speech)
        found = [(stem, *self._measure_stem(source, outputs, stem, stems, truth)) for stem in stems]
        together = in_one_table([(stem, evaluation) for stem, _, evaluation in found])
        return _Measured([(stem, each.scores) for stem, _, each in found], found[0][1], together)

    def _measure_stem(
        self, source: Path, outputs: Outputs, stem: Stem, stems: Sequence[Stem], truth: Truth
    ) -> tuple[Excerpt | None, Evaluation]:
        try:
            excerpt = bring_stem(self.config, source, outputs, stem, stems, truth)
        except Exception as error:
            rows = tuple(not_measured(row, one_line(error)) for row in self.evaluator.rows())
            return None, Evaluation(rows, 0.0, 0.0, 0.0)
        return (excerpt if stem == stems[0] else None), self.evaluator.evaluate(excerpt)


class _Measured(NamedTuple):
    """The rows of each judged stem, what was measured of the main one, and all rows together."""

    scores: list[tuple[Stem, tuple[Score, ...]]]
    excerpt: Excerpt | None
    evaluation: Evaluation | None


class _Escalation:
    """A configuration that is escalated to, loaded when it is first needed."""

    def __init__(self, config: Config, threads: int | None) -> None:
        self._pipeline = Pipeline(config, threads)
        self._lock = threading.Lock()

    def pipeline(self, first: Config) -> Pipeline:
        """For one file, with source and edits of `first`; threads that ask at the same time wait for one loading."""
        of_file = {"source": first.source, "edits": first.edits}
        with self._lock:
            return self._pipeline.twin(self._pipeline.config.model_copy(update=of_file))


def _escalations(config: Config, threads: int | None) -> list[tuple[str, _Escalation]]:
    if not config.gate:
        return []
    names = (Path(path).name for path in config.escalate_to)
    return [(name, _Escalation(each, threads)) for name, each in zip(names, config.escalations(), strict=True)]


def metric_rows(config: Config, metrics: Iterable[MetricConfig]) -> tuple[Score, ...]:
    """Every row that the metrics give, of every judged stem that each source has, without values."""
    stems, rows = judged(make_task(config).stems(), {}), Evaluator(metrics).rows()
    return tuple(row for stem in stems for row in told_apart(rows, stem, stems))
