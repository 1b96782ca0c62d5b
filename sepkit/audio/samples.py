"""The one shape of sound in sepkit: arrays (channels, frames) of float32, full scale ±1, a rate in Hz beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""An array (channels, frames), float32. A *frame* is one sample of every channel."""


@dataclass(frozen=True, eq=False)
class Audio:
    """A piece of sound held in memory: samples (channels, frames) float32 at `sample_rate` Hz."""

    samples: Samples
    sample_rate: int

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples, dtype=np.float32)
        if samples.ndim == 1:
            samples = samples[np.newaxis]
        assert samples.ndim == 2, f"samples must be (channels, frames), not {samples.shape}"
        object.__setattr__(self, "samples", samples)

    @property
    def channels(self) -> int:
        """How many channels."""
        return int(self.samples.shape[0])

    @property
    def frames(self) -> int:
        """How many frames."""
        return int(self.samples.shape[1])

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate

    def mono(self) -> Samples:
        """The mean of the channels, shape (1, frames)."""
        mean: Samples = self.samples.mean(axis=0, keepdims=True, dtype=np.float32)
        return mean
