"""Equalise: a high-pass against rumble and a high shelf for air, without turning the phase.

Place in the flow: after the post-mask, the last stage of a window.

Each filter runs forwards and then backwards with half its effect, so that the phases cancel and the magnitudes add up
to a second-order slope. A filter run once turns the phase of a voice's lowest harmonics: nobody hears it, but the
background, which is source − speech, would keep what was turned, and on the pilot it cost 3 dB SI-SDR.

A corner at or above `HIGHEST_CORNER` of the sample rate leaves its filter out: near half the sample rate the
bilinear transform bends a shelf beyond use, and there is no sound left there to lift.

Source: Butterworth by `scipy.signal.butter`; shelf from R. Bristow-Johnson, "Cookbook formulae for audio
equalizer biquad filter coefficients", https://www.w3.org/TR/audio-eq-cookbook/, with Q = 1/√2 (no overshoot).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.samples import Samples

HIGHEST_CORNER = 0.45
"""Of the sample rate: 12 kHz is kept from 26.7 kHz up."""

BLOCK_FRAMES = 65536
"""Filtered at a time in float64 (one channel is 512 KiB, within level-2 cache): float32 coefficients would
put 70 Hz poles where their rounding is heard, and a whole window in float64 took five times as long."""

HALF_CORNER = math.sqrt(math.sqrt(2) - 1)
"""Corner of a first-order high-pass that, run twice, is 3 dB down at 1: 1/(1 + f²) = 1/√2 there."""

DECAY_DB = 120.0
"""How far the filters' memory has died down after `context_s`."""


def equalise(
    samples: Samples,
    sample_rate: int,
    high_pass_hz: float | None,
    shelf_hz: float | None,
    shelf_gain_db: float,
) -> Samples:
    """Filter (channels, frames), from rest at both ends; a corner of None leaves that filter out."""
    from scipy import signal

    sections = _sections(sample_rate, high_pass_hz, shelf_hz, shelf_gain_db)
    if not len(sections):
        return samples
    filtered = np.empty_like(samples)
    for source, target in zip(samples, filtered, strict=True):
        for heard, written in ((source, target), (target[::-1], target[::-1])):
            state = np.zeros((len(sections), 2))
            for first in range(0, source.size, BLOCK_FRAMES):
                block = slice(first, first + BLOCK_FRAMES)
                written[block], state = signal.sosfilt(sections, heard[block], zi=state)
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


def _sections(
    sample_rate: int, high_pass_hz: float | None, shelf_hz: float | None, shelf_gain_db: float
) -> NDArray[np.float64]:
    """What one of the two runs does, as second-order sections (filters, 6) for `scipy.signal.sosfilt`."""
    from scipy import signal

    highest_hz = HIGHEST_CORNER * sample_rate
    sections = []
    if high_pass_hz is not None and high_pass_hz < highest_hz:
        warped = math.tan(math.pi * high_pass_hz / sample_rate) * HALF_CORNER  # as the bilinear transform bends it
        corner_hz = math.atan(warped) * sample_rate / math.pi
        sections += list(signal.butter(1, corner_hz, "highpass", fs=sample_rate, output="sos"))
    if shelf_hz is not None and shelf_hz < highest_hz:
        sections.append(_high_shelf(sample_rate, shelf_hz, shelf_gain_db / 2))
    return np.array(sections).reshape(-1, 6)


def _high_shelf(sample_rate: int, corner_hz: float, gain_db: float) -> NDArray[np.float64]:
    """The cookbook's highShelf as one section (b0 b1 b2 a0 a1 a2), a0 = 1."""
    A = 10 ** (gain_db / 40)
    w0 = 2 * math.pi * corner_hz / sample_rate
    cos_w0 = math.cos(w0)
    slope = math.sqrt(2 * A) * math.sin(w0)  # 2√A·α with α = sin(w0)/(2Q), Q = 1/√2
    b = (
        A * (A + 1 + (A - 1) * cos_w0 + slope),
        -2 * A * (A - 1 + (A + 1) * cos_w0),
        A * (A + 1 + (A - 1) * cos_w0 - slope),
    )
    a = (A + 1 - (A - 1) * cos_w0 + slope, 2 * (A - 1 - (A + 1) * cos_w0), A + 1 - (A - 1) * cos_w0 - slope)
    return np.array(b + a) / a[0]
