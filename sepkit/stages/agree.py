"""Agree: which voice of one window is which of the next, by the sound that both have of their overlap.

Place in the flow: the first evidence for the order of voices (`render.voice_order`). Two renderings of one voice over
the same frames are nearly one waveform; those of two voices are not alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.samples import Samples


def agreement(one: Samples, other: Samples) -> float:
    """Of two sounds of one shape (channels, frames): from −1 to 1, and 0 where either is silent.

    ⟨a, b⟩ / max(‖a‖², ‖b‖²): a faint copy, as a separator leaves of one voice in the other, does not agree with it.
    """
    first, second = (np.asarray(each, np.float64).ravel() for each in (one, other))
    energy = max(float(first @ first), float(second @ second))
    return float(first @ second) / energy if energy > 0 else 0.0


def pairs(alike: NDArray[np.float64], least: float) -> list[tuple[int, int]]:
    """The rows and columns that belong together: as a whole as alike as can be, and each pair at least `least`.

    alike: (rows, columns), from −1 to 1.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(np.where(alike >= least, alike, -1.0), maximize=True)
    found = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in found if alike[row, column] >= least]


def envelope_order(one: Samples, other: Samples, step_frames: int = 1024) -> list[int]:
    """Which of the voices of `other` goes with each of `one`, both (voices, channels, frames), by how loud they are."""
    loud = [_levels(each, step_frames) for each in (one, other)]
    alike = np.array([[_centred(first, second) for second in loud[1]] for first in loud[0]])
    return [column for _, column in sorted(pairs(alike, -1.0))]


def _levels(voices: Samples, step_frames: int) -> NDArray[np.float64]:
    steps = np.arange(0, voices.shape[-1], step_frames)
    power = np.square(voices, dtype=np.float64).sum(axis=1)
    return np.sqrt(np.add.reduceat(power, steps, axis=1))


def _centred(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    first, second = one - one.mean(), other - other.mean()
    energy = float(first @ first) * float(second @ second)
    return float(first @ second) / energy**0.5 if energy > 0 else 0.0
