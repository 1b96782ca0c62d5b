"""Heard: in which steps each separated voice speaks, by its level beside the others' and by how like speech it is.

Place in the flow: after the member, before voices are put in order. A separator that finds one person leaves a faint
copy of them in its other outputs; what lies far below the loudest voice near it is such a copy, or nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_DBFS = -65.0
BESIDE_DB = 24.0
"""Below the loud steps of the loudest voice of a window: what one person leaves of themselves in another's output."""
BEFORE_DB = 36.0
"""Below the loudest window so far."""
LOUD = 0.95
"""Of the steps of a window: what counts as its loud ones lies above so many."""
PROBABILITY = 0.5
SMOOTHED_STEPS = 7
"""0.22 s, over which the probability of speech is averaged."""


def in_steps(voices: NDArray[np.float32], step_frames: int) -> NDArray[np.float32]:
    """(voices, frames) → (voices, steps, frames of a step), the last one filled up with zeros."""
    padded = np.pad(voices, ((0, 0), (0, -voices.shape[1] % step_frames)))
    return padded.reshape(len(voices), -1, step_frames)


def loud_power(power: NDArray[np.float32]) -> float:
    """Of the loudest voice's loud steps. power: mean square of each voice's steps, (voices, steps)."""
    return float(np.quantile(power, LOUD, axis=1).max(initial=0.0)) if power.size else 0.0


def floor_power(power: NDArray[np.float32], loudest_before: float) -> float:
    """Below it, a step is a faint copy or nothing. loudest_before: of `loud_power`, over the windows so far."""
    beside, before = loud_power(power) * 10 ** (-BESIDE_DB / 10), loudest_before * 10 ** (-BEFORE_DB / 10)
    return float(max(beside, before, 10 ** (LEAST_DBFS / 10)))


def speaking(power: NDArray[np.float32], probability: NDArray[np.float32], floor: float) -> NDArray[np.bool_]:
    """Which steps each voice speaks in. power, probability: (voices, steps). floor: of `floor_power`."""
    return np.asarray((_smooth(probability) >= PROBABILITY) & (power >= floor))


def beside(power: NDArray[np.float32], below_db: float) -> NDArray[np.bool_]:
    """In which steps each voice is less than so far below the loudest one there. power: as of `speaking`."""
    smooth = _smooth(power)
    return np.asarray(smooth > 10 ** (-below_db / 10) * smooth.max(axis=0, initial=0))


def _smooth(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Each of (voices, steps), averaged over `SMOOTHED_STEPS`."""
    kernel = np.ones(SMOOTHED_STEPS) / SMOOTHED_STEPS
    if not rows.size:
        return np.zeros(rows.shape)
    return np.stack([np.convolve(np.pad(row, SMOOTHED_STEPS // 2, "edge"), kernel, "valid") for row in rows])


def spans(active: NDArray[np.bool_], bridged: int, shortest: int) -> list[tuple[int, int]]:
    """Where (steps,) is true, as (start, stop): gaps of at most `bridged` are closed, then what is shorter is left out.

    >>> spans(np.array([1, 1, 0, 1, 0, 0, 0, 1], bool), bridged=1, shortest=2)
    [(0, 4)]
    """
    edges = np.flatnonzero(np.diff(active.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    found: list[list[int]] = []
    for start, stop in edges.tolist():
        if found and start - found[-1][1] <= bridged:
            found[-1][1] = stop
        else:
            found.append([start, stop])
    return [(start, stop) for start, stop in found if stop - start >= shortest]
