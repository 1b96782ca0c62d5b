"""Time is kept: each decoded frame goes where its timestamp says, on the timeline of its container.

    frames with timestamps ─ place ─ samples in blocks, with silence where the container has no sound

Place: between FFmpeg's decoder and the spool. Timestamps are coarse (Matroska counts whole milliseconds), so a frame
that is off by less than a part of a packet follows the one before it. A hole in packets of one size is a whole number
of packets; that gives its exact length where the timestamps cannot.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from sepkit.audio.samples import Samples
from sepkit.errors import SourceError
from sepkit.files.naming import shown

TIMED = ("mov", "matroska", "ogg", "asf", "flv", "mpeg", "mpegts", "mxf")
"""FFmpeg's containers that say when a packet is heard. AVI and bare streams only count packets."""

SILENT_BLOCK_FRAMES = 2**16
"""Silence comes in blocks too, so that a hole of hours takes no more memory than one of a second."""

OFF_PART_OF_PACKET = 4
"""A quarter of a packet, 5 ms of AAC, is a hole; what is less is how coarsely the time was written down."""

OFF_PART_OF_PAGE = 2
"""OGG tells the time of a page alone; some writers count half a packet too much in one and too little in the next."""

UNSURE_TICKS = Fraction(3, 2)
"""Three times, of the stream's start, this packet and the one before, are each rounded to half a tick."""

MOST_OVERLAP_S = 10
"""A timestamp that lies further back, or at the beginning, is no overlap: two recordings were joined."""

MOST_SILENCE_S = 24 * 3600
"""More than a day of silence in a file is a damaged timestamp."""


class Timeline:
    """The place of frames in time.

    origin_s: the container's earliest stream. tick_s: how fine timestamps are. off_part: what part of a packet a frame
    may be off and still follow the one before it.
    """

    def __init__(
        self,
        path: Path,
        sample_rate: int,
        channels: int,
        origin_s: Fraction,
        tick_s: Fraction,
        off_part: int = OFF_PART_OF_PACKET,
    ) -> None:
        self._path = path
        self._rate = sample_rate
        self._channels = channels
        self._origin_s = origin_s
        self._off_part = off_part
        tick_frames = tick_s * sample_rate
        exact = tick_frames.numerator == 1  # every sample has a timestamp of its own
        self._unsure_frames = 0 if exact else math.ceil(UNSURE_TICKS * tick_frames)
        self._at = 0
        self._begun = False
        self._packet_frames = 0
        self._trimmed = False
        self.start_frames = 0
        self._holes: list[tuple[int, int]] = []
        self._overlaps: list[tuple[int, int]] = []
        self._joints: list[int] = []

    def place(self, block: Samples, time_s: Fraction | None) -> Iterator[Samples]:
        """The samples of one frame (channels, frames), after the silence or without the overlap before them."""
        off = 0 if time_s is None else round((time_s - self._origin_s) * self._rate) - self._at
        off = self._hole_or_overlap(off) if self._begun else self._begin(off, block.shape[1])
        if off > 0:
            yield from self._silence(off)
        trimmed = min(max(0, -off), block.shape[1])
        self._packet_frames, self._trimmed = block.shape[1], trimmed > 0
        self._at += block.shape[1] - trimmed
        if trimmed < block.shape[1]:
            yield block[:, trimmed:]

    def notes(self) -> tuple[str, ...]:
        """What was found, a sentence each."""
        said = []
        if self.start_frames:
            said.append(f"its sound starts {self.start_frames / self._rate:.3f} s late; silence stands before it")
        if self._holes:
            said.append(self._told(self._holes, "hole", "filled with silence"))
        if self._overlaps:
            said.append(self._told(self._overlaps, "overlap", "trimmed"))
        if self._joints:
            at_s = self._joints[0] / self._rate
            times = "" if len(self._joints) == 1 else f", {len(self._joints)} times in all"
            said.append(f"its timestamps begin again at {at_s:.3f} s{times}; what follows was joined without a break")
        return tuple(said)

    def _begin(self, off: int, frames: int) -> int:
        """What stands before the first frame; below zero: how much of it lies before the file's time begins."""
        self._begun = off + frames > 0
        self.start_frames = off if off > self._unsure_frames else 0
        return min(off, self.start_frames)

    def _hole_or_overlap(self, off: int) -> int:
        """How many frames are missing, or are there already (below zero); 0 where the frame simply follows."""
        tolerated = 0 if self._trimmed else self._packet_frames // self._off_part  # an overlap ends anywhere
        if abs(off) <= max(tolerated, self._unsure_frames):
            return 0
        position = self._at + off
        if position <= self.start_frames + self._unsure_frames or off < -MOST_OVERLAP_S * self._rate:
            self._joints.append(self._at)
            self._origin_s -= Fraction(-off, self._rate)
            return 0
        packets = round(off / self._packet_frames) * self._packet_frames
        if abs(off - packets) <= self._unsure_frames:
            off = packets
        found, at = (self._holes, self._at) if off > 0 else (self._overlaps, self._at + off)
        if found is self._overlaps and found and found[-1][0] + found[-1][1] >= self._at:
            return off  # the next frame of the same overlap
        found.append((at, abs(off)))
        return off

    def _silence(self, frames: int) -> Iterator[Samples]:
        silent_s = (sum(length for _, length in self._holes) + self.start_frames) / self._rate
        if silent_s > MOST_SILENCE_S:
            raise SourceError(
                f"{shown(self._path)}: its timestamps jump by {frames / self._rate / 3600:.1f} h at "
                f"{self._at / self._rate:.3f} s; up to {MOST_SILENCE_S // 3600} h without sound are read: "
                "repair it, or export its sound as WAV or FLAC"
            )
        for start in range(0, frames, SILENT_BLOCK_FRAMES):
            length = min(SILENT_BLOCK_FRAMES, frames - start)
            self._at += length
            yield np.zeros((self._channels, length), dtype=np.float32)

    def _told(self, found: list[tuple[int, int]], what: str, done: str) -> str:
        first_s = found[0][0] / self._rate
        total_s = sum(length for _, length in found) / self._rate
        if len(found) == 1:
            return f"1 {what} of {total_s:.3f} s at {first_s:.3f} s in its timestamps was {done}"
        return (
            f"{len(found)} {what}s in its timestamps, {total_s:.3f} s in all, the first at {first_s:.3f} s, were {done}"
        )
