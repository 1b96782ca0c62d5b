"""What lies above a network's band, opened and closed as a whole by what was found below.

Place: beside the members whose networks run at a lower rate than the source; each has its own rule for the gains.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.samples import Samples

SMOOTH_STEPS = 3


def follow(above: Samples, gains: NDArray[np.floating], hop_frames: float) -> Samples:
    """`above` (channels, frames) times a gain a step, smoothed over three; step i stands at frame i·hop."""
    mean = np.full(SMOOTH_STEPS, 1 / SMOOTH_STEPS)
    gains = np.convolve(np.pad(gains, SMOOTH_STEPS // 2, mode="edge"), mean, "valid")
    gain = np.interp(np.arange(above.shape[1]), np.arange(gains.size) * hop_frames, gains)
    return np.asarray(above * gain, np.float32)
