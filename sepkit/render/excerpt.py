"""What is heard of a source before its first window, by members that learn from it.

All of it where it is short. Else as much from each of six parts of its length: of each part, where it is loudest, so
that whoever speaks late in it is heard too, and pauses are not.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from sepkit.audio.read import Source, SourceInfo
from sepkit.audio.samples import Samples
from sepkit.audio.windows import stretch_frames

PARTS, PIECES = 6, 10
"""A part's excerpt is sought in steps of a tenth of its length."""


def excerpt(source: Source, longest_s: float) -> Samples:
    """At most `longest_s` of the source, (channels, frames)."""
    info, longest = source.info, most_frames(source.info, longest_s)
    if info.frames <= longest:
        return source.read(0, info.frames)
    piece = max(1, longest // (PARTS * PIECES))
    edges = np.linspace(0, info.frames, PARTS + 1).astype(int)
    return np.concatenate([_loudest(source, start, stop, piece) for start, stop in pairwise(edges.tolist())], axis=1)


def most_frames(info: SourceInfo, longest_s: float) -> int:
    """No excerpt has more."""
    return min(info.frames, stretch_frames(longest_s, info.sample_rate, info.channels))


def _loudest(source: Source, start: int, stop: int, piece: int) -> Samples:
    """Of the frames from `start` to `stop`, those `PIECES` pieces in a row that have the most energy."""
    starts = range(start, stop - piece + 1, piece)
    energies = np.array([np.square(source.read(each, piece), dtype=np.float64).sum() for each in starts])
    count = min(PIECES, len(starts))
    best = int(np.argmax(np.convolve(energies, np.ones(count), "valid")))
    return source.read(starts[best], count * piece)
