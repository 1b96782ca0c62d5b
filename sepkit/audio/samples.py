"""The one shape of sound in sepkit: arrays (channels, frames) of float32, full scale ±1, a rate in Hz beside them."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from sepkit.errors import SourceError

Samples = NDArray[np.float32]
"""An array (channels, frames), float32. A *frame* is one sample of every channel."""

EVERY_OTHER = 0.7
"""Weight of every second channel in the one that is heard: opposed channels do not cancel."""


def heard_weights(channels: int) -> NDArray[np.float32]:
    """What each channel counts in the one that is heard, (channels,), of sum 1."""
    weights = np.where(np.arange(channels) % 2, EVERY_OTHER, 1.0)
    return np.asarray(weights / weights.sum(), np.float32)


@dataclass(frozen=True, eq=False)
class Audio:
    """A piece of sound held in memory: samples (channels, frames) float32 at `sample_rate` Hz."""

    samples: Samples
    sample_rate: int

    def __post_init__(self) -> None:
        if isinstance(self.sample_rate, bool) or not isinstance(self.sample_rate, Integral) or self.sample_rate < 1:
            raise SourceError(f"sample_rate: found {self.sample_rate!r}; give a whole number of Hz, 1 or more")
        samples = np.asarray(self.samples, dtype=np.float32)
        if samples.ndim == 1:
            samples = samples[np.newaxis]
        if samples.ndim != 2 or not samples.shape[0]:
            raise SourceError(f"samples: found the shape {samples.shape}; give (channels, frames), a channel or more")
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "sample_rate", int(self.sample_rate))

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
