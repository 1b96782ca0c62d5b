"""Videos of a few tiny frames to write sound into, made by FFmpeg; and what is found in a video afterwards."""

import hashlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from sepkit.audio.read import open_source
from sepkit.audio.video.kinds import kind_of
from sepkit.audio.video.new_track import NewTrack
from sepkit.audio.video.remux import remux
from sepkit.audio.write import AudioWriter
from sepkit.config.sections import SourceConfig
from tests.audio.timed import RATE, encode_pieces, found_at

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
MUXERS = {"mp4": "mp4", "mov": "mov", "mkv": "matroska", "webm": "webm"}


def video(
    path: Path,
    tracks: list[np.ndarray],
    start_s: float = 0.0,
    b_frames: bool = False,
    varying: bool = False,
    labels: tuple[dict[str, str], ...] = (),
    dispositions: tuple[str, ...] = (),
    tags: dict[str, str] | None = None,
    codecs: tuple[str, str] | None = None,
    pictures: int = PICTURES,
    layout: str = "stereo",
    chapters: list | None = None,
    **options: str,
) -> Path:
    """Two seconds of picture, and tracks (channels, frames) at RATE that start at `start_s`.

    b_frames: pictures that lean on later ones. varying: times as of a phone, whose frames are not evenly apart.
    """
    picture, sound = codecs or CODECS[path.suffix[1:]]
    with av.open(str(path), "w", format=MUXERS[path.suffix[1:]], options=options) as output:
        output.metadata.update(tags or {})
        if chapters:
            output.set_chapters(chapters)
        film = output.add_stream(picture, rate=PICTURE_HZ, options=_reordered(picture, b_frames))
        film.width = film.height = SIDE
        film.codec_context.time_base = Fraction(1, 600)
        if b_frames and picture == "libx264":
            film.codec_context.max_b_frames = 3
        streams = [output.add_stream(sound, rate=RATE, layout=layout) for _ in tracks]
        for stream, said in zip(streams, labels, strict=False):
            stream.metadata.update(said)
        for stream, said in zip(streams, dispositions, strict=False):
            stream.disposition = av.stream.Disposition[said]
        random = np.random.default_rng(1)
        for number in range(pictures):
            shade = np.full((SIDE, SIDE, 3), 5 * number % 250, np.uint8)
            shade[number % SIDE] = random.integers(0, 255, (SIDE, 3))
            frame = av.VideoFrame.from_ndarray(shade, format="rgb24")
            frame.pts, frame.time_base = 24 * number + (int(random.integers(0, 20)) if varying else 0), Fraction(1, 600)
            if varying and number == 0:
                frame.pts = 0
            output.mux(film.encode(frame))
        output.mux(film.encode(None))
        for stream, samples in zip(streams, tracks, strict=True):
            encode_pieces(output, stream, [(round(start_s * RATE), samples)], layout)
    return path


def _reordered(picture: str, b_frames: bool) -> dict[str, str]:
    if picture == "libx264":
        return {"preset": "veryfast" if b_frames else "ultrafast", "g": str(PICTURES), "sc_threshold": "0"}
    return {"auto-alt-ref": "1" if b_frames else "0", "lag-in-frames": "16" if b_frames else "0", "cpu-used": "8"}


def packets(path: Path, kind: str = "video") -> list[list[tuple[str, Fraction | None]]]:
    """Of each stream of a kind, what each packet hashes to and when it is shown."""
    with av.open(str(path)) as opened:
        found = {stream.index: [] for stream in opened.streams if stream.type == kind}
        for packet in opened.demux():
            if packet.size and packet.stream.index in found:
                time_s = None if packet.pts is None else packet.pts * packet.time_base
                found[packet.stream.index].append((hashlib.sha256(bytes(packet)).hexdigest(), time_s))
    return list(found.values())


def heard(path: Path, track: int = 0) -> tuple[np.ndarray, Fraction]:
    """A sound track as FFmpeg decodes it, its samples in a row, and the time of the first; nothing of sepkit's."""
    with av.open(str(path)) as opened:
        frames = list(opened.decode(opened.streams.audio[track]))
    resampler = av.AudioResampler(format="flt")  # PyAV cannot read 8 channels that lie one after another
    parts = [converted.to_ndarray() for frame in frames for converted in resampler.resample(frame)]
    samples = np.concatenate(parts, axis=1).reshape(-1, frames[0].layout.nb_channels).T
    return samples, frames[0].pts * frames[0].time_base


def time_of(path: Path, sought: np.ndarray, track: int = 0) -> float:
    """When a sound is heard in the container's time, in frames at RATE."""
    samples, first_s = heard(path, track)
    return float(first_s * RATE) + found_at(samples, sought)


def resounded(
    source: Path, folder: Path, title: str = "", subtype: str = "PCM_16", gain: float = 0.5, salvage: bool = False
) -> tuple[Path, tuple[str, ...]]:
    """A video with its own sound at another level, as a task might give it; and what is said of that."""
    with open_source(source, SourceConfig(salvage=salvage)) as opened:
        info = opened.info
        with AudioWriter(folder / "sound.wav", info.sample_rate, info.channels, "WAV", subtype) as writer:
            writer.write(np.float32(gain) * opened.read(0, info.frames))
    result = folder / f"result{source.suffix}"
    track = NewTrack(folder / "sound.wav", info.track, info.begins_s, title)
    return result, remux(source, result, kind_of(source), [track], salvage)
