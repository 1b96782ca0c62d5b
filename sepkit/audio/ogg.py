"""The pages of an OGG: where one stream ends and another begins, which page is damaged, and whether time is unbroken.

Place: before `readers` chooses who decodes the file. libsndfile takes the first stream alone, counts its frames from
zero, and knows nothing of holes; what it would get wrong goes to FFmpeg.

Sources: Ogg (RFC 3533, 6); Vorbis I (Xiph.org, 4.2.2, A.2); Opus in Ogg (RFC 7845, 4 and 5.1); FLAC in Ogg (RFC 9639,
10.1).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from sepkit.audio.source_file import Flaws

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

MAGIC = b"OggS\0"
HEADER_BYTES = 27
BEGINS = 0x02
NO_GRANULE = 2**64 - 1
"""Of a page on which no packet ends."""

MISTAKEN_PART_OF_PACKET = 2
"""FFmpeg takes a short Vorbis packet after a long one for shorter than it is, where it ends a page, and so for later:
by (long − short) / 4 of their blocks, which is less than half of the longest packet. Other packets say how long they
are; libsndfile refuses an Opus page that counts half a packet more or less than it holds, as some writers make them."""

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Every byte with its bits from right to left."""


class Page(NamedTuple):
    """One page. granule: up to which sample it reaches. sound_hz: of the first page of a sound track, else 0."""

    start_byte: int
    begins: bool
    granule: int
    serial: int
    number: int
    is_whole: bool
    sound_hz: int


def links(path: Path, flaws: Flaws) -> list[int]:
    """Where each of the OGGs begins that stand one after another in a file; damaged pages of sound are told."""
    starts: list[int] = []
    rates: dict[int, int] = {}
    numbers: dict[int, int] = {}
    in_head, at_s, is_told = False, 0.0, False
    with path.open("rb") as file:
        for page in _pages(file):
            if page.begins:
                if not in_head:
                    starts.append(page.start_byte)
                    rates, numbers = {}, {}
                rates[page.serial] = page.sound_hz
            in_head = page.begins
            rate = rates.get(page.serial, 0)
            lost = page.serial in numbers and page.number != numbers[page.serial] + 1
            if rate and not is_told and (lost or not page.is_whole):
                flaws.damaged(at_s, "pages are missing" if page.is_whole else "a page with a wrong checksum")
                is_told = True
            numbers[page.serial] = page.number
            if not page.granule:  # a header: who listens to a radio gets those, and then the pages of that moment
                del numbers[page.serial]
            if rate and page.granule != NO_GRANULE:
                at_s = page.granule / rate
    return starts


def follows_on(source: str | RawIOBase) -> bool:
    """Whether an OGG is one stream of sound without a hole, of which nothing lies before time zero."""
    import av
    from av.stream import Disposition

    try:
        with av.open(source, "r", format="ogg", options={"protocol_whitelist": "file"}) as container:
            pictures = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
            if pictures or len(container.streams.audio) != 1:
                return False
            stream = container.streams.audio[0]
            expected, longest, jump = None, 0, 0
            for packet in container.demux(stream):
                if packet.pts is None or not packet.duration:
                    continue
                if expected is None and packet.pts + _unheard(stream, packet.duration) < 0:
                    return False
                jump = max(jump, abs(packet.pts - (packet.pts if expected is None else expected)))
                longest = max(longest, packet.duration)
                expected = packet.pts + packet.duration
            mistaken = longest // MISTAKEN_PART_OF_PACKET if stream.codec_context.name == "vorbis" else 0
            return jump <= mistaken
    except av.FFmpegError:
        pass  # libsndfile opened it, and tells what is wrong
    return True


def _unheard(stream: AudioStream, first_frames: int) -> int:
    """What a decoder drops at the start: Opus what its header says, Vorbis its first packet."""
    if stream.codec_context.name == "opus":
        return int.from_bytes((stream.codec_context.extradata or b"")[10:12], "little")
    return first_frames if stream.codec_context.name == "vorbis" else 0


def _pages(file: BinaryIO) -> Iterator[Page]:
    """Every page from the file's start on. Bytes that are no page end the walk, or are skipped up to the next one."""
    at = 0
    while True:
        file.seek(at)
        header = file.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            return
        if header[:5] != MAGIC:
            at = _next_magic(file, at + 1)
            if at < 0:
                return
            continue
        table = file.read(header[26])
        length = sum(table)
        body = file.read(length)
        if len(body) < length or len(table) < header[26]:
            return  # `endings` tells that
        zeroed = header[:22] + bytes(4) + header[26:] + table + body
        begins = bool(header[5] & BEGINS)
        yield Page(
            start_byte=at,
            begins=begins,
            granule=int.from_bytes(header[6:14], "little"),
            serial=int.from_bytes(header[14:18], "little"),
            number=int.from_bytes(header[18:22], "little"),
            is_whole=_checksum(zeroed) == int.from_bytes(header[22:26], "little"),
            sound_hz=_sound_hz(body) if begins else 0,
        )
        at += HEADER_BYTES + len(table) + length


def _next_magic(file: BinaryIO, start: int) -> int:
    """Where the next page begins; -1 where none does."""
    at = start
    while True:
        file.seek(at)
        block = file.read(2**16)
        found = block.find(MAGIC)
        if found >= 0:
            return at + found
        if len(block) < 2**16:
            return -1
        at += len(block) - len(MAGIC) + 1


def _checksum(page: bytes) -> int:
    """RFC 3533's sum of a page: that of zlib with the bits of each byte, and of the sum, in the other order."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_REVERSED), "big")


def _sound_hz(first_packet: bytes) -> int:
    """How many granules a second has, of a coding of sound whose header says it."""
    if first_packet[:7] == b"\x01vorbis":
        return int.from_bytes(first_packet[12:16], "little")
    if first_packet[:8] == b"OpusHead":
        return 48_000
    if first_packet[:5] == b"\x7fFLAC":
        return int.from_bytes(first_packet[27:30], "big") >> 4
    return 0
