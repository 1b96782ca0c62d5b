"""The mathematics of `scripts.bench quality`: what an estimate scores on a mix, and means with their intervals.

Where there is speech: SI-SDR against it (of clean speech: against itself), STOI, DNSMOS, and what is left of the
beginnings and ends of words (`scripts.bench.word_edges`). Where there is none: how much
of the energy is left. Changes are paired, file by file, with the unprocessed mix, so that what all methods find hard or
easy in a file does not widen their intervals. An interval is the bias-corrected and accelerated bootstrap of the mean
over files (`sepkit.compare.statistics`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from scripts.bench.measuring import table
from scripts.bench.word_edges import edges, kept_db
from sepkit.audio.samples import Audio, Samples
from sepkit.compare.methods import UNPROCESSED
from sepkit.compare.pairs import column
from sepkit.compare.statistics import interval
from sepkit.metrics import dnsmos
from sepkit.metrics.base import energy, ratio_db
from sepkit.metrics.si_sdr import si_sdr_db

MOST_DB = 100.0
"""What is exact, or all gone, counts as this much: a mean must stay finite."""


class Truth(NamedTuple):
    """A mix of the set and what it was made of; (1, frames) each."""

    name: str
    condition: str
    level_db: float | None
    mix: Audio
    speech: Audio
    background: Audio

    @property
    def column(self) -> str:
        """Where it stands in the tables."""
        return column(self.condition, self.level_db)


class FileScore(NamedTuple):
    """What one method did to one mix; None where a measure has no meaning."""

    method: str
    name: str
    column: str
    si_sdr_db: float | None = None
    stoi: float | None = None
    dnsmos: float | None = None
    left_db: float | None = None
    begins_db: float | None = None
    ends_db: float | None = None


def bounded_db(value: float) -> float:
    """Within ±MOST_DB. NaN, the ratio of nothing to nothing, is what silence gets: no speech at all."""
    return -MOST_DB if math.isnan(value) else min(max(value, -MOST_DB), MOST_DB)


class Scorer:
    """Scores estimates; the metrics' network is loaded once."""

    def __init__(self) -> None:
        self._dnsmos = dnsmos.Metric(dnsmos.Options(segments=1))

    def score(self, method: str, truth: Truth, estimate: Samples) -> FileScore:
        """Compare an estimate (1, frames) with the truth."""
        if not truth.speech.samples.any():
            left_db = bounded_db(ratio_db(energy(estimate), energy(truth.mix.samples)))
            return FileScore(method, truth.name, truth.column, left_db=left_db)
        from pystoi import stoi

        rate, found = truth.mix.sample_rate, Audio(estimate, truth.mix.sample_rate)
        begins, ends = (
            kept_db(truth.speech.samples, truth.background.samples, estimate, at, rate)
            for at in edges(truth.speech.samples, rate)
        )
        return FileScore(
            method,
            truth.name,
            truth.column,
            bounded_db(si_sdr_db(truth.speech, found)),
            float(stoi(truth.speech.samples[0], estimate[0], rate)),
            float(self._dnsmos._opinions(heard_once(found))[-1]),
            begins_db=float(np.mean(begins)) if begins else None,
            ends_db=float(np.mean(ends)) if ends else None,
        )


def heard_once(audio: Audio) -> Audio:
    """As much as DNSMOS hears at once, from the start again where that is too short.

    What is shorter, its package doubles, and hears from every second of that anew: of 8 s, seven times the same.
    """
    frames = math.ceil(dnsmos.SEGMENT_FRAMES * audio.sample_rate / dnsmos.SAMPLE_RATE)
    return Audio(np.resize(audio.samples, (1, frames)), audio.sample_rate)


def values(scores: Iterable[FileScore], method: str, column: str, measure: str) -> dict[str, float]:
    """One measure by file."""
    found = {s.name: getattr(s, measure) for s in scores if s.method == method and s.column == column}
    return {name: value for name, value in found.items() if value is not None}


def change(scores: Sequence[FileScore], method: str, column: str, measure: str) -> list[float]:
    """One measure less that of the unprocessed mix, file by file."""
    before = values(scores, UNPROCESSED, column, measure)
    return [value - before[name] for name, value in values(scores, method, column, measure).items()]


def tables(scores: Sequence[FileScore], cost: dict[str, float | None]) -> str:
    """Everything as Markdown, a row a method and a column a condition."""
    columns = list(dict.fromkeys(score.column for score in scores))
    methods = list(dict.fromkeys(score.method for score in scores))
    headings, rows = ["SI-SDR improvement, dB", *columns, "CPU-s per s"], list[list[str | float]]()
    for method in methods:
        cells = [_separation(scores, method, column) for column in columns]
        seconds = cost.get(method)
        rows.append([method, *cells, "–" if seconds is None else f"{seconds:.3f}"])
    notes = "music alone: energy left, dB; clean: SI-SDR of the speech to itself, dB, not an improvement"
    parts = [f"{table(headings, rows)}\n\n({notes}; ±{MOST_DB:g} dB stands for anything beyond)"]
    for label, measure in (("STOI", "stoi"), ("DNSMOS overall", "dnsmos")):
        heard = [column for column in columns if values(scores, methods[0], column, measure)]
        rows = [[method, *(_opinion(scores, method, column, measure) for column in heard)] for method in methods]
        parts.append(table([f"{label}: mean, change", *heard], rows))
    for label, measure in (("First 50 ms of words", "begins_db"), ("Last 50 ms of words", "ends_db")):
        heard = [column for column in columns if values(scores, methods[0], column, measure)]
        rows = [[method, *(_mean(scores, method, column, measure) for column in heard)] for method in methods]
        parts.append(table([f"{label}: kept, dB", *heard], rows))
    return "\n\n".join(parts)


def _separation(scores: Sequence[FileScore], method: str, column: str) -> str:
    left = values(scores, method, column, "left_db")
    if left:
        return interval(list(left.values())).text(1)
    if column == "clean":
        return interval(list(values(scores, method, column, "si_sdr_db").values())).text(1)
    return interval(change(scores, method, column, "si_sdr_db")).text(1)


def _mean(scores: Sequence[FileScore], method: str, column: str, measure: str) -> str:
    return interval(list(values(scores, method, column, measure).values())).text(1)


def _opinion(scores: Sequence[FileScore], method: str, column: str, measure: str) -> str:
    after = float(np.mean(list(values(scores, method, column, measure).values())))
    if method == UNPROCESSED:
        return f"{after:.2f}"
    return f"{after:.2f}, {interval(change(scores, method, column, measure)).text(2, '+')}"
