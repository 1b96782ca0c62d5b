"""A sound file as a track of a video: lossless where the container holds that, each sample at its time.

Place: behind `remux`, which asks for the packets up to the time that the picture has reached. Whole numbers are coded
as they are; what is deeper than the container holds is rounded. Opus (WebM) has 48 kHz alone: the sound is converted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.decode import MANY_PLANES
from sepkit.audio.read import Source
from sepkit.audio.source_info import SAMPLE_BITS
from sepkit.audio.video.kinds import Kind
from sepkit.audio.write import coded
from sepkit.errors import OutputError
from sepkit.files.naming import shown

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet

PACKET_FRAMES = 4096
"""Of codings that do not ask for a size of their own."""
READ_PACKETS = 256
"""How many are read at a time: 24 s of ALAC, 8 MiB in stereo; each place in a FLAC has to be looked for."""
OPUS_HZ = 48_000
OPUS_BITS_PER_S = 128_000
"""A channel: twice what is called transparent, since the sound was coded with loss once before."""
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""By channels, where the source does not say."""
PLANAR = ("alac",)
"""Codecs that take the channels one after another; the others take them side by side."""
_PCM = {
    "PCM_16": "pcm_s16le",
    "PCM_24": "pcm_s24le",
    "PCM_32": "pcm_s32le",
    "FLOAT": "pcm_f32le",
    "DOUBLE": "pcm_f64le",
}
_HELD_IN = {"PCM_16": "s16", "PCM_24": "s32", "PCM_32": "s32", "FLOAT": "flt", "DOUBLE": "dbl"}


@dataclass(frozen=True)
class NewTrack:
    """A sound that a video gets. sound: a file that is read in place. of: the source's sound track, from 1, that it was
    made of, and replaces, unless it has a title of its own. begins_s: the time of its first frame.
    """

    sound: Path
    of: int
    begins_s: Fraction
    title: str = ""


class Coding(NamedTuple):
    """codec, layout: FFmpeg's names. subtype: libsndfile's, of the samples as they go in; FLOAT where it is lossy."""

    codec: str
    layout: str
    subtype: str
    sample_rate: int


def coding(source: Source, kind: Kind, layout: str) -> Coding:
    """How a sound is coded in a container. layout: of the track that it was made of, as FFmpeg calls it."""
    info = source.info
    subtype = info.subtype if info.subtype in _PCM else "PCM_16"  # 8 bits
    for codec in kind.codecs:
        for each in _layouts(layout, info.channels):
            found = _coding(codec, each, subtype, info.sample_rate, kind.deepest)
            if found and _opens(found):
                return found
    raise OutputError(
        f"{shown(info.path)}: no coding of {kind.name} holds {info.channels} channels at {info.sample_rate} Hz; give "
        "--no-video for the sound alone"
    )


def _layouts(layout: str, channels: int) -> list[str]:
    """What the channels may be called: "side" and "back" are the same channels, of which codecs know one name."""
    import av

    found = [layout, layout.replace("(side)", "")] if layout else []
    found = [each for each in dict.fromkeys(found) if av.AudioLayout(each).nb_channels == channels]
    return found or [LAYOUTS.get(channels, f"{channels}c")]


def _coding(codec: str, layout: str, subtype: str, sample_rate: int, deepest: int) -> Coding | None:
    import av

    if codec == "libopus":
        return Coding(codec, layout, "FLOAT", OPUS_HZ)
    deep = SAMPLE_BITS[subtype] > 24 or subtype in ("FLOAT", "DOUBLE")
    if codec == "pcm":
        return Coding(_PCM[subtype], layout, subtype, sample_rate)
    planes = av.AudioLayout(layout).nb_channels if codec in PLANAR else 1
    if planes >= MANY_PLANES or (deep and deepest > 24):
        return None  # a later codec of the container holds it as it is
    return Coding(codec, layout, "PCM_24" if deep else subtype, sample_rate)


def _opens(found: Coding) -> bool:
    """Whether the codec takes these channels at this rate."""
    import av

    context = av.CodecContext.create(found.codec, "w")
    assert isinstance(context, av.AudioCodecContext)
    context.layout, context.sample_rate, context.format = found.layout, found.sample_rate, _format(found)
    context.time_base = Fraction(1, found.sample_rate)
    try:
        context.open()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _format(found: Coding) -> str:
    """FFmpeg's name of the samples as the codec takes them."""
    held = _HELD_IN[found.subtype]
    return f"{held}p" if found.codec in PLANAR else held


def add(output: OutputContainer, found: Coding) -> AudioStream:
    """The stream of a new track; its names are the caller's."""
    import av

    bits = {"bit_rate": OPUS_BITS_PER_S * av.AudioLayout(found.layout).nb_channels} if found.codec == "libopus" else {}
    stream: AudioStream = output.add_stream(found.codec, rate=found.sample_rate, layout=found.layout, **bits)  # type: ignore[call-overload]
    stream.codec_context.format = _format(found)
    stream.time_base = stream.codec_context.time_base = Fraction(1, found.sample_rate)
    return stream


class Encoding:
    """A sound on its way into a stream, in order of time."""

    def __init__(self, source: Source, stream: AudioStream, found: Coding, begins_s: Fraction) -> None:
        self._stream = stream
        self._rate = found.sample_rate
        self._begins = round(begins_s * found.sample_rate)
        self._packets = self._encoded(source, found)
        self._reached = self._begins

    def until(self, time_s: Fraction | None) -> Iterator[Packet[Any]]:
        """The packets up to a time; None: all that are left, for the file ends."""
        while time_s is None or self._reached < time_s * self._rate:
            found = next(self._packets, None)
            if found is None:
                return
            yield from found

    def _encoded(self, source: Source, found: Coding) -> Iterator[list[Packet[Any]]]:
        """The packets that each frame of samples gives; a codec holds back some."""
        import av

        at = 0
        size = self._stream.codec_context.frame_size or PACKET_FRAMES
        for samples in _frames(source, found, size):
            packed = samples if found.codec in PLANAR else samples.T.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(packed), format=_format(found), layout=found.layout)
            frame.sample_rate, frame.time_base = found.sample_rate, Fraction(1, found.sample_rate)
            frame.pts = self._begins + at
            at += samples.shape[1]
            self._reached = self._begins + at
            yield self._stream.encode(frame)
        yield self._stream.encode(None)


def _frames(source: Source, found: Coding, size: int) -> Iterator[NDArray[Any]]:
    """The samples as the codec takes them, (channels, size), the last one shorter."""
    left: NDArray[Any] | None = None
    for block in _blocks(source, found, size * READ_PACKETS):
        block = coded(block, found.subtype)
        left = block if left is None else np.concatenate([left, block], axis=1)
        whole = left.shape[1] - left.shape[1] % size
        for start in range(0, whole, size):
            yield left[:, start : start + size]
        left = left[:, whole:]
    if left is not None and left.shape[1]:
        yield left


def _blocks(source: Source, found: Coding, frames: int) -> Iterator[NDArray[np.floating[Any]]]:
    """All of the sound, at the rate of the track."""
    info = source.info
    stream = None
    if info.sample_rate != found.sample_rate:
        import soxr

        stream = soxr.ResampleStream(info.sample_rate, found.sample_rate, info.channels, dtype="float32", quality="VHQ")
    for start in range(0, info.frames, frames):
        count = min(frames, info.frames - start)
        block = source.exact(start, count)
        if stream:
            last = start + count == info.frames
            block = stream.resample_chunk(np.ascontiguousarray(block.T, dtype=np.float32), last=last).T
        yield block
