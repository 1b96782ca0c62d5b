"""What can be told of a file before a decoder sees it: that it can be opened, and that it is not cut short.

First step of reading. Decoders take what is there of a truncated file for the whole, so `endings` compares the size
that the header promises with the bytes that follow it.

Sources: RIFF/WAVE (Microsoft, 1991), RF64 (EBU Tech 3306), Wave64 (Sonic Foundry), AIFF-C (Apple, 1991), Core
Audio Format (Apple), AU (Sun), ISO base media file format (ISO/IEC 14496-12), EBML (RFC 8794).
"""

from __future__ import annotations

import io
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from sepkit.errors import SourceError
from sepkit.files.naming import shown

STREAMED_BELOW_4_GIB = 2**32 - 2**12
"""From here up a 32-bit size stands for "unknown": ffmpeg and others write 0xFFFFFFFF into a pipe."""
STREAMED_AT_2_GIB = range(2**31 - 2**13, 2**31 + 1)
"""Likewise: sox writes 0x7FFFF000 less the remainder of a block, arecord 0x7FFFFFFF or 0x80000000."""
STREAMED_64_BIT = 2**62
"""From here up (or below zero) in a 64-bit field."""


class AudioChunk(NamedTuple):
    """The part of a file that holds its audio: what the header promises (None: nothing), what is there."""

    start_byte: int
    promised_bytes: int | None
    present_bytes: int


class Chunk(NamedTuple):
    """A named part of a file: where its content begins, and how long that is said to be."""

    name: bytes
    start_byte: int
    size_bytes: int


class _Layout(NamedTuple):
    """How a family of files is cut in chunks, each beginning with a name and a size as `header` packs them.

    preamble_bytes: what stands between the header of the audio's chunk and the first sample.
    """

    magic: bytes
    first_chunk: int
    header: str
    align: int
    size_counts_header: bool
    audio: bytes
    preamble_bytes: int


_LAYOUTS = (
    _Layout(b"RIFF", 12, "<4sI", 2, False, b"data", 0),
    _Layout(b"RF64", 12, "<4sI", 2, False, b"data", 0),
    _Layout(b"BW64", 12, "<4sI", 2, False, b"data", 0),
    _Layout(b"RIFX", 12, ">4sI", 2, False, b"data", 0),
    _Layout(b"FORM", 12, ">4sI", 2, False, b"SSND", 8),
    _Layout(b"riff", 40, "<4s12xQ", 8, True, b"data", 0),
    _Layout(b"caff", 8, ">4sQ", 1, False, b"data", 4),
)


def require_file(path: Path) -> None:
    """Raise SourceError unless `path` is a regular file that can be opened and is not empty."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise SourceError(f"{shown(path)}: is a folder; name a sound file, or use 'sepkit batch' for a folder")
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(f"{shown(path)}: is not a regular file; send what it yields to '-' (standard input)")
        if status.st_size == 0:
            raise SourceError(f"{shown(path)}: is empty (0 bytes); copy or export it again")
        with path.open("rb"):
            pass
    except OSError as error:
        raise SourceError(
            f"{shown(path)}: cannot be read ({error.strerror}); check its name and permissions"
        ) from error


class Flaws:
    """What is wrong with a file. It is refused at once; where it is salvaged, that is noted, and reading goes on."""

    def __init__(self, path: Path, salvage: bool = False) -> None:
        self.path = path
        self.salvage = salvage
        self._found: list[str] = []

    def cut_short(self, promised: int, present: int | str, unit: str) -> None:
        """It ends before its header says it does."""
        self.ends_early(f"its header promises {promised} {unit}, it holds {present}")

    def ends_early(self, why: str) -> None:
        """It was cut off."""
        self._add(f"is cut short: {why}")

    def damaged(self, at_s: float, why: str) -> None:
        """Coded samples cannot be decoded."""
        self._add(f"is damaged at about {at_s:.2f} s ({why})")

    def second_stream(self, at_s: float, why: str) -> None:
        """Several files of different formats stand in it, one after another."""
        self._add(f"holds a second stream from {at_s:.1f} s on ({why})", "split it there, or take the first")

    def notes(self) -> tuple[str, ...]:
        """What a salvaged file lacks, in one sentence; none where it lacks nothing."""
        if not self._found:
            return ()
        more = f" (the first of {len(self._found)} flaws)" if len(self._found) > 1 else ""
        return (f"salvaged: the file {self._found[0]}{more}",)

    def _add(self, flaw: str, next_step: str = "copy or export it again, or take what is there") -> None:
        if _lacks_index(self.path):
            raise SourceError(
                f"{shown(self.path)}: {flaw}; its index (moov) is missing, so that nothing can be salvaged: copy or "
                "export it again"
            )
        if not self.salvage:
            raise SourceError(f"{shown(self.path)}: {flaw}; {next_step} with --salvage")
        if flaw not in self._found:
            self._found.append(flaw)


def audio_chunk(path: Path) -> AudioChunk | None:
    """Find the audio in a chunked file; None for other kinds of file and where no audio follows."""
    with path.open("rb") as file:
        head = file.read(16)
        end = os.fstat(file.fileno()).st_size
        if len(head) < 16:
            return None
        if head[:4] == b".snd":
            start, promised = struct.unpack(">II", head[4:12])
            return AudioChunk(start, None if streamed(promised) else promised, max(0, end - start))
        if head[:4] == b"\x1aE\xdf\xa3":
            return _ebml_segment(file, end)
        if head[4:8] == b"ftyp":
            return _iso_box_past_end(file, end)
        for layout in _LAYOUTS:
            if head[:4] == layout.magic:
                return _chunk_with_audio(file, layout, end)
    return None


class _UnfinishedWav(io.FileIO):
    """A WAV whose audio has a size of 0xFFFFFFFF, whatever its header says."""

    def __init__(self, path: Path, size_at: int) -> None:
        super().__init__(path)
        self._size_at = size_at

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`, with the four bytes of the size replaced."""
        at = self.tell()
        count = super().readinto(buffer) or 0
        for index in range(max(0, self._size_at - at), min(count, self._size_at + 4 - at)):
            memoryview(buffer)[index] = 0xFF
        return count


