"""Films of a few tiny pictures, made by FFmpeg's encoders, and what is found in a film afterwards.

For the bench `video` and the tests of videos. Nothing of sepkit reads here: PyAV alone is the witness.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.container import OutputContainer
from av.stream import Disposition
from numpy.typing import NDArray

Samples = NDArray[np.floating[Any]]
"""(channels, frames)."""
Piece = tuple[int, Samples]
"""The frame at which it starts, and its samples."""

RATE = 48_000
SIDE = 32
PICTURES = 50
PICTURE_HZ = 25
CODECS = {
    "mp4": ("libx264", "aac"),
    "mov": ("libx264", "alac"),
    "mkv": ("libx264", "flac"),
    "webm": ("libvpx", "libopus"),
}
"""Of picture and sound, by suffix."""
SUBTITLES = {"mp4": "mov_text", "mov": "mov_text", "mkv": "subrip", "webm": "webvtt"}
MUXERS = {"mp4": "mp4", "mov": "mov", "mkv": "matroska", "webm": "webm"}


def video(
    path: Path,
    tracks: list[Samples],
    start_s: float = 0.0,
    b_frames: bool = False,
    varying: bool = False,
    labels: tuple[dict[str, str], ...] = (),
    dispositions: tuple[str, ...] = (),
    tags: dict[str, str] | None = None,
    codecs: tuple[str, str] | None = None,
    pictures: int = PICTURES,
    layout: str = "stereo",
    chapters: list[Any] | None = None,
    pixel: Fraction | None = None,
    **options: str,
) -> Path:
    """Two seconds of picture, and tracks (channels, frames) at RATE that start at `start_s`.

    b_frames: pictures that lean on later ones. varying: times as of a phone, whose frames are not evenly apart.
    pixel: its width over its height.
    """
    picture, sound = codecs or CODECS[path.suffix[1:]]
    with av.open(str(path), "w", format=MUXERS[path.suffix[1:]], options=options) as output:
        output.metadata.update(tags or {})
        if chapters:
            output.set_chapters(chapters)
        film: Any = output.add_stream(picture, rate=PICTURE_HZ, options=_reordered(picture, b_frames))
        film.width = film.height = SIDE
        film.codec_context.sample_aspect_ratio = pixel or Fraction(1)
        film.codec_context.time_base = Fraction(1, 600)
        if b_frames and picture == "libx264":
            film.codec_context.max_b_frames = 3
        streams: list[Any] = [output.add_stream(sound, rate=RATE, layout=layout) for _ in tracks]
        for stream, said in zip(streams, labels, strict=False):
            stream.metadata.update(said)
        for stream, mark in zip(streams, dispositions, strict=False):
            stream.disposition = Disposition[mark]
        for frame in _pictures(pictures, varying):
            output.mux(film.encode(frame))
        output.mux(film.encode(None))
        for stream, samples in zip(streams, tracks, strict=True):
            encode_pieces(output, stream, [(round(start_s * RATE), samples)], layout)
    return path


def _pictures(count: int, varying: bool) -> Iterator[av.VideoFrame]:
    random = np.random.default_rng(1)
    for number in range(count):
        shade = np.full((SIDE, SIDE, 3), 5 * number % 250, np.uint8)
        shade[number % SIDE] = random.integers(0, 255, (SIDE, 3))
        frame = av.VideoFrame.from_ndarray(shade, format="rgb24")
        late = int(random.integers(0, 20)) if varying and number else 0
        frame.pts, frame.time_base = 600 // PICTURE_HZ * number + late, Fraction(1, 600)
        yield frame


def _reordered(picture: str, b_frames: bool) -> dict[str, str]:
    if picture == "libx264":
        return {"preset": "veryfast" if b_frames else "ultrafast", "g": str(PICTURES), "sc_threshold": "0"}
    if picture == "libx265":
        return {"x265-params": "log-level=none"}
    return {"auto-alt-ref": "1" if b_frames else "0", "lag-in-frames": "16" if b_frames else "0", "cpu-used": "8"}


def packets(path: Path, kind: str = "video") -> list[list[tuple[str, Fraction | None]]]:
    """Of each stream of a kind, what each packet hashes to and when it is shown."""
    with av.open(str(path)) as opened:
        found: dict[int, list[tuple[str, Fraction | None]]] = {}
        found |= {stream.index: [] for stream in opened.streams if stream.type == kind}
        for packet in opened.demux():
            if packet.size and packet.stream.index in found:
                time_s = None if packet.pts is None else packet.pts * packet.time_base
                found[packet.stream.index].append((hashlib.sha256(bytes(packet)).hexdigest(), time_s))
    return list(found.values())


def heard(path: Path, track: int = 0) -> tuple[Samples, Fraction]:
    """A sound track as FFmpeg decodes it, its samples in a row, and the time of the first; nothing of sepkit's."""
    with av.open(str(path)) as opened:
        frames = list(opened.decode(opened.streams.audio[track]))
    resampler = av.AudioResampler(format="flt")  # PyAV cannot read 8 channels that lie one after another
    parts = [converted.to_ndarray() for frame in frames for converted in resampler.resample(frame)]
    samples: Samples = np.concatenate(parts, axis=1).reshape(-1, frames[0].layout.nb_channels).T.astype(np.float32)
    return samples, Fraction(frames[0].pts or 0) * (frames[0].time_base or 0)


def time_of(path: Path, sought: Samples, track: int = 0) -> float:
    """When a sound is heard in the container's time, in frames at RATE."""
    samples, first_s = heard(path, track)
    return float(first_s * RATE) + found_at(samples, sought)


CHAPTERS: list[Any] = [
    {
        "id": number,
        "start": 1000 * number,
        "end": 1000 * number + 1000,
        "time_base": Fraction(1, 1000),
        "metadata": said,
    }
    for number, said in enumerate([{"title": "Öne"}, {"title": "Two"}])
]


