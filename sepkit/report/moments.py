"""The worst moments of a file: the seconds where most music is left, and those where most speech was lost, ranked.

With the true speech, from it: the energies of `metrics.trade_off`, by the second. Without, from what can be heard:
where nobody speaks (the spans of `metrics.music_residual`), how likely speech is before and after (Silero VAD), and
DNSMOS. Each ranking says which. Its figures of all windows average to the file's: energies over the mean window's
speech, probabilities and opinions as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.samples import Audio
from sepkit.config.sections import MetricConfig
from sepkit.metrics import dnsmos, music_residual, trade_off
from sepkit.metrics.base import REFERENCE_NAMES, Pair
from sepkit.models import voice_activity

WINDOW_S = 1.0
MOST = 5
"""Moments in a ranking."""
LEAST_DB = -50.0
"""A window below this has nothing to hear: it is in no ranking."""
LEAST_FALL = 0.1
"""Of the probability of speech; less is noise of the detector."""

PerWindow = NDArray[np.float64]


class Moment(NamedTuple):
    """A stretch of the excerpt, in seconds from its start, and what it is ranked by."""

    start_s: float
    end_s: float
    value: float


class Ranking(NamedTuple):
    """The worst first. windows: of all windows, what averages to `whole`, the file's figure on the same scale (linear);
    unit "dB" shows 10·log10 of it. basis: what it was found from.
    """

    title: str
    basis: str
    unit: str
    whole: float
    windows: PerWindow
    moments: tuple[Moment, ...]

    @property
    def shown_whole(self) -> float:
        """The file's figure as people read it."""
        return shown(self.whole, self.unit)


def rankings(pair: Pair, metrics: Sequence[MetricConfig] = ()) -> tuple[Ranking, ...]:
    """Those of a pair. metrics: of the configuration, whose options for the spans of speech and DNSMOS are used."""
    if not trade_off.why_not(pair):
        return _from_truth(pair)
    chosen = {metric.metric: metric.options for metric in metrics}
    spans = chosen.get("music_residual", music_residual.Options.model_validate({}))
    opinions = chosen.get("dnsmos", dnsmos.Options.model_validate({}))
    assert isinstance(spans, music_residual.Options) and isinstance(opinions, dnsmos.Options)
    return (*_from_voice_activity(pair, spans), _from_opinions(pair, opinions))


def shown(value: float, unit: str) -> float:
    """A figure of a ranking as people read it."""
    return 10 * math.log10(max(value, 1e-10)) if unit == "dB" else value


def _from_truth(pair: Pair) -> tuple[Ranking, ...]:
    found = trade_off.trade(pair)
    seconds = np.arange(found.left.size) * found.hop_s
    windows = np.minimum(seconds // WINDOW_S, math.ceil(pair.mix.duration_s / WINDOW_S) - 1).astype(np.int64)
    energies = (found.left, found.lost, found.kept, found.speech)
    left, lost, kept, spoken = (_summed(windows, each) for each in energies)
    ends = np.minimum((np.arange(left.size) + 1) * WINDOW_S, pair.mix.duration_s)
    basis = "from the true speech"
    return (
        _energies("Most music left", basis, left, kept, ends),
        _energies("Most speech lost", basis, lost, spoken, ends),
    )


def _energies(title: str, basis: str, over: PerWindow, under: PerWindow, ends: PerWindow) -> Ranking:
    """Energies over the mean window's."""
    mean = under.mean()
    if mean <= 0:
        return Ranking(title, f"{basis}; nothing of the speech is there to compare with", "dB", 0.0, 0 * over, ())
    return _ranked(title, basis, "dB", over.sum() / under.sum(), over / mean, ends, 10 ** (LEAST_DB / 10))


def _from_voice_activity(pair: Pair, options: music_residual.Options) -> tuple[Ranking, ...]:
    metric = music_residual.Metric(options)
    reference = pair.mix if pair.reference is None else pair.reference
    where = "the mix" if pair.reference is None else REFERENCE_NAMES[pair.reference_kind]
    speech = metric.speech(reference)
    clean, window_frames = pair.clean, round(WINDOW_S * pair.clean.sample_rate)
    energies = []
    for start in range(0, clean.frames, window_frames):
        power = np.square(clean.samples[:, start : start + window_frames]).sum(axis=0, dtype=np.float64)
        heard = speech[start : start + window_frames]
        energies.append((power[~heard].sum(), power[heard].sum()))
    silent, spoken = np.array(energies, np.float64).T
    ends = np.minimum((np.arange(silent.size) + 1) * WINDOW_S, clean.duration_s)
    basis = f"from voice activity: heard while nobody speaks in {where}"
    return _energies("Most music left", basis, silent, spoken, ends), _speech_fall(pair)


def _speech_fall(pair: Pair) -> Ranking:
    """How much less likely speech became; what became likelier counts nothing."""
    before, after = (_speech_probability(audio) for audio in (pair.mix, pair.clean))
    steps = np.maximum(before - after, 0).astype(np.float64)
    windows = (np.arange(steps.size) * voice_activity.STEP_FRAMES / (WINDOW_S * voice_activity.SAMPLE_RATE)).astype(
        np.int64
    )
    counts = np.bincount(windows)
    falls = np.bincount(windows, steps) / counts
    ends = np.minimum((np.arange(falls.size) + 1) * WINDOW_S, pair.mix.duration_s)
    weighted = falls * counts / counts.mean()  # the last window may be shorter
    basis = "from voice activity: how much less likely speech became"
    return _ranked("Most speech lost", basis, "of 1", float(steps.mean()), weighted, ends, LEAST_FALL)


def _speech_probability(audio: Audio) -> NDArray[np.float32]:
    (steps,) = voice_activity.in_steps(audio.mono(), audio.sample_rate)
    return voice_activity.Detector().hear(steps)


def _from_opinions(pair: Pair, options: dnsmos.Options) -> Ranking:
    """The segments that the metric hears, the worst first; where there is one alone, nothing to rank."""
    title, unit = "Worst to the ear", "DNSMOS overall, 1–5"
    segment_s = dnsmos.SEGMENT_FRAMES / dnsmos.SAMPLE_RATE
    if pair.clean.duration_s < 2 * segment_s or options.segments < 2:
        basis = f"from DNSMOS, which hears {segment_s:.0f} s at a time: too few of them to rank"
        return Ranking(title, basis, unit, math.nan, np.empty(0), ())
    starts_s, opinions = dnsmos.opinions(pair.clean, options.segments)
    overall = opinions[:, -1]
    moments = tuple(
        Moment(float(starts_s[i]), min(float(starts_s[i]) + segment_s, pair.clean.duration_s), float(overall[i]))
        for i in np.argsort(overall)[:MOST]
    )
    basis = f"from DNSMOS, which hears {segment_s:.0f} s at a time"
    return Ranking(title, basis, unit, float(overall.mean()), overall, moments)


def _summed(windows: NDArray[np.int64], values: PerWindow) -> PerWindow:
    return np.bincount(windows, values).astype(np.float64)


def _ranked(
    title: str, basis: str, unit: str, whole: float, windows: PerWindow, ends: PerWindow, least: float
) -> Ranking:
    """The windows with the largest figures; window i lasts from i·`WINDOW_S` to `ends[i]`."""
    order = [i for i in np.argsort(-windows)[:MOST] if windows[i] > least]
    moments = tuple(Moment(float(i * WINDOW_S), float(ends[i]), shown(float(windows[i]), unit)) for i in order)
    return Ranking(title, basis, unit, float(whole), windows, moments)
