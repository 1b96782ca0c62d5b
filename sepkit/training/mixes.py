"""Mixes made on the fly: example i of a run depends on the seed and on i alone, whoever makes it and in which order.

Place: between `corpus` and the loop. An example is (mix, speech), both (frames,) float32 at 16 kHz, and whether singing
counts as speech in it; what is asked of the network is the speech as the microphone would have heard it without the
background, room and line included.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sepkit.training import augment
from sepkit.training.augment import Random, Signal
from sepkit.training.config import MixConfig
from sepkit.training.corpus import SAMPLE_RATE, Corpus

FADE_FRAMES = SAMPLE_RATE // 100
SUNG_ALONE = 0.5
"""Part of the mixes that ask for singing in which someone sings where in others someone speaks."""
ACTIVE_DB = -35.0
"""Blocks of 20 ms this far under the loudest one do not count for a level: a pause does not make speech quiet."""


class Example(NamedTuple):
    """A mix and the speech in it; sung: 1 where singing is asked for too, 0 where it is background."""

    mix: Signal
    speech: Signal
    sung: np.float32


class MixMaker:
    """Makes examples; holds nothing but where the recordings lie, so that it passes to worker processes."""

    def __init__(self, corpus: Corpus, config: MixConfig, seed: int) -> None:
        self.corpus, self.config, self.seed = corpus, config, seed
        self.frames = round(config.segment_s * SAMPLE_RATE)
        shares = {kind: share for kind, share in config.kinds if kind in corpus.kinds and share > 0}
        kinds, weights = list(shares), np.array(list(shares.values()))
        self._kinds, self._weights = kinds, weights / weights.sum()

    def example(self, index: int) -> Example:
        """Example number `index` of this seed."""
        rng, config = np.random.default_rng((self.seed, index)), self.config
        sung = np.float32(np.random.default_rng((self.seed, index, 1)).random() < config.sung_speech)
        draw = rng.random()
        loudness = 10 ** (rng.uniform(*config.loudness_dbfs) / 20)
        speech = background = singing = np.zeros(self.frames, np.float32)
        if draw < config.silence:
            hiss = rng.standard_normal(self.frames).astype(np.float32) * np.float32(10 ** rng.uniform(-6, -3.5))
            return Example(hiss, speech, sung)
        if draw >= config.silence + config.only_background:
            speech = self._speech(rng, "singing" if sung and rng.random() < SUNG_ALONE else "speech")
        if not 0 <= draw - config.silence - config.only_background < config.only_speech:
            background, singing = self._background(rng)
        speech_level, background_level = active_level(speech), active_level(background)
        if speech_level > 0 and background_level > 0:
            wanted = speech_level * 10 ** (-rng.uniform(*config.level_db) / 20)
            scale = np.float32(wanted / background_level)
            background, singing = background * scale, singing * scale
        mix = speech + background
        if sung:
            speech = speech + singing
        gain = gain_to(loudness, mix)
        mix, speech = mix * gain, speech * gain
        if rng.random() < config.clip:
            mix = augment.clip(mix, rng)
        return Example(mix.astype(np.float32), speech.astype(np.float32), sung)

    def _speech(self, rng: Random, kind: str) -> Signal:
        """One speaker or singer; where `partly_speech` says so, only for a part of the time."""
        files = self.corpus.draw_group(kind, rng)
        speech = self._varied(self._stretch(files, rng, pause_s=0.4), rng)
        if rng.random() < self.config.partly_speech:
            start, stop = np.sort(rng.integers(0, self.frames, 2))
            if rng.random() < 0.3:  # a gap within speech, rather than speech within a gap
                speech = speech * (1 - window(self.frames, start, stop))
            else:
                speech = speech * window(self.frames, start, stop)
        return speech

    def _background(self, rng: Random) -> tuple[Signal, Signal]:
        """One to three recordings over each other, and what is sung in them."""
        second, third = self.config.pieces
        draw = rng.random()
        count = 3 if draw < third else 2 if draw < second + third else 1
        total, singing = np.zeros((2, self.frames), np.float32)
        for _ in range(count):
            kind = self._kinds[rng.choice(len(self._kinds), p=self._weights)]
            files = self.corpus.draw_group(kind, rng)
            piece = self._varied(self._stretch(files, rng, pause_s=0.0), rng)
            level = active_level(piece)
            if level > 0:
                piece = piece * np.float32(10 ** (rng.uniform(-8, 0) / 20) / level)
                total += piece
                if kind == "singing":
                    singing += piece
        return total, singing

    def _stretch(self, files: list[Path], rng: Random, pause_s: float) -> Signal:
        """A stretch of a group's files, at another speed with its probability."""
        speed = rng.uniform(*self.config.speed_range) if rng.random() < self.config.speed else 1.0
        return stretch(self.corpus, files, self.frames, speed, pause_s, rng)

    def _varied(self, signal: Signal, rng: Random) -> Signal:
        """Microphone, room and line, each with its probability."""
        config = self.config
        if rng.random() < config.equalise:
            signal = augment.equalise(signal, rng)
        if rng.random() < config.reverberate:
            signal = augment.reverberate(signal, rng)
        if rng.random() < config.band_limit:
            signal = augment.limit_band(signal, rng)
        if rng.random() < config.codec:
            signal = augment.code(signal, rng)
        return signal


