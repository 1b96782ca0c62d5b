"""Sample-rate conversion by soxr, linear-phase and delay-free, with the grid on which stretches of a file stay aligned.

Source: the SoX resampler library, https://github.com/dofuuz/python-soxr (LGPL-2.1).
"""

from __future__ import annotations

import math

import numpy as np

from sepkit.audio.samples import Samples

CONTEXT_S = 0.02
"""Reach of the conversion filter to either side: at VHQ it is shorter than this at every rate from 8 kHz up."""


def grid_frames(from_hz: int, to_hz: int) -> int:
    """Source frames after which both rates' sample times meet again: 147 for 44.1 → 48 kHz."""
    return from_hz // math.gcd(from_hz, to_hz)


def aligned_frames(native_grid_frames: int, native_hz: int, source_hz: int) -> int:
    """The native grid in source frames: the fewest that are a whole number of native grid steps."""
    steps = native_grid_frames * source_hz
    return steps // math.gcd(steps, native_hz)


def converted_frames(frames: int, from_hz: int, to_hz: int) -> int:
    """How many frames a stretch has at the other rate, rounded up so that nothing at its end is lost."""
    return -(-frames * to_hz // from_hz)


def resample(samples: Samples, from_hz: int, to_hz: int, frames: int | None = None) -> Samples:
    """Convert (channels, frames) from one rate to the other.

    frames: the length wanted, for the way back; by default `converted_frames`. The end is cut or filled with zeros.
    """
    wanted = converted_frames(samples.shape[1], from_hz, to_hz) if frames is None else frames
    if from_hz == to_hz:
        converted = samples
    else:
        import soxr

        # A copy, since an array of one frame can pass for contiguous with strides that soxr refuses.
        converted = soxr.resample(samples.T.copy(order="C"), from_hz, to_hz, quality="VHQ").T
    missing = wanted - converted.shape[1]
    if missing > 0:
        converted = np.pad(converted, ((0, 0), (0, missing)))
    return np.ascontiguousarray(converted[:, :wanted], dtype=np.float32)
