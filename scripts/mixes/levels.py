"""The level of a mix of several sounds, in whole steps of 24 bit, so that the mix is their sum exactly."""

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


def levelled(*signals: Signal) -> tuple[Signal, ...]:
    """All, with one gain that brings their sum to `MIX_DBFS`, or each and the sum to `PEAK` at most."""
    mix = sum(signals[1:], signals[0])
    loudest = max(float(np.abs(signal).max()) for signal in (*signals, mix))
    gain = min(10 ** (MIX_DBFS / 20) / max(active_level(mix), 1e-9), PEAK / max(loudest, 1e-9))
    return tuple(quantised(signal * np.float64(gain)) for signal in signals)


def quantised(signal: NDArray[np.float64]) -> Signal:
    """The same in whole steps of 24 bit, which float32 holds exactly."""
    return (np.rint(signal * STEPS) / STEPS).astype(np.float32)
