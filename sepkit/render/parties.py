"""Whether each of two channels holds one party already, as of a telephone call that was recorded at both ends.

Both channels are active for some time, hardly ever at once, and what they hold is not alike: a stereo recording of a
room has everybody in both. What leaks of one party into the other's channel is no activity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.read import Source
from sepkit.audio.windows import blocks

HEARD_S = 600.0
"""Of the beginning, where a call shows what it is."""
STEP_S = 0.1
QUIET_DB = -30.0
"""Below a channel's loud steps: it is not active."""
LEAK_DB = -20.0
"""Below the other channel: that party's echo or crosstalk. Of a room, both channels have more in common."""
LOUD = 0.95
LEAST_S = 1.0
"""Of activity of each channel alone."""
ALONE = 0.6
"""Of the active time: one channel alone, at least. In a stereo recording, both are active nearly always."""
ALIKE = 0.2
"""Of what both have in common while both are active, beside all that is active."""
SILENT = 1e-8


def apart(source: Source) -> bool:
    """Of a source with two channels."""
    rate = source.info.sample_rate
    step = max(1, round(STEP_S * rate))
    sums: list[NDArray[np.float64]] = []
    for start, frames in blocks(min(source.info.frames, round(HEARD_S * rate)), rate, 2):
        block = source.read(start, frames - frames % step).astype(np.float64)
        left, right = block.reshape(2, -1, step)
        sums.append(np.stack([(left * left).sum(1), (right * right).sum(1), (left * right).sum(1)]))
    energy = np.concatenate([np.zeros((3, 0)), *sums], axis=1)
    if not energy.size:
        return False
    loud = np.quantile(energy[:2], LOUD, axis=1, keepdims=True)
    active = energy[:2] > np.maximum(loud * 10 ** (QUIET_DB / 10), SILENT * step)
    active &= energy[:2] > energy[1::-1] * 10 ** (LEAK_DB / 10)
    either, alone = active.any(axis=0), active.sum(axis=0) == 1
    least = LEAST_S / STEP_S
    if any(np.count_nonzero(alone & row) < least for row in active) or alone.sum() < ALONE * either.sum():
        return False
    left_energy, right_energy = energy[:2, either].sum(axis=1)
    common = energy[2, active.all(axis=0)].sum()
    return bool(abs(common) <= ALIKE * np.sqrt(left_energy * right_energy))
