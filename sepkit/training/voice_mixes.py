"""Mixes of several voices made on the fly: example i depends on the seed and on i alone.

Place: between `voices` and the loop. An example is (mix, targets), (frames,) and (speakers, frames) float32 at 16 kHz.
A target is a voice as the microphone would have heard it alone, room included; one that is not there is silent.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.errors import ConfigError
from sepkit.training import augment
from sepkit.training.augment import Random, Signal
from sepkit.training.corpus import SAMPLE_RATE, Corpus
from sepkit.training.mixes import active_level, gain_to, stretch, window
from sepkit.training.speakers_config import VoiceMixConfig

ALONE_EVERY = 8
"""Of the plain examples, each of this number has one voice alone."""
TRIES = 100
"""Draws of a group, until there are as many different ones as voices."""


class VoiceExample(NamedTuple):
    """See the module's docstring."""

    mix: Signal
    targets: NDArray[np.float32]


class VoiceMixer:
    """Makes examples. plain: all voices from beginning to end at one level and nothing else, for validation."""

    def __init__(self, corpus: Corpus, speakers: int, config: VoiceMixConfig, seed: int, plain: bool) -> None:
        self.corpus, self.speakers, self.config, self.seed, self.plain = corpus, speakers, config, seed, plain
        self.frames = round(config.segment_s * SAMPLE_RATE)

    def example(self, index: int) -> VoiceExample:
        """Example number `index` of this seed."""
        rng = np.random.default_rng((self.seed, index))
        config = self.config.easy() if index < self.config.easy_mixes else self.config
        targets = np.zeros((self.speakers, self.frames), np.float32)
        alone = is_alone(index, self.plain, config, rng)
        count = 1 if alone else self.speakers if self.plain else int(rng.integers(2, self.speakers + 1))
        groups = self._groups(count, rng)
        times = self._times(count, config, rng)
        room = not self.plain and rng.random() < config.reverberate
        for number, (files, time) in enumerate(zip(groups, times, strict=True)):
            voice = self._voice(files, config, rng) * time
            voice = augment.reverberate(voice, rng) if room else voice
            level = active_level(voice)
            over_first_db = rng.uniform(*config.level_db) if number and not self.plain else 0.0
            if level > 0:
                targets[number] = voice * np.float32(10 ** (over_first_db / 20) / level)
        mix = targets.sum(0)
        if not self.plain and "noise" in self.corpus.kinds and rng.random() < config.noise:
            mix = mix + self._noise(active_level(mix), rng)
        gain = gain_to(10 ** (rng.uniform(*config.loudness_dbfs) / 20), mix)
        return VoiceExample(mix * gain, targets * gain)

    def _groups(self, count: int, rng: Random) -> list[list[Path]]:
        """The files of as many different speakers."""
        found: list[list[Path]] = []
        for _ in range(TRIES):
            files = self.corpus.draw_group("speech", rng)
            if files not in found:
                found.append(files)
            if len(found) == count:
                return found
        raise ConfigError(
            f"corpus.shares: {TRIES} draws found {len(found)} speakers, but a mix takes {count}; raise more of them"
        )

    def _times(self, count: int, config: VoiceMixConfig, rng: Random) -> list[Signal]:
        """When each speaks: 1 or 0, (frames,) each. They begin one after another, and overlap by the ratio drawn."""
        if self.plain:
            return [np.ones(self.frames, np.float32)] * count
        ratio = 1.0 if count == 1 or rng.random() < config.full else rng.uniform(*config.overlap)
        size = round(self.frames * (1 + (count - 1) * ratio) / count)
        starts = np.linspace(0, self.frames - size, count).astype(int)
        times = [window(self.frames, start, start + size) for start in rng.permutation(starts)]
        for index in range(count):
            if rng.random() < config.pause:
                pause = min(round(rng.uniform(*config.pause_s) * SAMPLE_RATE), self.frames // 2)
                start = int(rng.integers(0, self.frames - pause + 1))
                times[index] = times[index] * (1 - window(self.frames, start, start + pause))
        return times

    def _voice(self, files: list[Path], config: VoiceMixConfig, rng: Random) -> Signal:
        """A stretch of one speaker's recordings, varied."""
        speed = rng.uniform(*config.speed_range) if not self.plain and rng.random() < config.speed else 1.0
        voice = stretch(self.corpus, files, self.frames, speed, 0.4 if not self.plain else 0.0, rng)
        return augment.equalise(voice, rng) if not self.plain and rng.random() < config.equalise else voice

    def _noise(self, level: float, rng: Random) -> Signal:
        """A stretch of noise, that far below the voices."""
        noise = stretch(self.corpus, self.corpus.draw_group("noise", rng), self.frames, 1.0, 0.0, rng)
        own = active_level(noise)
        wanted = level * 10 ** (-rng.uniform(*self.config.noise_db) / 20)
        return noise * np.float32(wanted / own) if own > 0 else noise


def is_alone(index: int, plain: bool, config: VoiceMixConfig, rng: Random) -> bool:
    """Whether an example has one voice alone."""
    return index % ALONE_EVERY == ALONE_EVERY - 1 if plain else bool(rng.random() < config.alone)
