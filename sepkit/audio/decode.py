"""Decoding from the first frame to the last, in blocks, for what cannot be read in place.

Behind `read.open_source`, which spools what comes out of here. libsndfile decodes OGG, Opus, MP3 and the
telephone codings of WAV; everything else goes through FFmpeg (PyAV), which takes the encoder's delay off the
start. At the end, AAC keeps what fills its last packet of 1024 frames: FFmpeg knows no exact length.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from sepkit.audio.samples import Samples
from sepkit.audio.source_file import damaged
from sepkit.errors import SourceError
from sepkit.files.naming import shown

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

BLOCK_FRAMES = 2**16
"""1.5 s at 44.1 kHz: enough for the cost of a call to vanish, little enough for the processor's cache."""

DEMUXERS = "mov,matroska,webm,aac,ogg,mp3,flac,avi,asf,flv,mpeg,mpegts,mxf,amr,ac3,eac3,dts,ape,wv,tta"
"""What FFmpeg may recognise. Playlists stay out: a text that names other files or addresses must not open
them. WAV and the like are libsndfile's: what it refuses there is damaged, and FFmpeg would guess."""

_SUBTYPES = {"u8": "PCM_U8", "s16": "PCM_16", "s32": "PCM_24", "flt": "FLOAT", "dbl": "DOUBLE"}
"""FFmpeg's sample formats in libsndfile's words; it hands 24 bits over in 32."""


@dataclass(frozen=True)
class Decoding:
    """A stream as its first frame shows it (headers err), and its samples in blocks (channels, frames)."""

    sample_rate: int
    channels: int
    container: str
    subtype: str
    lossless: bool
    blocks: Iterator[Samples]


@contextmanager
def ffmpeg_decoding(path: Path, refusal: str) -> Iterator[Decoding]:
    """Open the first audio stream of a file; what is damaged raises SourceError while the blocks are taken.

    refusal: why libsndfile did not read the file; told where FFmpeg does not either.
    """
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
    try:
        container = av.open(f"file:{path}", options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        raise _no_sound(path, refusal, error.strerror) from error
    with container:
        yield _decoding(path, refusal, container)


def _no_sound(path: Path, refusal: str, why: str | None) -> SourceError:
    return SourceError(
        f"{shown(path)}: cannot be read as sound (libsndfile: {refusal}; FFmpeg: {why}); export it again as WAV or FLAC"
    )


def _decoding(path: Path, refusal: str, container: InputContainer) -> Decoding:
    if not container.streams.audio:
        raise SourceError(f"{shown(path)}: holds no audio stream; name a file with sound")
    stream = container.streams.audio[0]
    frames = _frames(path, container, stream)
    first = next(frames, None)
    if first is None:
        raise _no_sound(path, refusal, "0 frames")
    lossless = stream.codec_context.codec.lossless
    return Decoding(
        sample_rate=first.sample_rate,
        channels=first.layout.nb_channels,
        container=container.format.name.split(",")[0],
        subtype=_SUBTYPES.get(first.format.packed.name, "") if lossless else "",
        lossless=lossless,
        blocks=_blocks(path, first, frames),
    )


def libsndfile_blocks(path: Path, file: soundfile.SoundFile) -> Iterator[Samples]:
    """All samples of an open file, in order."""
    at = 0
    while True:
        try:
            block = file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise damaged(path, at / file.samplerate, error.error_string.strip(" .")) from error
        if not len(block):
            return
        at += len(block)
        yield block.T


def _frames(path: Path, container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """What the decoder gives, packet by packet."""
    import av

    at_s = 0.0
    try:
        for packet in container.demux(stream):
            if packet.pts is not None:
                at_s = float(packet.pts * packet.time_base)
            if packet.is_corrupt:
                raise damaged(path, at_s, "an incomplete packet")
            yield from packet.decode()
    except av.FFmpegError as error:
        raise damaged(path, at_s, error.strerror or "a packet that FFmpeg refuses") from error


def _blocks(path: Path, first: AudioFrame, frames: Iterator[AudioFrame]) -> Iterator[Samples]:
    """FFmpeg's frames, of a thousand samples or so, gathered into blocks."""
    gathered: list[Samples] = []
    for frame in chain([first], frames):
        if _format(frame) != _format(first):
            raise SourceError(
                f"{shown(path)}: changes from {_format(first)} to {_format(frame)}; convert it to one format"
            )
        gathered.append(_samples(frame))
        if sum(block.shape[1] for block in gathered) >= BLOCK_FRAMES:
            yield np.concatenate(gathered, axis=1)
            gathered = []
    if gathered:
        yield np.concatenate(gathered, axis=1)


def _format(frame: AudioFrame) -> str:
    return f"{frame.layout.nb_channels} channels at {frame.sample_rate} Hz"


def _samples(frame: AudioFrame) -> Samples:
    """One frame as (channels, frames) float32, full scale at ±1."""
    raw = frame.to_ndarray()
    if frame.format.is_packed:
        raw = raw.reshape(-1, frame.layout.nb_channels).T
    if raw.dtype == np.uint8:
        return (raw.astype(np.float32) - np.float32(128)) / np.float32(128)
    full_scale = 1.0 if raw.dtype.kind == "f" else 2.0 ** (8 * raw.dtype.itemsize - 1)
    return np.asarray(raw / full_scale, dtype=np.float32)
