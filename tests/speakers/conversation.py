"""Conversations whose voices are known: the pilot's two readers, turn by turn."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import librosa
import numpy as np
import soundfile

from sepkit.audio.read import read_audio

ROOT = Path(__file__).parents[2]
ORACLE = ROOT / "scripts" / "bench" / "oracle"
RATE = 16_000
SPANS_S = (((2.3, 7.8), (14.6, 17.1)), ((8.9, 13.5), (17.6, 22.5)), ((2.3, 7.8), (14.6, 17.1)))
"""Where the pilot's two readers speak (data/pilot/README.md). A third is the first, played faster."""
SPEEDS = (1.0, 1.0, 1.35)


@cache
def speech(person: int) -> np.ndarray:
    """Of a person, (frames,)."""
    pilot = read_audio(ROOT / "data" / "pilot" / "speech.wav")
    spans = [slice(*(round(time_s * pilot.sample_rate) for time_s in span)) for span in SPANS_S[person]]
    said = np.concatenate([pilot.samples[0, span] for span in spans])
    changed = librosa.resample(said, orig_sr=pilot.sample_rate * SPEEDS[person], target_sr=RATE)
    return np.asarray(0.1 * changed / np.sqrt(np.mean(changed**2)), np.float32)


def truth(turns: Sequence[tuple[int, float, float]], seconds: float, people: int = 2) -> np.ndarray:
    """(people, frames): who (from 0) speaks from when and for how long."""
    found = np.zeros((people, round(seconds * RATE)), np.float32)
    said = [0] * people
    for person, start_s, length_s in turns:
        start, frames = round(start_s * RATE), round(length_s * RATE)
        found[person, start : start + frames] = np.take(
            speech(person), range(said[person], said[person] + frames), mode="wrap"
        )
        said[person] += frames
    return found


def lay(folder: Path, voices: np.ndarray, name: str = "talk.wav", subtype: str = "PCM_16") -> tuple[Path, Path]:
    """Mix and configuration: the oracle's truth is as the mix holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.truth" for _ in voices]
    for index, voice in enumerate(voices):
        paths[index] = folder / f"truth_{index}.wav"
        soundfile.write(paths[index], voice.T if voice.ndim > 1 else voice, RATE, subtype="FLOAT")
    mix = folder / "in" / name
    mix.parent.mkdir(exist_ok=True)
    whole = voices.sum(axis=0)
    soundfile.write(mix, whole.T if whole.ndim > 1 else whole, RATE, subtype=subtype)
    config = folder / "speakers.yaml"
    config.write_text(
        f"""
task: speakers
members: [{{separator: oracle_voices, options: {{truth: [{", ".join(map(str, paths))}]}}}}]
windows: {{body_s: 7.5}}
"""
    )
    return mix, config


def sepkit(*arguments: object, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """The command, with the oracle among its separators."""
    code = (
        f"import sepkit.separators as room; room.__path__.append({str(ORACLE)!r}); from sepkit.cli import main; main()"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, input=given)


def owners(voices: np.ndarray, stems: np.ndarray) -> list[set[int]]:
    """For each true voice, the stems that hold it: those with the larger part of it in some tenth of a second.

    voices, stems: (…, frames). A tenth that is 40 dB below the voice is left out.
    """
    step = RATE // 10
    frames = voices.shape[1] // step * step
    found = []
    for voice in voices:
        parts = voice[:frames].reshape(-1, step)
        energy = (parts**2).sum(axis=1)
        alike = np.stack([(parts * stem[:frames].reshape(-1, step)).sum(axis=1) for stem in stems])
        found.append(set(alike.argmax(axis=0)[energy > 1e-4 * energy.max()].tolist()) if energy.any() else set())
    return found