def cover(path: Path) -> Path:
    """A file of one picture and nothing else."""
    with av.open(str(path), "w", format="matroska") as output:
        picture: Any = output.add_stream("mjpeg", rate=25)
        picture.width = picture.height = 16
        picture.pix_fmt = "yuvj420p"
        frame = av.VideoFrame.from_ndarray(np.full((16, 16, 3), 99, np.uint8), format="rgb24")
        frame = frame.reformat(format="yuvj420p")
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        output.mux([*picture.encode(frame), *picture.encode(None)])
    return path


def furnished(path: Path, folder: Path) -> Path:
    """A video with all that its container holds: two labelled sound tracks, subtitles, chapters, a cover, tags."""
    labels = ({"language": "eng", "title": "Talk"}, {"language": "deu", "title": "Kommentar"})
    suffix = path.suffix[1:]
    tracks = [clicks(), burst(RATE)]
    bare = video(folder / f"bare.{suffix}", tracks, labels=labels, dispositions=("default", "comment"))
    with av.open(str(bare)) as given, av.open(str(cover(folder / "cover"))) as drawn:
        image = next(packet for packet in drawn.demux(video=0) if packet.size)
        with av.open(str(path), "w", format=MUXERS[suffix]) as output:
            output.metadata.update({"title": "Fïlm", "artist": "Somebody", "comment": "as it was"})
            output.set_chapters(CHAPTERS)
            streams: dict[int, Any] = {}
            for stream in given.streams:
                streams[stream.index] = output.add_stream_from_template(stream, opaque=True)
                streams[stream.index].disposition = stream.disposition
                said = {"title" if name == "name" else name: text for name, text in stream.metadata.items()}
                streams[stream.index].metadata.update(said)
            words = output.add_mux_stream(SUBTITLES[suffix])
            words.metadata["language"] = "fra"
            attached: Any = None
            if suffix == "mp4":
                attached = output.add_stream_from_template(drawn.streams.video[0], opaque=True)
                attached.disposition = Disposition.attached_pic
            if suffix == "mkv":
                output.add_attachment("cover.jpg", "image/jpeg", bytes(image))
                output.add_attachment("font.ttf", "font/ttf", b"a font, or so it says")
            for packet in given.demux():
                if packet.size:
                    packet.stream = streams[packet.stream.index]
                    output.mux(packet)
            output.mux(_subtitle(suffix, words))
            if attached:
                image.stream = attached
                output.mux(image)
    return path


def _subtitle(suffix: str, stream: Any) -> av.Packet[Any]:
    text = b"Bonjour"
    line: Any = av.Packet(struct.pack(">H", len(text)) + text if SUBTITLES[suffix] == "mov_text" else text)
    line.stream, line.time_base = stream, Fraction(1, 1000)
    line.pts = line.dts = 500
    line.duration = 700
    return cast("av.Packet[Any]", line)


def told(path: Path) -> tuple[list[tuple[Any, ...]], dict[str, str], list[tuple[Any, ...]]]:
    """What belongs to a video, as FFmpeg reads it: of each stream kind, language, title and marks; tags; chapters."""
    with av.open(str(path)) as opened:
        streams = [
            (each.type, each.metadata.get("language"), _title(each.metadata), each.disposition)
            for each in opened.streams
        ]
        tags = {name.lower(): text for name, text in opened.metadata.items() if name.lower() != "encoder"}
        chapters = [
            (
                each["start"] * Fraction(each["time_base"] or 0),
                each["end"] * Fraction(each["time_base"] or 0),
                each["metadata"],
            )
            for each in opened.chapters()
        ]
        return streams, tags, chapters


def _title(said: dict[str, str]) -> str | None:
    return said.get("title") or said.get("name")


def burst(frames: int, seed: int = 0) -> Samples:
    """Noise below 6 kHz, two channels alike: every shift by one frame is plain to see, and codecs keep it."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(frames))
    spectrum[frames * 6000 // RATE :] = 0
    noise = np.fft.irfft(spectrum, frames)
    return np.stack([noise, noise]).astype(np.float32) * np.float32(0.3 / np.abs(noise).max())


def found_at(samples: Samples, sought: Samples) -> int:
    """The frame at which `sought` begins in `samples`."""
    from scipy.signal import correlate

    return int(np.argmax(correlate(samples[0], sought[0], "valid", "fft")))


def encode_pieces(output: OutputContainer, stream: av.AudioStream, pieces: list[Piece], layout: str = "stereo") -> None:
    """A whole track."""
    for start, samples in pieces:
        _encode(output, stream, start, samples, layout)
    output.mux(stream.encode(None))


def _encode(output: OutputContainer, stream: av.AudioStream, start: int, samples: Samples, layout: str) -> None:
    packet = stream.codec_context.frame_size or 1024
    resampler = av.AudioResampler(format=stream.codec_context.format.name)
    for at in range(0, samples.shape[1], packet):
        part = np.ascontiguousarray(samples[:, at : at + packet].T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(part, format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
        for converted in resampler.resample(frame):
            converted.pts, converted.time_base = start + at, Fraction(1, RATE)
            output.mux(stream.encode(converted))


CLICKS = {RATE // 5: burst(RATE // 10), 3 * RATE // 2: burst(RATE // 10, seed=1)}
"""Short sounds that no other resembles, by the frame of the track at which each begins."""


def clicks(frames: int = 2 * RATE) -> Samples:
    """A track with `CLICKS` in it, and silence."""
    samples = np.zeros((2, frames), np.float32)
    for at, click in CLICKS.items():
        samples[:, at : at + click.shape[1]] = click
    return samples
