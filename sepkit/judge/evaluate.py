"""A pair in, the table of its metrics out: one rate, length and layout for all files, then metric by metric.

Last in the flow, over the files themselves. Nothing that goes wrong inside a metric stops the others or is
left out: its rows come back with the reason. Memory is bounded by `evaluate.longest_s`: of a longer pair the
middle is measured.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np

from sepkit.audio.read import AS_IT_IS, Source, open_source
from sepkit.audio.resample import resample
from sepkit.audio.samples import Audio
from sepkit.clock import Clock
from sepkit.config import Config, plugins
from sepkit.config.edits import Where
from sepkit.config.sections import EvaluateConfig, MetricConfig, SourceConfig
from sepkit.errors import ConfigError, SepkitError, SourceError
from sepkit.files.naming import clipped
from sepkit.metrics.base import (
    BaseMetric,
    Edited,
    Evaluation,
    Pair,
    ReferenceKind,
    Score,
    not_measured,
    without_speech,
)
from sepkit.models.weights import WeightFile

__all__ = [
    *("EDIT_METRICS", "EMBEDDED_METRICS", "VOICE_METRICS"),
    *("Evaluation", "Evaluator", "Excerpt", "bring_together", "evaluate_pair"),
]

EMBEDDED_METRICS = (
    *(
        "loudness",
        "stoi",
        "si_sdr",
        "sdr",
        "snr",
        "wer",
        "music_residual",
        "trade_off",
        "dnsmos",
        "clipping",
        "silence",
        "speech",
    ),
)
"""The metrics that need no download; what is measured where no configuration says otherwise."""
EDIT_METRICS = ("inside_si_sdr", "inside_sdr", "outside", "text_audio")
"""Those that need no download either, and the windows of an edit."""
VOICE_METRICS = ("si_sdr", "snr", "sdr", "stoi", "wer", "silent_level")
"""What is measured of each of several voices."""
LENGTH_TOLERANCE_S = 0.1
"""Encoders pad by some milliseconds; files further apart than this are not a pair."""

Sound = Path | str | Audio
Follow = Callable[[str, float], None]
"""Told what is measured next, and the part of the metrics that is done."""


@dataclass(frozen=True)
class Excerpt:
    """A pair at one rate, length and layout, where in the mix it lies, and what brought it there."""

    pair: Pair
    start_s: float
    end_s: float
    whole_s: float
    notes: tuple[str, ...] = ()


class Evaluator:
    """The metrics of a configuration: what one loads for the first pair, it keeps for the others.

    clock: what each of them took so far.
    """

    def __init__(self, metrics: Iterable[MetricConfig]) -> None:
        self.metrics: tuple[BaseMetric, ...] = tuple(
            plugins.make("metrics", metric.metric, metric.options) for metric in metrics
        )
        self.clock = Clock()

    def weights(self) -> tuple[WeightFile, ...]:
        """The files that the metrics read."""
        found: list[WeightFile] = []
        for metric in self.metrics:
            with plugins.blamed("metrics", type(metric).__module__.rpartition(".")[2], "run"):
                found += metric.weights()
        return tuple(found)

    def rows(self) -> tuple[Score, ...]:
        """Every row that the metrics give, without values."""
        return tuple(row for metric in self.metrics for row in metric.rows())

    def scores(self, pair: Pair, follow: Follow | None = None) -> tuple[Score, ...]:
        """Every row of every metric; a failure is the row's `why`."""
        found: list[Score] = []
        for index, metric in enumerate(self.metrics):
            label = metric.rows()[0].label
            if follow:
                follow(label, index / len(self.metrics))
            with self.clock(label):
                found += _measure(metric, pair)
        return tuple(found)

    def evaluate(self, excerpt: Excerpt, follow: Follow | None = None) -> Evaluation:
        """The rows with the stretch they were measured on."""
        scores = self.scores(excerpt.pair, follow)
        return Evaluation(scores, excerpt.start_s, excerpt.end_s, excerpt.whole_s, excerpt.notes)


def evaluate_pair(
    mix: Sound,
    clean: Sound,
    reference: Sound | None = None,
    background: Sound | None = None,
    words: str | None = None,
    config: Config | None = None,
    reference_kind: ReferenceKind = "truth",
    where: Where | None = None,
) -> Evaluation:
    """Measure what was made of a mix.

    reference: the truth of what `clean` is to be; or what the members made of the mix before the later stages, and
    then `reference_kind` is "own estimate".
    background: the true rest; without a reference, mix − background is the reference. words: the text spoken.
    config: its `evaluate` section says what is measured; without one, all of `EMBEDDED_METRICS`. where: the mix was
    edited, where it was; `EDIT_METRICS` are then measured too.
    """
    if reference_kind not in get_args(ReferenceKind):
        known = ", ".join(map(repr, get_args(ReferenceKind)))
        raise ConfigError(f"reference_kind: found {reference_kind!r}; choose one of {known}")
    for name, sound in (("mix", mix), ("clean", clean), ("reference", reference), ("background", background)):
        needed = name in ("mix", "clean")
        if not isinstance(sound, str | Path | Audio) and (needed or sound is not None):
            raise SourceError(f"{name}: found {clipped(repr(sound))}; give a path or an Audio")
    chosen = config.evaluate if config else EvaluateConfig(metrics=tuple(map(MetricConfig.named, EMBEDDED_METRICS)))
    excerpt = bring_together(mix, clean, reference, background, words, chosen.longest_s, reference_kind, where=where)
    return Evaluator(chosen.metrics if where is None else with_metrics(chosen.metrics, EDIT_METRICS)).evaluate(excerpt)


