"""Decoding from the first frame to the last, in blocks, for what cannot be read in place.

Behind `readers`. libsndfile decodes OGG, Opus, MP3 and the telephone codings of WAV, as far as it gets their length,
time and channels right; everything else goes through FFmpeg (PyAV), which takes the encoder's delay off the start.
Each of its frames goes where its timestamp says. At the end, AAC keeps what fills its last packet of 1024 frames, but
for MP4, which tells the exact length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import soundfile

from sepkit.audio import library_lines
from sepkit.audio.samples import Samples
from sepkit.audio.source_file import Flaws
from sepkit.audio.timeline import OFF_PART_OF_PACKET, OFF_PART_OF_PAGE, TIMED, Timeline
from sepkit.audio.tracks import chosen, has_picture, leave_out_others, origin_s, taken_note, tracks
from sepkit.config.sections import SourceConfig
from sepkit.errors import SourceError
from sepkit.files.naming import shown

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

BLOCK_FRAMES = 2**16
"""1.5 s at 44.1 kHz: enough for the cost of a call to vanish, little enough for the processor's cache."""

SALVAGED_BLOCK_FRAMES = 2**10
"""libsndfile gives nothing of the block in which a file ends too early."""

VORBIS_ORDER = {
    3: [0, 2, 1],
    5: [0, 2, 1, 3, 4],
    6: [0, 2, 1, 5, 3, 4],
    7: [0, 2, 1, 6, 5, 3, 4],
    8: [0, 2, 1, 7, 5, 6, 3, 4],
}
"""From left, centre, right, …, LFE (Vorbis I, 4.3.9) to the order of WAV: left, right, centre, LFE, …"""

DEMUXERS = "mov,matroska,webm,aac,ogg,mp3,flac,avi,asf,flv,mpeg,mpegts,mxf,amr,ac3,eac3,dts,ape,wv,tta"
"""What FFmpeg may recognise. Playlists stay out: a text that names other files or addresses must not open
them. WAV and the like are libsndfile's: what it refuses there is damaged, and FFmpeg would guess."""

TIMED_BY_END = ("ogg",)
"""A page of OGG says up to which sample it reaches."""

DROPS_FIRST_PACKET = ("wmav1", "wmav2")

MANY_PLANES = 8
"""PyAV (18.1) looks for a plane behind the last of 8 or more, and the process dies of it."""

_SUBTYPES = {"u8": "PCM_U8", "s16": "PCM_16", "s32": "PCM_24", "flt": "FLOAT", "dbl": "DOUBLE"}
"""FFmpeg's sample formats in libsndfile's words; it hands 24 bits over in 32."""


@dataclass(frozen=True)
class Decoding:
    """A stream as its first frame shows it (headers err), and its samples in blocks (channels, frames).

    track: its number, from 1, of `tracks`. start_s: where it starts in the file's time, which begins at `begins_s` of
    the container's. video: whether there is a picture beside it. notes: complete once all blocks are taken.
    """

    sample_rate: int
    channels: int
    container: str
    subtype: str
    lossless: bool
    blocks: Iterator[Samples]
    track: int
    tracks: int
    start_s: float
    begins_s: Fraction
    video: bool
    notes: Callable[[], tuple[str, ...]]


