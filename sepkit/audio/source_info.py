"""What is known about a source, and which headers are believed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from sepkit.errors import SourceError
from sepkit.files.naming import shown

SAMPLE_BITS = {
    "PCM_S8": 8,
    "PCM_U8": 8,
    "PCM_16": 16,
    "PCM_24": 24,
    "PCM_32": 32,
    "ALAC_16": 16,
    "ALAC_20": 20,
    "ALAC_24": 24,
    "ALAC_32": 32,
    "FLOAT": 32,
    "DOUBLE": 64,
}
"""libsndfile's lossless codings, which can be read in place and which a result keeps."""

BEYOND_FLOAT32 = ("PCM_32", "ALAC_32", "DOUBLE")
"""Those of them with samples that float32 does not hold, whose mantissa has 24 bits."""

SAMPLE_RATES_HZ = range(1_000, 64 * 48_000 + 1)
"""From below any telephone to 1-bit recorders; a header that says otherwise is damaged."""

MAX_CHANNELS = 64
"""Seventh-order ambisonics, (7 + 1)²: the widest layout in use."""


@dataclass(frozen=True)
class SourceInfo:
    """What is known about a source.

    frames: exact. container: libsndfile's major format ("WAV", "FLAC", …) or FFmpeg's ("mov", "matroska").
    subtype: the coding in libsndfile's words, "" for what FFmpeg decodes with loss.
    track: which of the sound tracks it is, from 1; tracks: how many there are. start_s: where its sound starts in the
    file's own time, which begins at `begins_s` of its container's; the silence before it is among the frames. video:
    whether there is a picture beside it. notes: what a person should know, a sentence each.
    salvaged: those of them that say what a salvaged file lacks; its results bear them as a comment.
    """

    path: Path
    sample_rate: int
    channels: int
    frames: int
    container: str
    subtype: str
    lossless: bool
    track: int = 1
    tracks: int = 1
    start_s: float = 0.0
    notes: tuple[str, ...] = ()
    salvaged: tuple[str, ...] = ()
    begins_s: Fraction = Fraction(0)
    video: bool = False

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


def sane(info: SourceInfo) -> SourceInfo:
    """The same info, unless its header claims what no recording has."""
    if info.sample_rate not in SAMPLE_RATES_HZ or info.channels > MAX_CHANNELS:
        raise SourceError(
            f"{shown(info.path)}: its header claims {info.channels} channels at {info.sample_rate} Hz; "
            f"up to {MAX_CHANNELS} at {SAMPLE_RATES_HZ[0]} to {SAMPLE_RATES_HZ[-1]} Hz are read; repair it"
        )
    return info