def with_metrics(metrics: Iterable[MetricConfig], names: Iterable[str]) -> tuple[MetricConfig, ...]:
    """The metrics, and those of the names that are not among them."""
    metrics = tuple(metrics)
    known = {each.metric for each in metrics}
    return (*metrics, *(MetricConfig.named(name) for name in names if name not in known))


def bring_together(
    mix: Sound,
    clean: Sound,
    reference: Sound | None = None,
    background: Sound | None = None,
    words: str | None = None,
    longest_s: float = EvaluateConfig().longest_s,
    reference_kind: ReferenceKind = "truth",
    no_words: str = "",
    how: SourceConfig = AS_IT_IS,
    where: Where | None = None,
) -> Excerpt:
    """The middle `longest_s` of all files, at the mix's rate and channel count and of one length.

    no_words: why they are not known, where they were looked for. how: the mix is read. where: it was edited, where that
    is known.
    """
    given = {"mix": mix, "clean": clean, "reference": reference, "background": background}
    with ExitStack() as stack:
        sources = {
            name: stack.enter_context(open_source(sound, how if name == "mix" else AS_IT_IS))
            for name, sound in given.items()
            if sound is not None
        }
        rate, whole_s = sources["mix"].info.sample_rate, sources["mix"].info.duration_s
        notes = [*fit_lengths(sources), *fit_layouts(sources)]
        frames = min(source.info.frames * rate // source.info.sample_rate for source in sources.values())
        length = min(frames, round(longest_s * rate))
        start = (frames - length) // 2
        audio = {name: stretch(source, start, length, sources["mix"]) for name, source in sources.items()}
        spans = where and where.spans(rate, sources["mix"].info.frames)
    if length < frames:
        notes.append(f"the middle {length / rate:.1f} s of {whole_s:.1f} s were measured")
        if words is not None:
            words, no_words = None, "the words given are those of the whole file and were not used"
            notes.append(no_words)
    edited = None
    if where and spans:
        windows, inside = (_within(each, start, length) for each in (spans.windows, spans.inside()))
        edited = Edited(windows, inside, where.prompt, where.mode)
    notes += spans.notes if spans else ()
    pair = Pair(**audio, words=words, reference_kind=reference_kind, no_words=no_words, no_speech="", edited=edited)
    if pair.reference is None and pair.background is not None:
        truth = Audio(pair.mix.samples - pair.background.samples, rate)
        pair = replace(pair, reference=truth, reference_kind="truth")
        notes.append("the reference is the mix minus the background given")
    return Excerpt(pair, start / rate, (start + length) / rate, whole_s, tuple(notes))


def _within(spans: Iterable[tuple[int, int]], first: int, length: int) -> tuple[tuple[int, int], ...]:
    """Of (start, stop) what lies within `length` frames from `first` on, counted from there."""
    clipped_to = ((max(start - first, 0), min(stop - first, length)) for start, stop in spans)
    return tuple((start, stop) for start, stop in clipped_to if start < stop)


def _measure(metric: BaseMetric, pair: Pair) -> tuple[Score, ...]:
    try:
        rows = metric.measure(pair)
        return tuple(map(without_speech, rows)) if pair.no_speech and metric.of_speech else rows
    except SepkitError as error:
        why = str(error)
    except Exception as error:
        logging.getLogger(__name__).debug("metric %s", type(metric).__module__, exc_info=True)
        why = f"{type(error).__name__}: {error}"
    return tuple(not_measured(row, "; ".join(why.split("\n"))) for row in metric.rows())


def fit_lengths(sources: Mapping[str, Source]) -> list[str]:
    """Refuse what is no pair; say what is cut."""
    mix_s = sources["mix"].info.duration_s
    for name, source in sources.items():
        if abs(source.info.duration_s - mix_s) > LENGTH_TOLERANCE_S:
            raise SourceError(
                f"{name} {source.info.path}: lasts {source.info.duration_s:.3f} s and the mix {mix_s:.3f} s; "
                f"they may differ by {LENGTH_TOLERANCE_S} s: give the {name} that belongs to this mix, uncut"
            )
    shortest_s = min(source.info.duration_s for source in sources.values())
    longest_s = max(source.info.duration_s for source in sources.values())
    if longest_s == shortest_s:
        return []
    return [f"lengths differ by {longest_s - shortest_s:.3f} s; all were cut to the shortest, {shortest_s:.3f} s"]


def fit_layouts(sources: Mapping[str, Source]) -> list[str]:
    """Refuse layouts that have nothing to do with the mix's; say what is resampled, spread or mixed down."""
    mix = sources["mix"].info
    notes = []
    for name, source in sources.items():
        info = source.info
        if info.sample_rate != mix.sample_rate:
            notes.append(f"{name} was brought from {info.sample_rate} Hz to the mix's {mix.sample_rate} Hz")
        if info.channels == mix.channels:
            continue
        if 1 not in (info.channels, mix.channels):
            raise SourceError(
                f"{name} {info.path}: has {info.channels} channels and the mix {mix.channels}; "
                "give it with the mix's channels, or mono"
            )
        how = "is mono and stands for every channel of the mix" if info.channels == 1 else "was mixed down to mono"
        notes.append(f"{name} {how}")
    return notes


def stretch(source: Source, start: int, length: int, mix: Source) -> Audio:
    """`length` frames of the mix's clock from its frame `start` on, at the mix's rate and channel count."""
    info, rate = source.info, mix.info.sample_rate
    first = round(start * info.sample_rate / rate)
    frames = min(-(-length * info.sample_rate // rate), info.frames - first)
    samples = resample(source.read(first, frames), info.sample_rate, rate, length)
    if info.channels != mix.info.channels:
        samples = (
            samples.mean(axis=0, keepdims=True) if mix.info.channels == 1 else samples.repeat(mix.info.channels, 0)
        )
    return Audio(np.ascontiguousarray(samples), rate)