@contextmanager
def ffmpeg_decoding(
    path: Path, refusal: str, how: SourceConfig, flaws: Flaws, part: BinaryIO | None = None
) -> Iterator[Decoding]:
    """Open a sound track of a file; what is damaged is told to `flaws` while the blocks are taken.

    refusal: why libsndfile did not read the file; told where FFmpeg does not either. part: what of the file is read.
    """
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
    try:
        container = av.open(part or f"file:{path}", "r", options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        raise _no_sound(path, refusal, error.strerror) from error
    with container:
        yield _decoding(path, refusal, container, how, flaws)


def _no_sound(path: Path, refusal: str, why: str | None) -> SourceError:
    return SourceError(
        f"{shown(path)}: cannot be read as sound (libsndfile: {refusal}; FFmpeg: {why}); export it again as WAV or FLAC"
    )


def _decoding(path: Path, refusal: str, container: InputContainer, how: SourceConfig, flaws: Flaws) -> Decoding:
    if not container.streams.audio:
        raise SourceError(f"{shown(path)}: holds no audio stream; name a file with sound")
    found = tracks(container)
    track = chosen(path, found, how.track)
    stream = track.stream
    leave_out_others(container, stream)
    frames = _frames(container, stream, flaws)
    first = next(frames, None)
    if first is None:
        raise _no_sound(path, refusal, "0 frames")
    lossless = stream.codec_context.codec.lossless
    name = container.format.name.split(",")[0]
    heard_s = _time_s if name not in TIMED_BY_END else _time_by_end_s
    first_s = heard_s(first) if name in TIMED else None
    origin = Fraction(0) if first_s is None else origin_s(container, track, first_s)
    tick = first.time_base or Fraction(1, first.sample_rate)
    off_part = OFF_PART_OF_PAGE if name == "ogg" else OFF_PART_OF_PACKET
    timeline = Timeline(path, first.sample_rate, first.layout.nb_channels, origin, tick, off_part)
    time_s = (lambda frame: None) if first_s is None else heard_s
    blocks = _blocks(path, first, frames, timeline, time_s)
    return Decoding(
        sample_rate=first.sample_rate,
        channels=first.layout.nb_channels,
        container=name,
        subtype=_SUBTYPES.get(first.format.packed.name, "") if lossless else "",
        lossless=lossless,
        blocks=blocks,
        track=track.number,
        tracks=len(found),
        start_s=0.0 if first_s is None else max(0.0, float(first_s - origin)),
        begins_s=origin,
        video=has_picture(container),
        notes=lambda: (*taken_note(track, found, how.track), *_unheard_note(stream, first), *timeline.notes()),
    )


def _unheard_note(stream: AudioStream, first: AudioFrame) -> tuple[str, ...]:
    """What FFmpeg's decoder keeps to itself: of WMA the first packet, as long as the frame that comes first."""
    if stream.codec_context.name not in DROPS_FIRST_PACKET:
        return ()
    return (f"FFmpeg's decoder of WMA leaves out the first {first.samples / first.sample_rate:.3f} s",)


class InOrder(soundfile.SoundFile):  # type: ignore[misc]  # it has no types
    """A file that soundfile reads on where it is. Else it seeks after every block, and MP3 is then no longer exact."""

    def seekable(self) -> bool:
        """Whether soundfile moves by itself; `seek` works all the same."""
        return False


def libsndfile_blocks(file: soundfile.SoundFile, flaws: Flaws, lines: list[str]) -> Iterator[Samples]:
    """All samples of an open file, in order. lines: to be filled with what its decoder prints."""
    order = VORBIS_ORDER.get(file.channels) if file.subtype == "VORBIS" else None
    block_frames = SALVAGED_BLOCK_FRAMES if flaws.salvage else BLOCK_FRAMES
    at = 0
    while True:
        try:
            with library_lines.caught(lines):
                block = file.read(block_frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            flaws.damaged(at / file.samplerate, error.error_string.strip(" ."))
            return
        if not len(block):
            return
        at += len(block)
        yield block.T[order] if order else block.T


def _frames(container: InputContainer, stream: AudioStream, flaws: Flaws) -> Iterator[AudioFrame]:
    """What the decoder gives, packet by packet; of a salvaged file without the packets that cannot be decoded."""
    import av

    at_s = 0.0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError as error:
            flaws.damaged(at_s, error.strerror or "a packet that FFmpeg refuses")
            return
        if packet is None:
            return
        if packet.pts is not None:
            at_s = float(packet.pts * packet.time_base)
        if packet.is_corrupt:
            flaws.damaged(at_s, "an incomplete packet")
        try:
            yield from packet.decode()
        except av.FFmpegError as error:
            flaws.damaged(at_s, error.strerror or "a packet that FFmpeg refuses")


def _blocks(
    path: Path,
    first: AudioFrame,
    frames: Iterator[AudioFrame],
    timeline: Timeline,
    time_s: Callable[[AudioFrame], Fraction | None],
) -> Iterator[Samples]:
    """FFmpeg's frames, of a thousand samples or so, each in its place in time, gathered into blocks."""
    gathered: list[Samples] = []
    for frame, following in pairwise(chain([first], frames, [None])):
        assert frame is not None
        if _format(frame) != _format(first):
            raise SourceError(
                f"{shown(path)}: changes from {_format(first)} to {_format(frame)}; convert it to one format"
            )
        at_s, samples = time_s(frame), _samples(frame)
        if following is None and at_s is not None:
            samples = samples[:, : _heard_frames(frame)]
        for block in timeline.place(samples, at_s):
            gathered.append(block)
            if sum(block.shape[1] for block in gathered) >= BLOCK_FRAMES:
                yield np.concatenate(gathered, axis=1)
                gathered = []
    if gathered:
        yield np.concatenate(gathered, axis=1)


def _time_s(frame: AudioFrame) -> Fraction | None:
    """When a frame is heard, exactly; None where the file does not say."""
    return None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base


def _time_by_end_s(frame: AudioFrame) -> Fraction | None:
    """The same by when it ends, which is right where FFmpeg mistakes how long a packet is (see `ogg`)."""
    begins_s = _time_s(frame)
    if begins_s is None or frame.time_base is None or not 0 < frame.duration <= frame.samples:
        return begins_s
    return begins_s + frame.duration * frame.time_base - Fraction(frame.samples, frame.sample_rate)


def _heard_frames(frame: AudioFrame) -> int:
    """How much of the last frame is sound and not the encoder's filling: an MP4 says it, to the sample."""
    exact = frame.time_base == Fraction(1, frame.sample_rate)
    return frame.duration if exact and 0 < frame.duration < frame.samples else frame.samples


def _format(frame: AudioFrame) -> str:
    return f"{frame.layout.nb_channels} channels at {frame.sample_rate} Hz"


def _samples(frame: AudioFrame) -> Samples:
    """One frame as (channels, frames) float32, full scale at ±1."""
    if frame.format.is_planar and frame.layout.nb_channels >= MANY_PLANES:
        frame = _packed(frame)
    raw = frame.to_ndarray()
    if frame.format.is_packed:
        raw = raw.reshape(-1, frame.layout.nb_channels).T
    if raw.dtype == np.uint8:
        return (raw.astype(np.float32) - np.float32(128)) / np.float32(128)
    full_scale = 1.0 if raw.dtype.kind == "f" else 2.0 ** (8 * raw.dtype.itemsize - 1)
    return np.asarray(raw / full_scale, dtype=np.float32)


def _packed(frame: AudioFrame) -> AudioFrame:
    """The same samples, channel beside channel."""
    import av

    (packed,) = av.AudioResampler(format=frame.format.packed.name).resample(frame)
    return packed
