"""Mixes of labelled sounds made on the fly, one of them asked for: example i depends on the seed and on i alone.

Place: between `labelled` and the loop. An example is the mix and what is asked for, both (frames,) float32 at 16 kHz;
which label is asked for, (labels,); and which labels are heard when, (labels, tags).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.errors import ConfigError
from sepkit.models.prompted.bands import TAG_FRAMES, tags
from sepkit.training import augment
from sepkit.training.augment import Random, Signal
from sepkit.training.corpus import SAMPLE_RATE, Corpus
from sepkit.training.mixes import active_level, gain_to
from sepkit.training.text_config import SoundMixConfig

HEARD_DB = -30.0
"""A sound counts as heard where it is not so far below its own loudest moment."""
TRIES = 6
"""Stretches that are looked at where one is silent: a tenth of ESC-50 is digital silence."""


class SoundExample(NamedTuple):
    """See the module's docstring."""

    mix: Signal
    target: Signal
    asked: NDArray[np.float32]
    heard: NDArray[np.float32]


class SoundMixer:
    """Makes examples. plain: as they are, two sounds each, for validation; else varied as `config` says."""

    def __init__(
        self,
        corpus: Corpus,
        labels: tuple[str, ...],
        shares: dict[str, float],
        config: SoundMixConfig,
        seed: int,
        plain: bool,
    ) -> None:
        self.corpus, self.labels, self.config, self.seed, self.plain = corpus, labels, config, seed, plain
        self.frames = round(config.segment_s * SAMPLE_RATE)
        weights = np.array([shares.get(label, 1.0) * (label in corpus.kinds) for label in labels])
        self._drawn_from = np.count_nonzero(weights)
        if self._drawn_from < 2:
            raise ConfigError(
                f"labels: a mix takes two, and of those with a share there is sound of {self._drawn_from}; raise their "
                "shares, or name other groups in corpus.validation"
            )
        self._weights = weights / weights.sum()

    def example(self, index: int) -> SoundExample:
        """Example number `index` of this seed."""
        rng, config = np.random.default_rng((self.seed, index)), self.config
        draw, third = (1.0, False) if self.plain else (rng.random(), rng.random() < config.third)
        alone, absent = draw < config.alone, config.alone <= draw < config.alone + config.absent
        count = min(1 if alone else 3 if third or absent else 2, self._drawn_from)
        drawn = rng.choice(len(self.labels), count, replace=False, p=self._weights)
        sounds = [self._sound(self.labels[label], rng) for label in drawn]
        if absent:
            sounds[0] = np.zeros_like(sounds[0])
        target, mix = sounds[0], np.zeros(self.frames, np.float32)
        low, high = (-5.0, 5.0) if self.plain else config.level_db
        reference = active_level(target) or 1.0
        for place, sound in enumerate(sounds):
            level = active_level(sound)
            if place and level > 0:
                sounds[place] = sound * np.float32(reference / level * 10 ** (-rng.uniform(low, high) / 20))
            mix = mix + sounds[place]
        loudness = 10 ** (rng.uniform(*config.loudness_dbfs) / 20)
        gain = gain_to(loudness, mix)
        asked = np.zeros(len(self.labels), np.float32)
        asked[drawn[0]] = 1
        heard = np.zeros((len(self.labels), tags(self.frames)), np.float32)
        for label, sound in zip(drawn, sounds, strict=True):
            heard[label] = np.maximum(heard[label], _active(sound))
        return SoundExample(mix * gain, target * gain, asked, heard)

    def _sound(self, label: str, rng: Random) -> Signal:
        """A stretch of a recording of this label, varied."""
        config, varied = self.config, not self.plain
        speed = rng.uniform(*config.speed_range) if varied and rng.random() < config.speed else 1.0
        wanted = int(np.ceil(self.frames * speed))
        files = self.corpus.draw_group(label, rng)
        path = files[rng.integers(len(files))]
        size = self.corpus.frames(path)
        for _ in range(TRIES):
            piece = self.corpus.read(path, int(rng.integers(0, max(size - wanted, 0) + 1)), wanted)
            if float(np.abs(piece).max(initial=0)) > 1e-3:
                break
        piece = augment.change_speed(piece, speed) if speed != 1.0 else piece
        place = int(rng.integers(0, max(self.frames - piece.size, 0) + 1))
        piece = np.pad(piece, (place, max(0, self.frames - piece.size - place)))[: self.frames]
        if varied and rng.random() < config.equalise:
            piece = augment.equalise(piece, rng)
        if varied and rng.random() < config.reverberate:
            piece = augment.reverberate(piece, rng)
        return piece


def _active(sound: Signal) -> NDArray[np.float32]:
    """1 where a sound is heard, (tags,)."""
    whole = np.pad(sound, (0, tags(sound.size) * TAG_FRAMES - sound.size)).reshape(-1, TAG_FRAMES)
    powers = np.square(whole).mean(1)
    loudest = powers.max(initial=0)
    return np.asarray(powers > max(loudest * 10 ** (HEARD_DB / 10), 1e-12), np.float32)
