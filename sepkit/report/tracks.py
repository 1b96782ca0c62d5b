"""What a page lets one hear: the same stretch before, after and beside, as Opus in pieces that join without a gap.

Every piece begins a little before its place, so that the decoder has settled when it is heard. The page plays the
tracks at gains that match their loudness (ITU-R BS.1770): louder must not pass for better.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sepkit.audio.resample import CONTEXT_S, converted_frames, grid_frames, resample
from sepkit.audio.samples import Audio, Samples
from sepkit.report.snippets import matched_gains

OPUS_HZ = 48_000
PIECE_S = 10.0
LEAD_S = 0.08
"""RFC 7845, 4.6: a decoder should be given 80 ms before what is heard."""
BITS_PER_SECOND = {1: 64_000, 2: 96_000}
"""By channels; at these, speech over music is hard to tell from the source (Opus listening tests, opus-codec.org)."""
COMPLEXITY = 5
"""Of 0 … 10; 10 takes half as long again for 6 % more bits."""


@dataclass(frozen=True)
class Track:
    """One thing to listen to. gain_db: what brings it to the common loudness. pieces: Ogg Opus, base64."""

    name: str
    about: str
    gain_db: float
    pieces: tuple[str, ...]


def make_tracks(sounds: Sequence[tuple[str, str, Audio]], levelled: Sequence[bool]) -> tuple[Track, ...]:
    """Encode (name, about, sound) of one length. levelled: which are brought to one loudness; the others follow the
    first, so that what was taken away is heard as loud as it was in the mix.
    """
    gains = iter(matched_gains([sound for (_, _, sound), own in zip(sounds, levelled, strict=True) if own]))
    found = [next(gains) if own else None for own in levelled]
    first = found[0] or 1.0
    return tuple(
        Track(name, about, round(20 * math.log10(first if gain is None else gain), 2), tuple(_pieces(sound)))
        for (name, about, sound), gain in zip(sounds, found, strict=True)
    )


def _pieces(sound: Audio) -> Iterator[str]:
    """Piece by piece, so that no track is held whole at another rate."""
    samples = sound.samples if sound.channels <= 2 else sound.mono()
    lead, whole = round(LEAD_S * OPUS_HZ), converted_frames(sound.frames, sound.sample_rate, OPUS_HZ)
    step = round(PIECE_S * OPUS_HZ)
    for start in range(0, whole, step):
        piece = _stretch(samples, sound.sample_rate, max(0, start - lead), min(start + step, whole))
        if start == 0:
            piece = np.pad(piece, ((0, 0), (lead, 0)))
        yield base64.b64encode(encode_opus(piece)).decode()


def _stretch(samples: Samples, sample_rate: int, start: int, stop: int) -> Samples:
    """The frames from `start` to `stop` of what `resample` makes of all samples, from those around them alone."""
    grid = grid_frames(sample_rate, OPUS_HZ)
    reach = math.ceil(CONTEXT_S * sample_rate)
    first = max(0, start * sample_rate // OPUS_HZ - reach) // grid * grid
    last = stop * sample_rate // OPUS_HZ + reach
    begin = start - first * OPUS_HZ // sample_rate
    return resample(samples[:, first:last], sample_rate, OPUS_HZ)[:, begin : begin + stop - start]


def encode_opus(samples: Samples) -> bytes:
    """(1 or 2 channels, frames) at 48 kHz as Ogg Opus."""
    import av

    layout = "mono" if samples.shape[0] == 1 else "stereo"
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=OPUS_HZ, layout=layout)
        stream.bit_rate = BITS_PER_SECOND[samples.shape[0]]
        stream.options = {"compression_level": str(COMPLEXITY), "application": "audio"}
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T).reshape(1, -1), format="flt", layout=layout)
        frame.sample_rate, frame.pts = OPUS_HZ, 0
        for given in (frame, None):
            container.mux(stream.encode(given))
    return file.getvalue()
