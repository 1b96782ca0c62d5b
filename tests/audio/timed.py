"""Sound that starts late, stops and goes on in its container, encoded by FFmpeg; and where it is found again."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from scipy.signal import correlate

RATE = 48_000
PICTURE_HZ = 25

Piece = tuple[int, np.ndarray]
"""The frame at which it starts, and its samples (channels, frames)."""


def burst(frames: int, seed: int = 0) -> np.ndarray:
    """Noise below 6 kHz, two channels alike: every shift by one frame is plain to see, and codecs keep it."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(frames))
    spectrum[frames * 6000 // RATE :] = 0
    noise = np.fft.irfft(spectrum, frames)
    return np.stack([noise, noise]).astype(np.float32) * np.float32(0.3 / np.abs(noise).max())


def found_at(samples: np.ndarray, sought: np.ndarray) -> int:
    """The frame at which `sought` begins in `samples`."""
    return int(np.argmax(correlate(samples[0], sought[0], "valid", "fft")))


def timed(
    path: Path, container: str, codec: str, tracks: list[list[Piece]], picture_s: float = 0.0, **labels: list[str]
) -> Path:
    """Write tracks of pieces, each from its frame on, beside a picture from 0 s on if it lasts. labels: by track."""
    bit_rate = {"bit_rate": 192_000} if codec == "wmav2" else {}
    with av.open(str(path), "w", format=container) as output:
        video = _picture(output) if picture_s else None
        streams = [output.add_stream(codec, rate=RATE, layout="stereo", **bit_rate) for _ in tracks]
        for index, stream in enumerate(streams):
            for name in labels.keys() & {"language", "title"}:
                stream.metadata[name] = labels[name][index]
            if "disposition" in labels:
                stream.disposition = av.stream.Disposition[labels["disposition"][index]]
        for index in range(round(picture_s * PICTURE_HZ)):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), index % 250, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, PICTURE_HZ)
            output.mux(video.encode(frame))
        if video:
            output.mux(video.encode(None))
        for stream, pieces in zip(streams, tracks, strict=True):
            encode_pieces(output, stream, pieces)
    return path


def encode_pieces(
    output: av.container.OutputContainer, stream: av.AudioStream, pieces: list[Piece], layout: str = "stereo"
) -> None:
    """A whole track."""
    for start, samples in pieces:
        _encode(output, stream, start, samples, layout)
    output.mux(stream.encode(None))


def _picture(output: av.container.OutputContainer) -> av.VideoStream:
    video = output.add_stream("mpeg4", rate=PICTURE_HZ)
    video.width = video.height = 64
    return video


def _encode(
    output: av.container.OutputContainer, stream: av.AudioStream, start: int, samples: np.ndarray, layout: str
) -> None:
    packet = stream.codec_context.frame_size or 1024
    resampler = av.AudioResampler(format=stream.codec_context.format.name)
    for at in range(0, samples.shape[1], packet):
        part = np.ascontiguousarray(samples[:, at : at + packet].T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(part, format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
        for converted in resampler.resample(frame):
            converted.pts, converted.time_base = start + at, Fraction(1, RATE)
            output.mux(stream.encode(converted))
