"""What some models ask about the whole source before its first window: offsets, deviations, level second by second."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.read import Source
from sepkit.audio.windows import blocks

Levels = NDArray[np.float64]


class Statistics(NamedTuple):
    """Of the whole source, measured in a streamed pass.

    mean, std: of its mono mix. side_mean, side: the same of half the difference of a pair's channels. levels: root mean
    square of both about their means in each second, (2, seconds). So an offset of a channel is no sound.
    """

    mean: float = 0.0
    std: float = 1.0
    side_mean: float = 0.0
    side: float = 0.0
    levels: Levels = np.zeros((2, 0))


def measured(source: Source) -> list[Statistics]:
    """Those of each channel or pair."""
    rate, count = source.info.sample_rate, source.info.frames
    pairs = range(0, source.info.channels, 2)
    sums = np.zeros((len(pairs), 2, 2, -(-count // rate)))  # of each pair's middle and side: x and x² in each second
    for start, frames in blocks(count, rate, source.info.channels):
        block = source.read(start, frames)
        edges = np.arange(start - start % rate, start + frames, rate).clip(start) - start
        seconds = slice(start // rate, start // rate + len(edges))
        for row, first in enumerate(pairs):
            pair = block[first : first + 2].astype(np.float64)
            middle = pair.mean(axis=0)
            both = np.stack([middle, pair[0] - middle]) if len(pair) == 2 else middle[None]
            for power in (1, 2):
                sums[row, : len(both), power - 1, seconds] += np.add.reduceat(both**power, edges, axis=1)
    return [_of(each, count, rate) for each in sums]


def _of(sums: NDArray[np.float64], count: int, rate: int) -> Statistics:
    """sums: of middle and side, of x and x², in each second, (2, 2, seconds)."""
    frames = np.minimum(count - rate * np.arange(sums.shape[-1]), rate)
    (mean, side_mean), (power, side_power) = (sums.sum(-1) / count).T
    means = np.array([[mean], [side_mean]])
    levels = np.sqrt(np.maximum(sums[:, 1] - 2 * means * sums[:, 0] + means**2 * frames, 0) / frames)
    std = np.sqrt(max(power - mean**2, 0) * count / max(count - 1, 1))
    return Statistics(
        float(mean), float(std), float(side_mean), float(np.sqrt(max(side_power - side_mean**2, 0))), levels
    )
