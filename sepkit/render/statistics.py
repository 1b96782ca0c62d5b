"""What some models ask about the whole source before its first window: mean, standard deviation, level of the side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sepkit.audio.read import Source
from sepkit.audio.windows import blocks


class Statistics(NamedTuple):
    """Of the whole source, measured in a streamed pass.

    mean, std: of its mono mix. side: standard deviation of half the difference of a pair's channels:
    an offset of one channel is no sound.
    """

    mean: float = 0.0
    std: float = 1.0
    side: float = 0.0


def measured(source: Source) -> list[Statistics]:
    """Those of each channel or pair."""
    pairs = range(0, source.info.channels, 2)
    sums = np.zeros((len(pairs), 4))
    for start, frames in blocks(source.info.frames, source.info.sample_rate, source.info.channels):
        block = source.read(start, frames)
        for row, first in enumerate(pairs):
            pair = block[first : first + 2]
            mono = pair.mean(axis=0, dtype=np.float64)
            side = (pair[0] - mono) if len(pair) == 2 else np.zeros(1)
            sums[row] += mono.sum(), (mono**2).sum(), side.sum(), (side**2).sum()
    count = source.info.frames
    means = sums[:, 0] / count
    deviations = np.sqrt(np.maximum(sums[:, 1] - count * means**2, 0) / max(count - 1, 1))
    sides = np.sqrt(np.maximum(sums[:, 3] / count - (sums[:, 2] / count) ** 2, 0))
    return [Statistics(*map(float, row)) for row in zip(means, deviations, sides, strict=True)]