def stretch(corpus: Corpus, files: list[Path], frames: int, speed: float, pause_s: float, rng: Random) -> Signal:
    """(frames,) from a random place of a group's files, one after another where one is too short."""
    missing = math.ceil(frames * speed)
    pieces: list[Signal] = []
    for _ in range(40):  # a group of very short files ends in silence
        path = files[rng.integers(len(files))]
        size = corpus.frames(path)
        start = int(rng.integers(0, max(size - missing, 0) + 1))
        piece = corpus.read(path, start, missing)
        pieces.append(_faded(piece))
        pause = int(rng.uniform(0, pause_s) * SAMPLE_RATE)
        pieces.append(np.zeros(min(pause, max(missing - piece.size, 0)), np.float32))
        missing -= piece.size + pieces[-1].size
        if missing <= 0:
            break
    joined = np.concatenate(pieces)
    if speed != 1.0:
        joined = augment.change_speed(joined, speed)
    return np.pad(joined, (0, max(0, frames - joined.size)))[:frames]


def gain_to(loudness: float, mix: Signal) -> np.float32:
    """What brings a mix to this root mean square (full scale 1), or as near as its peak allows."""
    level = float(np.sqrt(np.mean(mix**2)))
    return np.float32(min(loudness / max(level, 1e-9), 0.99 / max(float(np.abs(mix).max()), 1e-9)))


def active_level(signal: Signal) -> float:
    """Root mean square over the blocks of 20 ms that are not pauses; 0 for silence."""
    block = SAMPLE_RATE // 50
    powers = np.square(signal[: signal.size // block * block].reshape(-1, block)).mean(axis=1, dtype=np.float64)
    loudest = powers.max(initial=0)
    return float(np.sqrt(powers[powers >= loudest * 10 ** (ACTIVE_DB / 10)].mean())) if loudest > 0 else 0.0


def _faded(piece: Signal) -> Signal:
    """The ends brought to zero over 10 ms, against clicks."""
    fade = min(FADE_FRAMES, piece.size // 2)
    rise = (np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1)
    piece = piece.copy()
    piece[:fade] *= rise
    piece[piece.size - fade :] *= rise[::-1]
    return piece


def window(frames: int, start: int, stop: int) -> Signal:
    """1 between start and stop, 0 elsewhere, 10 ms of fade inside."""
    inside = np.zeros(frames, np.float32)
    inside[start:stop] = _faded(np.ones(stop - start, np.float32))
    return inside
