"""Files that are several files one after another (`cat a.ogg b.ogg`, a radio's recording): where each begins.

Place: before `readers`. Decoders take the first and drop the rest without a word; each part is opened by itself here.
OGG, MP3 and FLAC can be joined so; other kinds of file tell their length in one header.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from sepkit.audio import mp3, ogg
from sepkit.audio.source_file import Flaws, audio_chunk

_FLAC_BEGINS = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
"""Its mark and the header of STREAMINFO, 34 bytes long (RFC 9639, 6 and 8.1): no chance hit in 10^17 bytes."""

_FLAC_BEGINS_BYTES = 8
BLOCK_BYTES = 2**20


class Part(NamedTuple):
    """A part of a file. told: False where only decoding tells its length. is_all: whether there is nothing else."""

    start_byte: int
    end_byte: int
    told: bool = True
    is_all: bool = False


class Slice(io.FileIO):
    """A part of a file, read as if it were a file."""

    def __init__(self, path: Path, part: Part) -> None:
        super().__init__(path)
        self._start, self._end = part.start_byte, part.end_byte
        super().seek(self._start)

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`, up to the part's end."""
        room = max(0, self._end - super().tell())
        return super().readinto(memoryview(buffer)[:room]) or 0

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes, or all that are left."""
        left = max(0, self._end - super().tell())
        return super().read(left if size is None or size < 0 else min(size, left)) or b""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place, counted from the part's start."""
        from_start = {io.SEEK_SET: self._start, io.SEEK_CUR: super().tell(), io.SEEK_END: self._end}[whence]
        return super().seek(max(self._start, from_start + offset)) - self._start

    def tell(self) -> int:
        """The place, counted from the part's start."""
        return super().tell() - self._start


def parts(path: Path, flaws: Flaws) -> list[Part]:
    """The parts of a file, one of almost any file; what is damaged between pages of an OGG is told to `flaws`."""
    size = path.stat().st_size
    with path.open("rb") as file:
        magic = file.read(4)
    starts: list[int] = []
    if magic == b"OggS":
        starts = ogg.links(path, flaws)
    elif magic == b"fLaC":
        starts = list(_flacs(path))
    elif _may_be_mp3(path, magic):
        found = mp3.streams(path)
        if len(found) > 1 or (found and not found[0].told):
            return [Part(*each) for each in found]
    if len(starts) < 2:
        return [Part(0, size, is_all=True)]
    return [Part(start, end) for start, end in pairwise([0, *starts[1:], size])]


def _may_be_mp3(path: Path, magic: bytes) -> bool:
    """Whether frames are sought: one that begins inside a frame is known by its name alone."""
    named = path.suffix.lower() in (".mp3", ".mp2") and audio_chunk(path) is None
    return magic[:3] == b"ID3" or magic[:1] == b"\xff" or named


def _flacs(path: Path) -> Iterator[int]:
    """Where a FLAC begins, and each that stands after it."""
    with path.open("rb") as file:
        at, block = 0, b""
        while more := file.read(BLOCK_BYTES):
            block = block[1 - _FLAC_BEGINS_BYTES :] + more
            for found in _FLAC_BEGINS.finditer(block):
                yield at + len(more) - len(block) + found.start()
            at += len(more)
