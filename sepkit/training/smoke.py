"""A corpus made of nothing, to run the whole way from folders to weights in a minute: `sepkit train speech --smoke`.

The voices are glottal pulses through moving formants, the music plucked chords, the noise filtered noise. What is
learned from them is worth nothing; that the loss falls shows that every part of the way works.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from sepkit.training.config import CompactConfig, CorpusConfig, MixConfig, TrainConfig
from sepkit.training.corpus import SAMPLE_RATE

SECONDS = 8.0
GROUPS = 6

SMOKE = TrainConfig(
    steps=60,
    batch=4,
    learning_rate=4e-3,
    warm_up_steps=10,
    average=0.9,
    workers=0,
    check_every=30,
    validation_mixes=12,
    precision="float32",
    corpus=CorpusConfig(validation=("*5",)),
    mixes=MixConfig(segment_s=1.5),
    network=CompactConfig(channels=(8, 12, 16), hidden=32, across=32, dilations=(1, 4)),
)


def write_corpus(folder: Path) -> None:
    """Six speakers, six pieces and six noises of eight seconds, below `folder`."""
    for index in range(GROUPS):
        rng = np.random.default_rng(index)
        for kind, make in (("speech", _voice), ("music", _music), ("noise", _noise)):
            path = folder / kind / "made" / f"{kind}{index}" / "take.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            sound = make(rng)
            soundfile.write(path, 0.5 * sound / np.abs(sound).max(), SAMPLE_RATE)


def _times() -> NDArray[np.float64]:
    return np.arange(round(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE


def _voice(rng: np.random.Generator) -> NDArray[np.float64]:
    """Harmonics under two formants that move from syllable to syllable, with pauses."""
    time, rate = _times(), rng.uniform(2.5, 4.5)
    syllable = (time * rate).astype(int)
    vowels = rng.uniform((300, 900), (800, 2400), (syllable[-1] + 1, 2))[syllable]
    pitch = rng.uniform(90, 230) * (1 + 0.15 * np.sin(2 * np.pi * 0.7 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    voice = np.zeros_like(time)
    for harmonic in range(1, 25):
        distance = (harmonic * pitch[:, None] - vowels) / 120
        voice += np.sin(harmonic * phase) * (1 / (1 + distance**2)).sum(1)
    spoken = rng.random(syllable[-1] + 1)[syllable] < 0.8
    envelope = np.sin(np.pi * (time * rate % 1)) ** 0.5
    return np.asarray(voice * spoken * envelope)


def _music(rng: np.random.Generator) -> NDArray[np.float64]:
    """Chords that are struck twice a second and fade."""
    time, music = _times(), np.zeros(round(SECONDS * SAMPLE_RATE))
    for beat in np.arange(0, SECONDS, 0.5):
        since = np.maximum(time - beat, 0)
        for note in rng.choice(24, 3, replace=False):
            hz = 110 * 2 ** (note / 12)
            music += np.where(time >= beat, np.exp(-3 * since), 0) * np.sin(2 * np.pi * hz * since)
    return music


def _noise(rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise that swells, of a random colour."""
    white = rng.standard_normal(round(SECONDS * SAMPLE_RATE))
    coloured = np.convolve(white, rng.uniform(0.1, 1, 8) ** 2, "same")
    return coloured * (1.2 + np.sin(2 * np.pi * rng.uniform(0.1, 1) * _times()))
