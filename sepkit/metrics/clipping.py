"""How many frames touch full scale in any channel: in the mix, and in the clean file.

A frame counts from 1 − 2⁻¹⁵ on, the largest sample of 16 bits; a limiter that stays under its ceiling leaves none.
Source: the count that audio editors show as clipping.
"""

from __future__ import annotations

import numpy as np

from sepkit import config
from sepkit.audio.samples import Samples
from sepkit.metrics.base import BaseMetric, Pair, Score, measured

FULL_SCALE = 1 - 2**-15


class Options(config.Options):
    """Nothing to choose."""


class Metric(BaseMetric):
    """The frames at full scale."""

    about = "Part of the samples that stand at full scale. Clipped sound crackles."

    def rows(self) -> tuple[Score, ...]:
        """One row."""
        return (Score("clipped", "Clipped", "frames", "lower"),)

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Of both files."""
        (row,) = self.rows()
        return (measured(row, clipped_frames(pair.mix.samples), clipped_frames(pair.clean.samples)),)


def clipped_frames(samples: Samples) -> int:
    """Frames of (channels, frames) in which any channel is at full scale."""
    return int(np.count_nonzero((np.abs(samples) >= FULL_SCALE).any(axis=0)))
