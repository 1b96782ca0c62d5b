"""How loud the network hears a source: always near the level that it learned at, whatever is recorded.

It collapses on quiet sound, as its bins are divided by the root of their size alone. The whole source is brought to
`LEVEL`. A stretch of it that lies further than `LEFT_DB` from that is brought there too, slowly: a quiet guest beside a
loud host, what follows a bang. What is heard alone is changed so; what comes out has the source's own level.

Place: before `features`. Source: ours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05
"""Standard deviation that a source is brought to, −26 dBFS. No offset counts."""
SILENCE = 1e-7
"""Standard deviation under which a source is not raised further."""
LEFT_DB = 6.0
"""A stretch may be so much louder or quieter than the source."""
MOST_DB = 50.0
"""A stretch is not raised or lowered further: in a pause there may be nothing."""
AROUND_S = 5
"""Seconds, with its own, that a second is judged by: those before or after it, whose level is nearer to its own."""


def gain(std: float) -> float:
    """For the whole source."""
    return LEVEL / max(std, SILENCE)


def further(levels: NDArray[np.float64], std: float, times_s: NDArray[np.floating]) -> NDArray[np.float32]:
    """Gains at `times_s` for what is heard, beside that for the whole. levels: of each second, (seconds,)."""
    if not levels.size or std < SILENCE:
        return np.ones(times_s.shape, np.float32)
    floor = (std * 10 ** (-(MOST_DB + LEFT_DB) / 20)) ** 2
    powers = np.maximum(np.square(levels), floor)
    own, after = _db(powers), _db(_mean_after(powers))
    before = _db(_mean_after(powers[::-1]))[::-1]
    above = np.where(np.abs(before - own) < np.abs(after - own), before, after) - 20 * np.log10(std)
    beyond = np.sign(above) * np.clip(np.abs(above) - LEFT_DB, 0, MOST_DB)
    track_db = np.interp(times_s, np.arange(levels.size) + 0.5, -beyond)
    return np.asarray(10 ** (track_db / 20), np.float32)


def _mean_after(powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each second and those that follow it, `AROUND_S` in all or as many as there are."""
    sums = np.concatenate([[0.0], np.cumsum(powers)])
    last = np.minimum(np.arange(powers.size) + AROUND_S, powers.size)
    return np.asarray((sums[last] - sums[:-1]) / (last - np.arange(powers.size)))


def _db(powers: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(10 * np.log10(powers))
