"""Excerpts of recordings for mixes: groups in turn, from any place, passing over what is all but silent.

`scripts.make_mixes` draws with it, and cuts what a manifest names.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scripts.mixes.manifest import Excerpt
from sepkit.audio import resample
from sepkit.audio.read import read_audio
from sepkit.errors import ConfigError, SourceError
from sepkit.training.corpus import SAMPLE_RATE, Recording
from sepkit.training.mixes import ACTIVE_DB, active_level

Signal = NDArray[np.float32]
"""An array (frames,) at SAMPLE_RATE, full scale ±1."""

EXCERPT_S = 8.0
START_STEP_S = 0.01
FADE_FRAMES = SAMPLE_RATE // 100
LEAST_HEARD = 0.5
"""Part of a drawn excerpt of speech or music in which there must be sound, and …"""
FAINTEST_DB = -20.0
"""… how far its level may lie below its recording's."""
MOST_TRIES = 50


class Deck:
    """The groups of one source; each comes once before any comes again."""

    def __init__(self, recordings: Iterable[Recording], rng: np.random.Generator, excerpt_s: float = EXCERPT_S) -> None:
        groups: dict[str, list[Recording]] = {}
        for recording in recordings:
            groups.setdefault(recording.group, []).append(recording)
        self._groups = [groups[group] for group in sorted(groups)]
        self._rng, self._order, self._frames = rng, list[int](), round(excerpt_s * SAMPLE_RATE)

    def draw(self) -> Excerpt:
        """An excerpt from any place of any recording of the next group, passing over what is all but silent."""
        if not self._order:
            self._order = self._rng.permutation(len(self._groups)).tolist()
        recordings = self._groups[self._order.pop()]
        excerpt = None
        for _ in range(MOST_TRIES):
            recording = recordings[self._rng.integers(len(recordings))]
            sound = read(recording.path)
            room = max(0, sound.size - self._frames) // round(START_STEP_S * SAMPLE_RATE)
            excerpt = Excerpt(recording.name, round(int(self._rng.integers(room + 1)) * START_STEP_S, 2))
            if recording.kind not in ("speech", "music") or is_heard(cut(sound, excerpt.start_s, self._frames), sound):
                break
        assert excerpt is not None
        return excerpt


def is_heard(excerpt: Signal, recording: Signal) -> bool:
    """Whether an excerpt holds sound for `LEAST_HEARD` of the time, and about as loud as the rest of its recording."""
    level = active_level(excerpt)
    block = SAMPLE_RATE // 50
    powers = np.square(excerpt[: excerpt.size // block * block].reshape(-1, block)).mean(axis=1, dtype=np.float64)
    heard = powers >= powers.max() * 10 ** (ACTIVE_DB / 10)
    faintest = active_level(recording) * 10 ** (FAINTEST_DB / 20)
    return bool(level > 0 and level >= faintest and heard.mean() >= LEAST_HEARD)


@lru_cache(maxsize=256)
def read(path: Path) -> Signal:
    """A whole recording as mono at SAMPLE_RATE."""
    audio = read_audio(path)
    sound: Signal = resample.resample(audio.mono(), audio.sample_rate, SAMPLE_RATE)[0]
    return sound


def length_s(path: Path) -> float:
    """How long a recording lasts; 0 if it cannot be read whole, so that it is not drawn."""
    try:
        return read(path).size / SAMPLE_RATE
    except SourceError:
        return 0.0


def cut(sound: Signal, start_s: float, frames: int = round(EXCERPT_S * SAMPLE_RATE)) -> Signal:
    """`frames` frames from `start_s` on, faded over 10 ms at both ends; from the start again where it is too short."""
    piece = sound[round(start_s * SAMPLE_RATE) :][:frames].copy()
    if not piece.size:
        raise ConfigError(f"an excerpt begins at {start_s:g} s, its recording ends at {sound.size / SAMPLE_RATE:g} s")
    fade = min(FADE_FRAMES, piece.size // 2)
    ramp = (np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1)
    piece[:fade] *= ramp
    piece[piece.size - fade :] *= ramp[::-1]
    return np.resize(piece, frames)
