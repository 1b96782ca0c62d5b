"""Sound that starts late, stops and goes on in its container, encoded by FFmpeg; and where it is found again."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from scripts.bench.films import PICTURE_HZ, RATE, Piece, burst, encode_pieces, found_at

__all__ = ["PICTURE_HZ", "RATE", "Piece", "burst", "found_at", "timed"]


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


def _picture(output: av.container.OutputContainer) -> av.VideoStream:
    video = output.add_stream("mpeg4", rate=PICTURE_HZ)
    video.width = video.height = 64
    return video
