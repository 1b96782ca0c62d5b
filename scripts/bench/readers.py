"""Readers for the benches of voices: a folder that holds a file a speaker."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sepkit.audio import resample
from sepkit.audio.read import read_audio
from sepkit.audio.samples import Samples
from sepkit.audio.suffixes import READABLE

RATE = 16_000
ALOUD = 0.05
"""Root mean square of every speaker."""


def files(folder: Path) -> list[Path]:
    """Every recording below a folder, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.suffix[1:].lower() in READABLE)


def aloud(path: Path, longest_s: int | None = None) -> Samples:
    """A file at `RATE` and as loud as every other, (frames,); of it the beginning, where that is asked for."""
    audio = read_audio(path) if longest_s is None else read_audio(path, longest_s=longest_s)
    mono = resample.resample(audio.samples.mean(axis=0, keepdims=True), audio.sample_rate, RATE)[0]
    mono = mono if longest_s is None else mono[: longest_s * RATE]
    return np.asarray(mono * np.float32(ALOUD / np.sqrt(np.mean(np.square(mono)))))
