"""Sound that stands in a few places of a source and is zero everywhere else: what an edit takes.

On disk lies what was written and nothing between, so that ten seconds of ten hours cost ten seconds.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np

from sepkit.audio.read import Source, SourceInfo
from sepkit.audio.samples import Samples
from sepkit.audio.spool import Spool


class _Piece(NamedTuple):
    """A block: its first frame in the source, where it lies in the spool, and how long it is."""

    start: int
    kept_at: int
    frames: int


class Patches:
    """Pieces of sound, each in its place in a source; where several lie in one place, they add up.

    folder: for what is spooled. What is added is heard once it is settled.
    """

    def __init__(self, info: SourceInfo, folder: Path | None = None) -> None:
        self._info = info
        self._spool = Spool(info.sample_rate, info.channels, folder)
        self._added: list[_Piece] = []
        self._pieces: list[_Piece] = []
        self._longest_frames = 0

    def add(self, start: int, block: Samples) -> None:
        """Another piece (channels, frames), from the frame `start` of the source on."""
        self._added.append(_Piece(start, self._spool.frames, block.shape[1]))
        self._spool.write(block)

    def settle(self) -> None:
        """What was added is heard from now on."""
        for piece in self._added:
            insort(self._pieces, piece)
            self._longest_frames = max(self._longest_frames, piece.frames)
        self._added = []

    def read(self, start: int, frames: int) -> Samples | None:
        """The frames from `start` on, (channels, frames); None where no piece lies there.

        Between pieces it is +0, never −0, so that any sample minus it is the same bits.
        """
        stop, found = start + frames, None
        first = bisect_left(self._pieces, (start - self._longest_frames,))
        for piece in self._pieces[first : bisect_left(self._pieces, (stop,))]:
            begin, end = max(piece.start, start), min(piece.start + piece.frames, stop)
            if begin < end:
                found = np.zeros((self._info.channels, frames), np.float32) if found is None else found
                found[:, begin - start : end - start] += self._spool.read(
                    piece.kept_at + begin - piece.start, end - begin
                )
        return found

    def taken_from(self, source: Source) -> Source:
        """The source without them."""
        if not self._pieces:
            return source

        def fetch(start: int, frames: int) -> Samples:
            mix, taken = source.read(start, frames), self.read(start, frames)
            return mix if taken is None else mix - taken

        return Source(self._info, fetch)

    def __enter__(self) -> Patches:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spool.__exit__(kind, error, trace)