def unfinished_wav(path: Path) -> io.FileIO | None:
    """A WAV that does not know its length, from a pipe or a crash, made readable; None for any other file.

    libsndfile believes a size of 0, and takes 0xFFFFFFFF for what reaches to the end.
    """
    with path.open("rb") as file:
        is_wav = file.read(4) == b"RIFF"
    chunk = audio_chunk(path) if is_wav else None
    if chunk is None or chunk.promised_bytes is not None:
        return None
    return _UnfinishedWav(path, chunk.start_byte - 4)


def chunks(path: Path) -> Iterator[Chunk]:
    """Every chunk of a WAV, RF64, Wave64 or AIFF file, up to audio of unknown length; none of other kinds of file."""
    with path.open("rb") as file:
        magic, end = file.read(4), os.fstat(file.fileno()).st_size
        for layout in _LAYOUTS:
            if magic == layout.magic and end >= 16:
                for chunk in _chunks(file, layout, end):
                    yield chunk
                    if chunk.name == layout.audio and streamed(chunk.size_bytes):
                        return


def _chunks(file: BinaryIO, layout: _Layout, end: int) -> Iterator[Chunk]:
    """Go from chunk to chunk; of the audio in an RF64, the size is that of its ds64 chunk."""
    header_bytes = struct.calcsize(layout.header)
    at, audio_bytes_64_bit = layout.first_chunk, 0
    while at + header_bytes <= end:
        file.seek(at)
        name, size = struct.unpack(layout.header, file.read(header_bytes))
        if name == b"ds64" and end - at >= header_bytes + 16:  # EBU Tech 3306: riff size, then data size
            audio_bytes_64_bit = struct.unpack("<8xQ", file.read(16))[0]
        if name == layout.audio and size == 2**32 - 1 and audio_bytes_64_bit:
            size = audio_bytes_64_bit
        body_bytes = max(0, size - header_bytes * layout.size_counts_header)
        yield Chunk(name, at + header_bytes, body_bytes)
        step = header_bytes + body_bytes
        at += step + -step % layout.align


def _chunk_with_audio(file: BinaryIO, layout: _Layout, end: int) -> AudioChunk | None:
    """The first chunk with audio."""
    file.seek(4)
    outer_bytes = struct.unpack(layout.header[0] + "I", file.read(4))[0]
    for name, start, size in _chunks(file, layout, end):
        if name == layout.audio:
            finished_without_a_frame = size == 0 and outer_bytes == end - 8
            unknown = streamed(size) and not finished_without_a_frame
            start += layout.preamble_bytes
            promised = None if unknown else max(0, size - layout.preamble_bytes)
            return AudioChunk(start, promised, max(0, end - start))
    return None


def streamed(size: int) -> bool:
    """Whether a size says that the writer did not know it, or never came back to fill it in."""
    unknown_32_bit = STREAMED_BELOW_4_GIB <= size < 2**32 or size in STREAMED_AT_2_GIB
    return size == 0 or unknown_32_bit or size >= STREAMED_64_BIT


def _lacks_index(path: Path) -> bool:
    """Whether an MP4 or MOV holds no whole index: without it, nothing tells where its sound lies."""
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        boxes = {box.name: box.start_byte + box.size_bytes <= end for box in _iso_boxes(file, end)}
    return b"ftyp" in boxes and not boxes.get(b"moov", False)


def _iso_box_past_end(file: BinaryIO, end: int) -> AudioChunk | None:
    """The outer box of an MP4 or MOV file that claims more than the file holds (ISO/IEC 14496-12, 4.2)."""
    for _, start, size in _iso_boxes(file, end):
        if start + size > end:
            return AudioChunk(start, size, end - start)
    return None


def _iso_boxes(file: BinaryIO, end: int) -> Iterator[Chunk]:
    """The outer boxes, each from its header on, up to one that reaches to the end, whatever that is."""
    at = 0
    while at + 8 <= end:
        file.seek(at)
        size, name = struct.unpack(">I4s", file.read(8))
        if size == 1:  # the true size stands in 64 bits after the name
            size = int.from_bytes(file.read(8), "big")
        if size == 0:
            return
        yield Chunk(name, at, size)
        at += max(8, size)


def _ebml_segment(file: BinaryIO, end: int) -> AudioChunk | None:
    """The Segment of a Matroska or WebM file: everything after the EBML header."""
    file.seek(4)
    file.seek(_ebml_size(file) or 0, os.SEEK_CUR)
    if file.read(4) != b"\x18\x53\x80\x67":
        return None
    promised = _ebml_size(file)
    return AudioChunk(file.tell(), promised, end - file.tell())


def _ebml_size(file: BinaryIO) -> int | None:
    """A size of 1 to 8 bytes (RFC 8794, 4): leading zeros tell how many; all ones means unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(length - 1), "big") - (1 << 7 * length)
    return None if value == (1 << 7 * length) - 1 else value
