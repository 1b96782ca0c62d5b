"""Chunks of a WAV or AIFF: whether their content is whole, and how they get into a finished file.

Beside `source_file`, which finds them. Sources: RIFF/WAVE (Microsoft, 1991), RF64 (EBU Tech 3306), BWF (EBU Tech 3285).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sepkit.audio.source_file import chunks

LIST_TYPES = (b"INFO", b"adtl")
COPY_BYTES = 2**20
HEADER_BYTES = 12
BEXT_BYTES = 602
"""EBU Tech 3285: all fields but the CodingHistory, which follows them."""
MOST_BEXT_BYTES = 2**20
"""A history of more than 10,000 lines is none; tags of a FLAC could not hold it."""


class Body(NamedTuple):
    """The content of a chunk; a LIST goes by the name of what it lists, and its content begins after that."""

    name: bytes
    body: bytes

    def is_whole(self) -> bool:
        """Whether the content has the length that it says."""
        if self.name in LIST_TYPES:
            return _is_list(self.body)
        if self.name == b"cue ":
            return len(self.body) >= 4 and len(self.body) >= 4 + 24 * struct.unpack_from("<I", self.body)[0]
        if self.name == b"MARK":
            return len(self.body) >= 2
        if self.name == b"bext":
            return BEXT_BYTES <= len(self.body) <= MOST_BEXT_BYTES
        return self.body != b""


def _is_list(body: bytes) -> bool:
    at = 0
    while at + 8 <= len(body):
        size = struct.unpack_from("<I", body, at + 4)[0]
        at += 8 + size + size % 2
    return at - 1 <= len(body)  # writers forget the last padding


def packed(chunk: Body, order: str = "<") -> bytes:
    """A chunk as it stands in a file, to an even length. order: "<" for WAV, ">" for AIFF."""
    name, body = (b"LIST", chunk.name + chunk.body) if chunk.name in LIST_TYPES else chunk
    return name + struct.pack(f"{order}I", len(body)) + body + bytes(len(body) % 2)


def add_chunks(path: Path, front: Iterable[Body], back: Iterable[Body]) -> None:
    """Put chunks into a WAV, RF64 or AIFF: those of `front` before all others, those of `back` behind them."""
    first = next(iter(chunks(path)))
    with path.open("r+b") as file:
        magic = file.read(4)
        order = ">" if magic == b"FORM" else "<"
        at = HEADER_BYTES
        if first.name == b"ds64":
            at = first.start_byte + first.size_bytes
        _insert(file, at, b"".join(packed(each, order) for each in front))
        end = file.seek(0, 2)
        file.write(bytes(end % 2) + b"".join(packed(each, order) for each in back))
        outer_bytes = file.tell() - 8
        if magic == b"RF64":
            file.seek(first.start_byte)
            file.write(struct.pack("<Q", outer_bytes))
        else:
            file.seek(4)
            file.write(struct.pack(f"{order}I", outer_bytes))


def _insert(file: BinaryIO, at: int, added: bytes) -> None:
    """Move what follows, from the end on, so that nothing is overwritten before it is read."""
    if not added:
        return
    for stop in range(file.seek(0, 2), at, -COPY_BYTES):
        start = max(at, stop - COPY_BYTES)
        file.seek(start)
        moved = file.read(stop - start)
        file.seek(start + len(added))
        file.write(moved)
    file.seek(at)
    file.write(added)
