"""True peak: the highest point of the curve that the samples describe, which may lie between two of them.

Place in the flow: the limiter asks it where the ceiling is passed; the pipeline, how far a file must be turned down.

The curve is read at 4 points a sample as BS.1770-4 asks, which at worst misses 0.69 dB of a peak, and where that could
matter at 16, which misses 0.04 dB. Most stretches need neither: the curve cannot rise above the samples around it by more
than the interpolator's L1 gain.

Source: ITU-R BS.1770-4, annex 2; windowed-sinc interpolation by matrix products, a row of frames at a time.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sepkit.audio import Samples

ROW_FRAMES = 32
"""Frames that are interpolated together and share one peak."""

REACH_FRAMES = 16
"""Samples to either side that a point of the curve depends on; flat within 0.01 dB to 0.44 of the sample rate."""

KAISER_BETA = 6.0
COARSE, FINE = 4, 16
COARSE_MISS = math.cos(math.pi / (2 * COARSE))
"""A curve below half the sample rate that peaks at 1 passes this at one of the coarse points or more."""

ROWS_AT_ONCE = 512
STRETCH_FRAMES = ROW_FRAMES * ROWS_AT_ONCE


class TruePeakMeter:
    """True peak over all channels of a stream, however it is cut. Holds two rows of frames."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.sample_rate = sample_rate
        self._peak = 0.0
        self._waiting: Samples = np.zeros((channels, ROW_FRAMES), np.float32)

    def add(self, block: Samples) -> None:
        """Hear the next (channels, frames)."""
        self._peak = max(self._peak, _sample_peak(block))
        waiting = np.concatenate([self._waiting, block], axis=1)
        ready = (waiting.shape[1] // ROW_FRAMES - 2) * ROW_FRAMES
        for first in range(0, ready, STRETCH_FRAMES):
            stop = min(first + STRETCH_FRAMES, ready) + 2 * ROW_FRAMES
            self._peak = max(self._peak, float(row_peaks(waiting[:, first:stop], self._peak).max()))
        self._waiting = waiting[:, max(ready, 0) :].copy()

    def peak_dbtp(self) -> float:
        """Peak of all that was heard in dB of full scale; −inf for silence."""
        missing = -self._waiting.shape[1] % ROW_FRAMES + 2 * ROW_FRAMES
        end = np.pad(self._waiting, ((0, 0), (0, missing)))
        peak = max(self._peak, float(row_peaks(end, self._peak).max()))
        return 20 * math.log10(peak) if peak else -math.inf


def row_peaks(samples: Samples, floor: float) -> NDArray[np.float32]:
    """True peak of each row, over all channels; exact where it is above `floor`, elsewhere something below the floor.

    samples: (channels, (1 + rows + 1)·ROW_FRAMES), the first and last row as context only. Returns (rows,).
    """
    channels, frames = samples.shape
    inner = frames // ROW_FRAMES - 2
    if _sample_peak(samples) * _l1_gain() <= floor:
        return np.zeros(inner, np.float32)
    sampled = np.abs(samples).reshape(channels, inner + 2, ROW_FRAMES).max(axis=2)
    around = np.maximum(np.maximum(sampled[:, :-2], sampled[:, 2:]), sampled[:, 1:-1])
    peaks = sampled[:, 1:-1].copy()
    windows = np.lib.stride_tricks.sliding_window_view(samples, ROW_FRAMES + 2 * REACH_FRAMES, axis=1)
    windows = windows[:, ROW_FRAMES - REACH_FRAMES :: ROW_FRAMES][:, :inner]
    for points, could_reach in ((COARSE, around * _l1_gain()), (FINE, None)):
        hot = np.nonzero((peaks / COARSE_MISS if could_reach is None else could_reach) > floor)
        curve = windows[hot] @ _interpolator(points)
        peaks[hot] = np.maximum(peaks[hot], np.abs(curve, out=curve).max(axis=1, initial=0))
    return peaks.max(axis=0)


def _sample_peak(samples: Samples) -> float:
    return max(float(samples.max(initial=0)), -float(samples.min(initial=0)))


@cache
def _interpolator(points: int) -> NDArray[np.float32]:
    """Matrix that takes a row with REACH_FRAMES to either side to the `points` − 1 values after each of its frames.

    Shape (ROW_FRAMES + 2·REACH_FRAMES, ROW_FRAMES·(points − 1)); the entry for a sample at distance t is sinc(t) under a
    Kaiser window.
    """
    frame = np.arange(ROW_FRAMES)[:, np.newaxis] + np.arange(1, points) / points
    distance = frame.reshape(-1) - (np.arange(ROW_FRAMES + 2 * REACH_FRAMES) - REACH_FRAMES)[:, np.newaxis]
    inside = np.clip(1 - (distance / REACH_FRAMES) ** 2, 0, None)
    window = np.i0(KAISER_BETA * np.sqrt(inside)) / np.i0(KAISER_BETA) * (inside > 0)
    return (np.sinc(distance) * window).astype(np.float32)


@cache
def _l1_gain() -> float:
    """How far the curve can rise above its samples, at most."""
    return float(np.abs(_interpolator(FINE)).sum(axis=0).max())
