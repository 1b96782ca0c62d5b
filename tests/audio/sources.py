"""Sound to read: exact integers, sweeps, encoded by FFmpeg; and what a refusal says."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from sepkit.audio.read import open_source, probe
from sepkit.errors import SourceError

RATE = 44_100
FRAMES = 44_100 + 137


def integers(bits: int, channels: int = 2, frames: int = FRAMES) -> np.ndarray:
    """Random integers of a width, both ends of the scale among them."""
    top = 2 ** (bits - 1)
    values = np.random.default_rng(bits).integers(-top, top, (channels, frames))
    values[:, 100], values[:, 101] = top - 1, -top
    return values


def sweep(frames: int, rate: int, channels: int = 2) -> np.ndarray:
    """A sweep from 200 Hz to 3 kHz: a shift by one frame is plain to see."""
    t = np.arange(frames) / rate
    phase = 2 * np.pi * (200 * t + 1400 * t * t / t[-1])
    return np.stack([0.3 * np.sin(phase + channel) for channel in range(channels)]).astype(np.float32)


def encode(
    path: Path, container: str, codec: str, rate: int, samples: np.ndarray, picture: bool = False, **options
) -> None:
    """Write a file through FFmpeg's encoder."""
    bit_rate = {"bit_rate": 256_000} if codec in ("aac", "libopus") else {}
    with av.open(str(path), "w", format=container, options=options) as output:
        if picture:
            video = output.add_stream("mpeg4", rate=25)
            video.width = video.height = 64
        audio = output.add_stream(codec, rate=rate, layout="stereo", **bit_rate)
        output.metadata.update({"title": "Tïtle", "artist": "Ärtist", "track": "3"})
        if picture:
            for index in range(10):
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), index * 20, np.uint8), format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                output.mux(video.encode(frame))
            output.mux(video.encode(None))
        resampler = av.AudioResampler(format=audio.codec_context.format.name)
        for start in range(0, samples.shape[1], 960):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples[:, start : start + 960]), format="fltp", layout="stereo"
            )
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            for converted in resampler.resample(frame):
                output.mux(audio.encode(converted))
        output.mux(audio.encode(None))


def wav_bytes(samples: np.ndarray, subtype: str = "PCM_16") -> bytearray:
    file = io.BytesIO()
    soundfile.write(file, samples.T, RATE, format="WAV", subtype=subtype)
    return bytearray(file.getvalue())


def refusal(path: Path) -> str:
    """The one line that both ways of opening a bad file give."""
    with pytest.raises(SourceError) as opening, open_source(path) as source:
        source.read(0, source.info.frames)
    with pytest.raises(SourceError):
        probe(path)
    text = str(opening.value)
    assert "\n" not in text and str(path.name) in text and ";" in text
    return text
