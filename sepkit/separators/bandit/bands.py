"""The bands of Bandit: as wide in octaves as each other, on a scale of semitones, and each overlaps its neighbours.

Source: `musical_filterbank` of https://github.com/kwatcharasupat/bandit-v2; the equation of a semitone, MIDI 1.0.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

A4_HZ, A4_SEMITONE, SEMITONES = 440.0, 69, 12


def musical_bands(count: int, sample_rate: int, fft_frames: int) -> tuple[tuple[int, int], ...]:
    """(first, past the last) bin of each band; together they hold every bin from 0 to half the rate.

    The centres go in even steps of pitch from the first bin above 0 to half the rate; a band reaches from its centre
    by 1 / count of that range to either side.
    """
    bin_hz, nyquist_hz = sample_rate / fft_frames, sample_rate / 2
    step = (nyquist_hz / bin_hz) ** (1 / count)
    lowest = max(0.0, _semitone(bin_hz))
    centres_hz = _hz(np.linspace(lowest, _semitone(nyquist_hz), count))
    bins = fft_frames // 2 + 1
    starts = np.floor(centres_hz / step / bin_hz).astype(int)
    stops = np.minimum(np.ceil(centres_hz * step / bin_hz).astype(int) + 1, bins)
    starts[0], stops[-1] = 0, bins
    return tuple(zip(starts.tolist(), stops.tolist(), strict=True))


def _semitone(hz: float) -> float:
    return SEMITONES * math.log2(hz / A4_HZ) + A4_SEMITONE


def _hz(semitones: NDArray[np.float64]) -> NDArray[np.float64]:
    hz: NDArray[np.float64] = A4_HZ * 2.0 ** ((semitones - A4_SEMITONE) / SEMITONES)
    return hz
