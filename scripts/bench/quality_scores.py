"""The mathematics of `scripts.bench quality`: what an estimate scores on a mix, and means with their intervals.

Where there is speech: SI-SDR against it (of clean speech: against itself), STOI, DNSMOS, and what is left of the
beginnings and ends of words (`scripts.bench.word_edges`). Where there is none: how much
of the energy is left. Changes are paired, file by file, with the unprocessed mix, so that what all methods find hard or
easy in a file does not widen their intervals. An interval is the bias-corrected and accelerated bootstrap of the mean
over files (`sepkit.compare.statistics`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from scripts.bench.measuring import table
from scripts.bench.word_edges import edges, kept_db
from sepkit.audio.samples import Audio, Samples
from sepkit.compare.method import UNPROCESSED
from sepkit.compare.pairs import column
from sepkit.compare.statistics import differences, interval
from sepkit.metrics import dnsmos
from sepkit.metrics.base import energy, ratio_db
from sepkit.metrics.si_sdr import si_sdr_db

MOST_DB = 100.0
"""What is exact, or all gone, counts as this much: a mean must stay finite."""
CLEAN, MUSIC_ALONE = column("clean", None), column("music_alone", None)


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
    """Scores estimates; the metrics' network is loaded once. heard: the mixes that DNSMOS hears; None: all."""

    def __init__(self, heard: Collection[str] | None = None) -> None:
        self._dnsmos = dnsmos.Metric(dnsmos.Options(segments=1))
        self._heard = heard

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
            self._opinion(truth.name, found),
            begins_db=float(np.mean(begins)) if begins else None,
            ends_db=float(np.mean(ends)) if ends else None,
        )

    def _opinion(self, name: str, found: Audio) -> float | None:
        if self._heard is not None and name not in self._heard:
            return None
        return float(self._dnsmos._opinions(heard_once(found))[-1])


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


def tables(scores: Sequence[FileScore], cost: Mapping[str, float | None]) -> str:
    """Everything as Markdown, a row a method and a column a condition."""
    columns, methods = _columns(scores), _methods(scores)
    parts = [separation(scores, cost)]
    for label, measure in (("STOI", "stoi"), ("DNSMOS overall", "dnsmos")):
        heard = [column for column in columns if values(scores, methods[0], column, measure)]
        rows = [[method, *(_opinion(scores, method, column, measure) for column in heard)] for method in methods]
        parts.append(table([f"{label}: mean, change", *heard], rows))
    for label, measure in (("First 50 ms of words", "begins_db"), ("Last 50 ms of words", "ends_db")):
        heard = [column for column in columns if values(scores, methods[0], column, measure)]
        rows = [[method, *(_mean(scores, method, column, measure) for column in heard)] for method in methods]
        parts.append(table([f"{label}: kept, dB", *heard], rows))
    return "\n\n".join(parts)


def separation(scores: Sequence[FileScore], cost: Mapping[str, float | None]) -> str:
    """SI-SDR, and what is left of music alone, as Markdown, a row a method and a column a condition."""
    columns, rows = _columns(scores), list[list[str | float]]()
    for method in _methods(scores):
        rows.append([method, *(_separation(scores, method, column) for column in columns), _seconds(cost, method)])
    notes = "music alone: energy left, dB; clean: SI-SDR of the speech to itself, dB, not an improvement"
    headings = ["SI-SDR improvement, dB", *columns, "CPU-s per s"]
    return f"{table(headings, rows)}\n\n({notes}; ±{MOST_DB:g} dB stands for anything beyond)"


def overview(scores: Sequence[FileScore], cost: Mapping[str, float | None]) -> str:
    """Few columns as Markdown, a row a method: what it makes of all mixes, of clean speech and of music alone.

    After each mean stands the difference to the first method (the unprocessed mix apart), paired file by file.
    """
    columns = _columns(scores)
    mixes = [column for column in columns if column not in (CLEAN, MUSIC_ALONE)]
    cells = {
        "SI-SDR of mixes, dB": ("si_sdr_db", mixes, 2),
        "STOI of mixes": ("stoi", mixes, 3),
        "DNSMOS of mixes": ("dnsmos", mixes, 2),
        "SI-SDR of clean speech, dB": ("si_sdr_db", [CLEAN], 1),
        "STOI of clean speech": ("stoi", [CLEAN], 3),
        "DNSMOS of clean speech": ("dnsmos", [CLEAN], 2),
        "left of music alone, dB": ("left_db", [MUSIC_ALONE], 1),
    }
    first = next(method for method in _methods(scores) if method != UNPROCESSED)
    rows = []
    for method in _methods(scores):
        found = [_beside(scores, method, first, *cell) for cell in cells.values()]
        rows.append([method, *found, _seconds(cost, method)])
    return table([f"mean, difference to {first}", *cells, "CPU-s per s"], rows)


def _beside(
    scores: Sequence[FileScore], method: str, first: str, measure: str, columns: Sequence[str], decimals: int
) -> str:
    """The mean of some columns' files, and the paired difference to the first method where it is another."""
    found, base = (
        {name: value for each in columns for name, value in values(scores, one, each, measure).items()}
        for one in (method, first)
    )
    if not found:
        return "–"
    mean = f"{np.mean(list(found.values())):.{decimals}f}".replace("-", "−")
    if method in (first, UNPROCESSED):
        return mean
    return f"{mean}, {interval(differences(found, base)).text(decimals, '+')}"


def _columns(scores: Sequence[FileScore]) -> list[str]:
    return list(dict.fromkeys(score.column for score in scores))


def _methods(scores: Sequence[FileScore]) -> list[str]:
    return list(dict.fromkeys(score.method for score in scores))


def _seconds(cost: Mapping[str, float | None], method: str) -> str:
    seconds = cost.get(method)
    return "–" if seconds is None else f"{seconds:.3f}"


def _separation(scores: Sequence[FileScore], method: str, column: str) -> str:
    left = values(scores, method, column, "left_db")
    if left:
        return interval(list(left.values())).text(1)
    if column == CLEAN:
        return interval(list(values(scores, method, column, "si_sdr_db").values())).text(1)
    return interval(change(scores, method, column, "si_sdr_db")).text(1)


def _mean(scores: Sequence[FileScore], method: str, column: str, measure: str) -> str:
    return interval(list(values(scores, method, column, measure).values())).text(1)


def _opinion(scores: Sequence[FileScore], method: str, column: str, measure: str) -> str:
    after = float(np.mean(list(values(scores, method, column, measure).values())))
    if method == UNPROCESSED:
        return f"{after:.2f}"
    return f"{after:.2f}, {interval(change(scores, method, column, measure)).text(2, '+')}"
