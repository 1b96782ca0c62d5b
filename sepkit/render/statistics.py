"""What some models ask about the whole source before its first window: mean and standard deviation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sepkit.audio.read import Source
from sepkit.audio.windows import blocks


class Statistics(NamedTuple):
    """Mean and standard deviation of the whole source's mono mix, measured in a streamed pass."""

    mean: float = 0.0
    std: float = 1.0


def measured(source: Source) -> list[Statistics]:
    """Those of the mono mix of each channel or pair."""
    pairs = range(0, source.info.channels, 2)
    sums = np.zeros((len(pairs), 2))
    for start, frames in blocks(source.info.frames, source.info.sample_rate, source.info.channels):
        block = source.read(start, frames)
        for row, first in enumerate(pairs):
            mono = block[first : first + 2].mean(axis=0, dtype=np.float64)
            sums[row] += mono.sum(), (mono**2).sum()
    count = source.info.frames
    means = sums[:, 0] / count
    deviations = np.sqrt(np.maximum(sums[:, 1] - count * means**2, 0) / max(count - 1, 1))
    return [Statistics(float(mean), float(std)) for mean, std in zip(means, deviations, strict=True)]
