"""Seconds in which someone speaks, in the mix and in the clean file.

In the clean file a stretch counts as `sepkit.models.spoken` says: it sounds like speech, and either the mix does too or
the clean file keeps a good part of the mix's power. In the mix it is what sounds like speech there. Music alone has
next to none. Source: Silero VAD (`voice_activity`).
"""

from __future__ import annotations

import numpy as np

from sepkit import config
from sepkit.metrics.base import BaseMetric, Pair, Score, measured
from sepkit.models import spoken, voice_activity
from sepkit.models.voice_activity import STEP_S
from sepkit.models.weights import WeightFile


class Options(config.Options):
    """Nothing to choose."""


def catalogue() -> tuple[WeightFile, ...]:
    """The detector, which comes inside its package."""
    return (voice_activity.weight_file(),)


class Metric(BaseMetric):
    """How much speech was found."""

    about = "For how many seconds somebody speaks."

    def weights(self) -> tuple[WeightFile, ...]:
        """The speech detector."""
        return catalogue()

    def rows(self) -> tuple[Score, ...]:
        """One row."""
        return (Score("speech", "Speech found", "s", "neither"),)

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Of both files, heard side by side."""
        (row,) = self.rows()
        listener = spoken.Listener(pair.mix.sample_rate, pair.mix.channels)
        listener.add(pair.mix.samples, pair.clean.samples)
        found = listener.spoken()
        return (measured(row, float(np.count_nonzero(found.before) * STEP_S), found.seconds()),)
