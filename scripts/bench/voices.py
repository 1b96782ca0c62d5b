"""How well voices are told apart by their vectors: `python -m scripts.bench voices --speech DIR`.

DIR holds a file a speaker. Each is known by 5 s; stretches of what comes after have to be nearer to that than to the
5 s of any other speaker: of all pairs, the share that is right.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scripts.bench.measuring import table
from scripts.bench.readers import files
from sepkit.audio import resample
from sepkit.audio.read import read_audio
from sepkit.errors import ConfigError
from sepkit.models.voices import encoder, mel

KNOWN_S, LENGTHS_S = 5.0, (0.5, 1.0, 2.0, 4.0)
MOST_SPEAKERS, MOST_STRETCHES = 60, 6
QUIET_DB, STEP_FRAMES = -24.0, 512
"""Below a file's loud steps: a pause, which is left out."""


def run(folder: Path) -> str:
    """The table."""
    paths = files(folder)
    voices = [voice for path in paths[:: max(1, len(paths) // MOST_SPEAKERS)] if (voice := _said(path)) is not None]
    if len(voices) < 2:
        raise ConfigError(f"--speech: {folder} holds fewer than two files with 9 s of speech; give a file a speaker")
    frames = round(KNOWN_S * mel.SAMPLE_RATE)
    known = np.stack([encoder.voice(said[:frames]) for said in voices])
    rows = []
    for seconds in LENGTHS_S:
        length = round(seconds * mel.SAMPLE_RATE)
        right, own, cross = [], [], []
        for index, said in enumerate(voices):
            for start in range(frames, min(said.size - length, frames + MOST_STRETCHES * length), length):
                near = known @ encoder.voice(said[start : start + length])
                others = np.delete(near, index)
                right.append(float(np.mean(near[index] > others)))
                own.append(float(near[index]))
                cross += others.tolist()
        low, high = np.quantile(own, 0.01), np.quantile(cross, 0.95)
        rows.append((f"{seconds:g}", f"{100 * np.mean(right):.2f}", len(right), f"{low:.2f}", f"{high:.2f}"))
    head = ["s", "% right of two", "stretches", "own, 1 of 100 below", "others, 1 of 20 above"]
    return f"{len(voices)} speakers of {folder.name}\n\n{table(head, rows)}"


def _said(path: Path) -> NDArray[np.float32] | None:
    """Of a file, what is no pause; None where that is under 9 s."""
    audio = read_audio(path)
    mono = resample.resample(audio.samples.mean(axis=0, keepdims=True), audio.sample_rate, mel.SAMPLE_RATE)[0]
    steps = mono[: mono.size // STEP_FRAMES * STEP_FRAMES].reshape(-1, STEP_FRAMES)
    power = np.square(steps).mean(axis=1)
    said = steps[power > np.quantile(power, 0.95) * 10 ** (QUIET_DB / 10)].ravel()
    return said if said.size >= 9 * mel.SAMPLE_RATE else None
