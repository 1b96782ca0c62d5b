"""The longest stretch in which nothing can be heard, in seconds: in the mix, and in the clean file.

A block of 32 ms is silent where its root mean square over all channels lies below −60 dBFS. Pauses become silent when a
file is cleaned; what is longer than its pauses is speech that is gone. Source: ours, a check
for what no recording of speech does.
"""

from __future__ import annotations

import numpy as np

from sepkit import config
from sepkit.audio.samples import Audio
from sepkit.metrics.base import BaseMetric, Pair, Score, measured

BLOCK_S = 0.032
SILENT_DBFS = -60.0


class Options(config.Options):
    """Nothing to choose."""


class Metric(BaseMetric):
    """The longest silence."""

    about = "The longest stretch of near silence. A long one may be speech that was lost."

    def rows(self) -> tuple[Score, ...]:
        """One row."""
        return (Score("silence", "Longest silence", "s", "neither"),)

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Of both files."""
        (row,) = self.rows()
        return (measured(row, longest_silence_s(pair.mix), longest_silence_s(pair.clean)),)


def longest_silence_s(audio: Audio) -> float:
    """The longest run of silent blocks, never more than the file lasts."""
    block_frames = max(1, round(BLOCK_S * audio.sample_rate))
    starts = np.arange(0, audio.frames, block_frames)
    mean_square = np.square(audio.samples).mean(axis=0, dtype=np.float64)
    silent = np.add.reduceat(mean_square, starts) / np.diff(starts, append=audio.frames) < 10 ** (SILENT_DBFS / 10)
    edges = np.flatnonzero(np.diff(silent.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    blocks = int((edges[:, 1] - edges[:, 0]).max(initial=0))
    return min(blocks * block_frames / audio.sample_rate, audio.duration_s)
