"""True peak: the highest point of the curve that the samples describe, which may lie between two of them.

Place in the flow: the limiter asks it where the ceiling is passed; the pipeline, how far a file must be
turned down.

The curve is read at 4 points a sample, as BS.1770-4 asks, and each crest by the parabola through three of
them: at 0.4 of the sample rate the points alone miss up to 0.44 dB, the parabola 0.03 dB. Most stretches need
neither, since the curve cannot rise above the samples around it by more than the interpolator's L1 gain.

Source: ITU-R BS.1770-4, annex 2; windowed-sinc interpolation by matrix products, a row of frames at a time.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.samples import Samples

ROW_FRAMES = 32
"""Frames that are interpolated together and share one peak."""

REACH_FRAMES = 12
KAISER_BETA = 5.0
"""Samples to either side that a point of the curve depends on, and the shape of their window: level to 0.04
dB up to 0.43 of the sample rate, then rolling off as the reconstruction filters of converters do."""

POINTS = 4

CREST_SHARE = 1 / 8
"""The most that a parabola rises above the highest of its three points, as a share of it: (u − v)²/8(u + v) ≤
u/8, where u ≥ v ≥ 0 are the drops to its neighbours."""

STACK_ROWS = 16
"""Rows in one matrix product: so few that BLAS leaves its threads asleep, whose waiting costs more."""

STRETCH_FRAMES = 512 * ROW_FRAMES
"""The meter raises its peak after each of these, and the rows below it are skipped."""


class TruePeakMeter:
    """True peak over all channels of a stream, however it is cut. Holds two rows of frames.

    sample_rate: as every meter is told; the curve is read at so many points a sample, whatever the rate.
    """

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
    """True peak of each row, over all channels; where it is below `floor`, something below the floor.

    samples: (channels, (1 + rows + 1)·ROW_FRAMES), the first and last row as context only. Returns (rows,).
    """
    if _sample_peak(samples) * _l1_gain() <= floor:
        return np.zeros(samples.shape[1] // ROW_FRAMES - 2, np.float32)
    peaks: NDArray[np.float32] = np.max([_channel_peaks(channel, floor) for channel in samples], axis=0)
    return peaks


def _channel_peaks(samples: Samples, floor: float) -> NDArray[np.float32]:
    """`row_peaks` of one channel (frames,)."""
    sampled = np.abs(samples).reshape(-1, ROW_FRAMES).max(axis=1)
    around = np.maximum(np.maximum(sampled[:-2], sampled[2:]), sampled[1:-1])
    peaks: NDArray[np.float32] = sampled[1:-1].copy()
    hot = np.flatnonzero(around * _l1_gain() > floor)
    if len(hot):
        hot = np.pad(hot, (0, -len(hot) % STACK_ROWS), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(samples, ROW_FRAMES + 2 * REACH_FRAMES)
        windows = windows[ROW_FRAMES - REACH_FRAMES :: ROW_FRAMES]
        curve = windows[hot].reshape(-1, STACK_ROWS, windows.shape[1]) @ _interpolator()
        peaks[hot] = _crests(np.abs(curve, out=curve).reshape(len(hot), -1)).max(axis=1)
    return peaks


def _crests(height: NDArray[np.float32]) -> NDArray[np.float32]:
    """Heights (rows, points), each local maximum raised to the parabola through it and its neighbours."""
    before, here, after = height[:, :-2], height[:, 1:-1], height[:, 2:]
    bend = 2 * here - before - after
    crest = here + (after - before) ** 2 / (8 * bend + np.finfo(np.float32).tiny)
    raised: NDArray[np.float32] = np.where((here >= before) & (here >= after), crest, here)
    return raised


def _sample_peak(samples: Samples) -> float:
    return max(float(samples.max(initial=0)), -float(samples.min(initial=0)))


@cache
def _interpolator() -> NDArray[np.float32]:
    """Matrix from a row with REACH_FRAMES to either side to its curve, a point before and after included.

    Shape (ROW_FRAMES + 2·REACH_FRAMES, POINTS·ROW_FRAMES + 2); the entry for a sample at distance t is
    sinc(t) under a Kaiser window.
    """
    points = np.arange(-1, POINTS * ROW_FRAMES + 1) / POINTS
    samples = np.arange(-REACH_FRAMES, ROW_FRAMES + REACH_FRAMES)
    distance = points - samples[:, np.newaxis]
    inside = np.abs(distance) < REACH_FRAMES
    arch = np.sqrt(np.where(inside, 1 - (distance / REACH_FRAMES) ** 2, 0))
    window = inside * np.i0(KAISER_BETA * arch) / np.i0(KAISER_BETA)
    return (np.sinc(distance) * window).astype(np.float32)


@cache
def _l1_gain() -> float:
    """How many times as high as its samples the curve, crests included, can rise."""
    return float(np.abs(_interpolator()).sum(axis=0).max()) * (1 + CREST_SHARE)
