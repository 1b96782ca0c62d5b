"""The level of a mix of two sounds, in whole steps of 24 bit, so that the mix is their sum exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scripts.mixes.excerpts import Signal
from sepkit.training.mixes import active_level

MIX_DBFS = -26.0
"""Active level of a mix; ITU-T P.56's usual one for speech."""
PEAK = 0.9
STEPS = 2**23
"""From zero to full scale in 24 bit."""


def levelled(first: Signal, second: Signal) -> tuple[Signal, Signal]:
    """Both, with one gain that brings their sum to `MIX_DBFS`, or all three to `PEAK` at most."""
    loudest = max(float(np.abs(signal).max()) for signal in (first, second, first + second))
    level = active_level(first + second)
    gain = min(10 ** (MIX_DBFS / 20) / max(level, 1e-9), PEAK / max(loudest, 1e-9))
    return quantised(first * np.float64(gain)), quantised(second * np.float64(gain))


def quantised(signal: NDArray[np.float64]) -> Signal:
    """The same in whole steps of 24 bit, which float32 holds exactly."""
    return (np.rint(signal * STEPS) / STEPS).astype(np.float32)
