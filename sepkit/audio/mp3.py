"""What an MP3 says of its length: the Xing or Info tag in its first frame, or nothing.

Place: behind `joined`. Where no tag gives it, libsndfile's length is a guess from the file's size. The frames are
walked from header to header, so that what follows the promised ones is found too.

Sources: ISO/IEC 11172-3, 2.4.1.3 and ISO/IEC 13818-3, 2.4.2.3 (headers); Xing's VBR header (1999), as LAME writes it;
ID3v2.4, 3.1.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

_LAYER_3, _LAYER_2, _LAYER_1 = 1, 2, 3
_KBPS = {
    (True, _LAYER_1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, _LAYER_2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, _LAYER_3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, _LAYER_1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, _LAYER_2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, _LAYER_3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""By whether it is MPEG-1, and by the layer's code. The first stands for "free", which tells no length."""
_MPEG_1, _MPEG_2, _RESERVED = 3, 2, 1
_RATES_HZ = (44_100, 48_000, 32_000)

TAG_WITHIN_BYTES = 48
"""The tag stands after 4 bytes of header and at most 34 of side information."""
HAS_FRAMES = 1
ID3_HEADER_BYTES = 10

ID3 = 0

SLACK_FRAMES = 2
"""Some writers count the frame with the tag, or leave out the last."""
SEARCHED_BYTES = 2**16
"""How far a frame is looked for where none follows: behind padding, or the tag of a player."""


class Frame(NamedTuple):
    """A frame of a stream, or an ID3 tag. kind: those bits of its header that all frames share; `ID3` of a tag."""

    start_byte: int
    size_bytes: int
    kind: int


class Stream(NamedTuple):
    """One of the MP3s that stand one after another in a file. told: whether a tag promises how many frames it has."""

    start_byte: int
    end_byte: int
    told: bool


def streams(path: Path) -> list[Stream]:
    """The streams of an MP3 file, each from its ID3 tag to the end of its last whole frame; none of other files.

    Another begins behind an ID3 tag, with a Xing tag, or where there are more frames than the one before promised.
    """
    found: list[Stream] = []
    promised: int | None = None
    start, end, count, known_bytes, is_next = 0, 0, 0, 0, False
    with path.open("rb", buffering=2**16) as file:
        size = os.fstat(file.fileno()).st_size
        for frame in _frames(file):
            if frame.start_byte + frame.size_bytes > size:
                break
            known_bytes += frame.size_bytes
            if frame.kind == ID3:
                is_next = True
                continue
            tagged = _tagged_frames(file, frame)
            surplus = promised is not None and count > promised + SLACK_FRAMES
            if count and (is_next or surplus or tagged is not None):
                found.append(Stream(start, end, promised is not None))
                start, count = end, 0
            promised = promised if count else tagged
            count, is_next = count + 1, False
            end = frame.start_byte + frame.size_bytes
    if not count or known_bytes < size // 2:  # two bytes in 2^11 look like a frame's beginning
        return []
    return [*found, Stream(start, end, promised is not None)]


def _tagged_frames(file: BinaryIO, first: Frame) -> int | None:
    """How many frames the tag in the first frame promises, beside itself."""
    head = _at(file, first.start_byte, min(first.size_bytes, 2 * TAG_WITHIN_BYTES))
    at = max(head.find(b"Xing", 4, TAG_WITHIN_BYTES), head.find(b"Info", 4, TAG_WITHIN_BYTES))
    if at < 0 or len(head) < at + 12:
        return None
    flags, frames = struct.unpack_from(">II", head, at + 4)
    return frames if flags & HAS_FRAMES and frames else None


def _frames(file: BinaryIO) -> Iterator[Frame]:
    """Every frame and ID3 tag. Where none follows the one before, it is sought."""
    at: int | None = 0
    while at is not None and (head := _at(file, at, ID3_HEADER_BYTES)):
        if head[:3] == b"ID3":
            tag = Frame(at, _id3_bytes(head), ID3)
            yield tag
            at += tag.size_bytes
        elif frame := _frame(head, at):
            yield frame
            at += frame.size_bytes
        else:
            at = _sought(file, at + 1)


def _sought(file: BinaryIO, start: int) -> int | None:
    """Where the next frame begins whose successor is of its kind, or the next ID3 tag."""
    searched = _at(file, start, SEARCHED_BYTES)
    for found in re.finditer(rb"ID3|\xff", searched):
        at = start + found.start()
        frame = _frame(_at(file, at, 4), at)
        follower = _frame(_at(file, at + frame.size_bytes, 4), at) if frame else None
        if len(found[0]) == 3 or (frame and follower and follower.kind == frame.kind):
            return at
    return None


def _at(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(at)
    return file.read(length)


def _id3_bytes(header: bytes) -> int:
    """The length of an ID3v2 tag with its header: four times 7 bits, and a footer if the flag says so."""
    size = 0
    for byte in header[6:]:
        size = size << 7 | byte & 0x7F
    return ID3_HEADER_BYTES + size + (ID3_HEADER_BYTES if len(header) > 5 and header[5] & 0x10 else 0)


def _frame(head: bytes, at: int) -> Frame | None:
    """The frame at a place of the file, by the bytes from there on."""
    header = int.from_bytes(head[:4].ljust(4, b"\0"), "big")
    version, layer = header >> 19 & 3, header >> 17 & 3
    rate_code, kbps_code = header >> 10 & 3, header >> 12 & 15
    if header >> 21 != 0x7FF or version == _RESERVED or not layer or rate_code == 3 or kbps_code in (0, 15):
        return None
    is_mpeg_1 = version == _MPEG_1
    rate = _RATES_HZ[rate_code] >> (0 if is_mpeg_1 else 1 if version == _MPEG_2 else 2)
    samples = 384 if layer == _LAYER_1 else 576 if layer == _LAYER_3 and not is_mpeg_1 else 1152
    slot_bytes = 4 if layer == _LAYER_1 else 1
    slots = samples // 8 // slot_bytes * 1000 * _KBPS[is_mpeg_1, layer][kbps_code] // rate + (header >> 9 & 1)
    return Frame(at, slots * slot_bytes, header & 0xFFFE0C00)
