"""Equalise: a high-pass against rumble and a high shelf for air, without turning the phase.

Place in the flow: after the post-mask, the last stage of a window.

The filters are gains on the spectrum: what a first-order high-pass and a shelf of half the gain do that run forwards
and then backwards, so that the phases cancel and the magnitudes add up to a second-order slope. A filter run once turns
the phase of a voice's lowest harmonics: nobody hears it, but the background, which is source − speech, would keep what
was turned, and on the pilot it cost 3 dB SI-SDR.

A corner at or above `HIGHEST_CORNER` of the sample rate leaves its filter out: near half the sample rate the
bilinear transform bends a shelf beyond use, and there is no sound left there to lift.

Source: Butterworth's first order and the shelf of R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad
filter coefficients", https://www.w3.org/TR/audio-eq-cookbook/, with Q = 1/√2 (no overshoot), both by the bilinear
transform; blocks by overlap-save.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.samples import Samples

HIGHEST_CORNER = 0.45
"""Of the sample rate: 12 kHz is kept from 26.7 kHz up."""

BLOCK_FRAMES = 32768
"""Transformed at a time, within level-2 cache; more where the filters remember a quarter of it."""

HALF_CORNER = math.sqrt(math.sqrt(2) - 1)
"""Corner of a first-order high-pass that, run twice, is 3 dB down at 1: 1/(1 + f²) = 1/√2 there."""

DECAY_DB = 120.0
"""How far the filters' memory has died down after `context_s`."""
LEAST_REACH_FRAMES = 128
"""A corner near half the rate is remembered longer than its analogue: 85 frames at `HIGHEST_CORNER` and 24 dB."""


def equalise(
    samples: Samples,
    sample_rate: int,
    high_pass_hz: float | None,
    shelf_hz: float | None,
    shelf_gain_db: float,
) -> Samples:
    """Filter (channels, frames), beyond whose ends there is silence; a corner of None leaves that filter out."""
    highest_hz = HIGHEST_CORNER * sample_rate
    high_pass_hz = high_pass_hz if high_pass_hz and high_pass_hz < highest_hz else None
    shelf_hz = shelf_hz if shelf_hz and shelf_hz < highest_hz else None
    if high_pass_hz is None and shelf_hz is None:
        return samples
    frames = samples.shape[1]
    reach = max(LEAST_REACH_FRAMES, math.ceil(context_s(high_pass_hz, shelf_hz) * sample_rate))
    reach = min(reach, frames)  # farther away there is silence
    block_frames = max(BLOCK_FRAMES, 1 << (4 * reach).bit_length())
    step = block_frames - 2 * reach
    gains = _gains(block_frames, sample_rate, high_pass_hz, shelf_hz, shelf_gain_db)
    around = np.pad(samples, ((0, 0), (reach, reach + -frames % step)))
    filtered = np.empty_like(samples)
    for first in range(0, frames, step):
        spectrum = np.fft.rfft(around[:, first : first + block_frames]) * gains
        body = np.fft.irfft(spectrum, block_frames)[:, reach : reach + step]
        filtered[:, first : first + step] = body[:, : frames - first]
    return filtered


def context_s(high_pass_hz: float | None, shelf_hz: float | None) -> float:
    """How far the filters remember to either side, in seconds, until `DECAY_DB` below.

    The high-pass's pole at f falls as exp(−2πft). The shelf's, with real parts of −2πf/√2, lie within a factor of √2 of
    its corner at any gain allowed: exp(−πft) at the slowest.
    """
    falls_per_s = [2 * math.pi * high_pass_hz * HALF_CORNER] if high_pass_hz else []
    falls_per_s += [math.pi * shelf_hz] if shelf_hz else []
    nepers = DECAY_DB / 20 * math.log(10)
    return nepers / min(falls_per_s) if falls_per_s else 0.0


@lru_cache(4)
def _gains(
    block_frames: int, sample_rate: int, high_pass_hz: float | None, shelf_hz: float | None, shelf_gain_db: float
) -> NDArray[np.float32]:
    """What is done to each bin of a block's spectrum."""
    phase = np.pi * np.arange(block_frames // 2 + 1) / block_frames
    gains = np.ones_like(phase)
    if high_pass_hz is not None:
        gains *= _high_pass(phase, math.pi * high_pass_hz / sample_rate)
    if shelf_hz is not None:
        gains *= _high_shelf(phase, math.pi * shelf_hz / sample_rate, shelf_gain_db)
    return gains.astype(np.float32)


def _high_pass(phase: NDArray[np.float64], corner: float) -> NDArray[np.float64]:
    """Gain at half the angular frequency per frame: 1/(1 + f²), f = tan(corner)/tan(phase)·HALF_CORNER."""
    opposite, adjacent = np.sin(phase) ** 2, np.cos(phase) ** 2
    gains: NDArray[np.float64] = opposite / (opposite + (math.tan(corner) * HALF_CORNER) ** 2 * adjacent)
    return gains


def _high_shelf(phase: NDArray[np.float64], corner: float, gain_db: float) -> NDArray[np.float64]:
    """|H|² of the cookbook's highShelf with half the gain: H(s) = A·(A·s² + s·√A/Q + 1)/(s² + s·√A/Q + A)."""
    A = 10 ** (gain_db / 2 / 40)
    # s = i·tan(phase)/tan(corner); both fractions times cos², which is 0 at half the sample rate.
    opposite, adjacent = np.sin(phase) ** 2, (math.tan(corner) * np.cos(phase)) ** 2
    cross = 2 * A * opposite * adjacent  # (√A/Q)² = 2A
    gains: NDArray[np.float64] = (
        A**2 * ((adjacent - A * opposite) ** 2 + cross) / ((A * adjacent - opposite) ** 2 + cross)
    )
    return gains
