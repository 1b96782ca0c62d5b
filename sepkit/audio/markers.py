"""Places in a recording that bear a name: chapters, as cue points of a WAV, markers of an AIFF, comments of a FLAC.

Sources: RIFF/WAVE (Microsoft, 1991: cue, adtl), AIFF (Apple, 1989: MARK), Chapter Extension of Vorbis comments (Xiph).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sepkit.audio.riff import Body, packed

LAST_FRAME = 2**32 - 1
"""Positions have 32 bits in WAV and AIFF: 24 h at 48 kHz."""
MOST_OF_AIFF = 2**16 - 1


class Chapter(NamedTuple):
    """Where a part of the recording begins, and its name."""

    start_s: float
    title: str


def placed(chapters: Iterable[Chapter], sample_rate: int) -> list[tuple[int, bytes]]:
    """First frame and name of the chapters that 32 bits reach."""
    frames = [(round(each.start_s * sample_rate), each.title.replace("\0", " ").encode()) for each in chapters]
    return [(frame, name) for frame, name in frames if frame <= LAST_FRAME]


def cue_points(places: Sequence[tuple[int, bytes]]) -> list[Body]:
    """The chunks of a WAV: cue points with their labels."""
    points = [struct.pack("<II4sIII", n, frame, b"data", 0, 0, frame) for n, (frame, _) in enumerate(places, 1)]
    labels = [packed(Body(b"labl", struct.pack("<I", n) + name + b"\0")) for n, (_, name) in enumerate(places, 1)]
    return [Body(b"cue ", struct.pack("<I", len(points)) + b"".join(points)), Body(b"adtl", b"".join(labels))]


def aiff_markers(places: Sequence[tuple[int, bytes]]) -> Body:
    """The chunk of an AIFF; names end after 255 bytes, the markers after 65535."""
    marks = []
    for number, (frame, name) in enumerate(places[:MOST_OF_AIFF], 1):
        name = name[:255].decode(errors="ignore").encode()
        text = bytes([len(name)]) + name
        marks.append(struct.pack(">hI", number - (number >> 15 << 16), frame) + text + bytes(len(text) % 2))
    return Body(b"MARK", struct.pack(">H", len(marks)) + b"".join(marks))


def of_aiff(body: bytes, sample_rate: int) -> tuple[Chapter, ...]:
    """The markers of an AIFF as chapters."""
    found, at = [], 2
    while at + 7 <= len(body):
        _, frame, length = struct.unpack_from(">hIB", body, at)
        name = body[at + 7 : at + 7 + length]
        found.append(Chapter(frame / sample_rate, name.decode(errors="replace")))
        at += 7 + length + (length + 1) % 2
    return tuple(found)


def vorbis_comments(chapters: Iterable[Chapter]) -> Iterator[tuple[str, str]]:
    """Names and texts of the comments: CHAPTER001=00:00:00.000, CHAPTER001NAME=…."""
    for number, chapter in enumerate(chapters, 1):
        minutes, milliseconds = divmod(round(chapter.start_s * 1000), 60_000)
        clock = f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds / 1000:06.3f}"
        yield f"CHAPTER{number:03d}", clock
        yield f"CHAPTER{number:03d}NAME", chapter.title
