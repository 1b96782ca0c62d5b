"""Whether a file ends where it should: after as many bytes as its header promises, and with an ending of its kind.

Place: beside `source_file`, before anything is decoded. A transport stream that a recorder started and stopped
anywhere is whole; one that ends inside a packet was cut.

Sources: Ogg (RFC 3533, 6), AVI (Microsoft, 1992; OpenDML 1.02), MPEG-TS (ISO/IEC 13818-1, 2.4.3), AC-3 and E-AC-3
(ATSC A/52, 5.3 and E.1.3), ADTS (ISO/IEC 13818-7, 6.2).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from sepkit.audio.source_file import Flaws, audio_chunk, streamed

OGG_PAGE_BYTES = 27 + 255 + 255 * 255
"""The longest page: its header, the table of 255 segments, and segments of 255 bytes."""
OGG_END_OF_STREAM = 0x04

TS_PACKET_BYTES, TS_SYNC = 188, 0x47
TS_LOOKED_AT = 4

ADTS_FRAME_BYTES = 2**13
AC3_FRAME_BYTES = 2**12
AC3_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
AC3_RATES_HZ = (48_000, 44_100, 32_000)


def require_ending(path: Path, flaws: Flaws, frame_bytes: int | None = None) -> None:
    """Tell `flaws` where the file ends too early. frame_bytes: of uncompressed sound, so that frames are counted."""
    if why := _cut_off(path):
        flaws.ends_early(why)
    chunk = audio_chunk(path)
    if chunk is None or chunk.promised_bytes is None:
        return
    unit_bytes, unit = (frame_bytes, "frames") if frame_bytes else (1, "bytes")
    promised, present = chunk.promised_bytes // unit_bytes, chunk.present_bytes // unit_bytes
    if present < promised:
        flaws.cut_short(promised, present, unit)


def _cut_off(path: Path) -> str:
    """Why a file cannot be whole; empty where its end tells nothing, or nothing bad."""
    with path.open("rb") as file:
        head = file.read(TS_LOOKED_AT * TS_PACKET_BYTES)
        size = os.fstat(file.fileno()).st_size
        if head[:4] == b"OggS":
            return _ogg(_tail(file, size, OGG_PAGE_BYTES))
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return _avi(file, size)
        if len(head) == TS_LOOKED_AT * TS_PACKET_BYTES and set(head[::TS_PACKET_BYTES]) == {TS_SYNC}:
            return _inside("packet", size % TS_PACKET_BYTES, TS_PACKET_BYTES)
        if head[:2] == b"\x0b\x77":
            return _last_frame(_tail(file, size, AC3_FRAME_BYTES), b"\x0b\x77", _ac3_bytes)
        if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
            return _last_frame(_tail(file, size, ADTS_FRAME_BYTES), head[:2], _adts_bytes)
    return ""


def _tail(file: BinaryIO, size: int, length: int) -> bytes:
    file.seek(max(0, size - length))
    return file.read(length)


def _inside(unit: str, present: int, promised: int) -> str:
    return f"its last {unit} promises {promised} bytes, it holds {present}" if present % promised else ""


def _ogg(tail: bytes) -> str:
    """The last page must be whole, and say that it is the last."""
    at = tail.rfind(b"OggS\0")
    header = tail[at : at + 27]
    if at < 0 or len(header) < 27:
        return "it ends inside a page"
    table = tail[at + 27 : at + 27 + header[26]]
    length = 27 + header[26] + sum(table)
    if len(tail) - at < length or len(table) < header[26]:
        return _inside("page", len(tail) - at, length)
    return "" if header[5] & OGG_END_OF_STREAM else "its last page does not say that the stream ends there"


def _avi(file: BinaryIO, size: int) -> str:
    """One RIFF after the other, each with its size, if its writer knew it."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        if name != b"RIFF" or streamed(length):
            return ""
        if at + 8 + length > size:
            return f"its header promises {length} bytes, it holds {size - at - 8}"
        at += 8 + length + length % 2
    return ""


def _last_frame(tail: bytes, sync: bytes, frame_bytes: Callable[[bytes], int]) -> str:
    """A frame must end where the file does: some sync word of the tail has just that length."""
    at = tail.rfind(sync)
    while at >= 0:
        if frame_bytes(tail[at : at + 8]) == len(tail) - at:
            return ""
        at = tail.rfind(sync, 0, at)
    return "it ends inside a frame"


def _adts_bytes(header: bytes) -> int:
    return (int.from_bytes(header[3:6], "big") >> 5) & 0x1FFF if len(header) == 8 else 0


def _ac3_bytes(header: bytes) -> int:
    """Of a frame of AC-3 (bsid up to 10) or E-AC-3."""
    if len(header) < 8:
        return 0
    if header[5] >> 3 > 10:
        return 2 * ((int.from_bytes(header[2:4], "big") & 0x7FF) + 1)
    rate_code, size_code = header[4] >> 6, header[4] & 0x3F
    if rate_code >= len(AC3_RATES_HZ) or size_code >> 1 >= len(AC3_KBPS):
        return 0
    words = AC3_KBPS[size_code >> 1] * 1000 * 1536 // 8 // 2 // AC3_RATES_HZ[rate_code]
    return 2 * (words + (size_code & 1 if AC3_RATES_HZ[rate_code] == 44_100 else 0))
