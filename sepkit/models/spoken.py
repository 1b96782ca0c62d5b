"""In which steps of a recording someone speaks: heard on the recording and on what was made of it.

    recording ─┐ one channel at 16 kHz ─ steps of 32 ms ─ probability of speech, power ─┐
    result ────┘                                                                        ┴ rule ─ spoken

What members leave of music can sound like speech, and speech under loud music does not. So a step is spoken where the
result sounds like speech for about half a second, and where besides either the recording sounds like it too or the
result keeps a good part of the recording's power. Source: ours, over Silero VAD (`voice_activity`). With the pilot's
members, 400 s of music alone, on which the thresholds were set, give under 0.1 s of speech, where the result by itself
gives 31 s. Under music that is 10 dB louder nearly half of the speech is missed, in one of twelve files nearly all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.neighbours import neighbours
from sepkit.audio.samples import Samples, heard_weights
from sepkit.models import voice_activity
from sepkit.models.voice_activity import STEP_S

BLOCK_S = 250 * STEP_S
"""Heard at a time: whole steps, and a whole number of frames at every whole rate."""
PROBABILITY = 0.5
"""As Silero's own spans."""
SOUNDS_LIKE_STEPS = 15
"""About half a second, over which the result's probability is averaged: what music leaves sounds like speech now and
then, not for long."""
KEPT_DB = -10.0
"""Of the recording's power: music leaves less. Speech that keeps no more lies 10 dB under what is beside it."""
KEPT_STEPS = 31
"""About a second, over which both powers are averaged."""
SILENCE = 1e-13
"""−130 dB of full scale."""


class Spoken(NamedTuple):
    """Of each step of `STEP_S`, (steps,): whether someone speaks, in the result and in the recording heard alone;
    their power.
    """

    spoken: NDArray[np.bool_]
    before: NDArray[np.bool_]
    power: NDArray[np.float32]
    power_before: NDArray[np.float32]

    def seconds(self) -> float:
        """How long someone speaks."""
        return float(np.count_nonzero(self.spoken) * STEP_S)

    def spans(self, sample_rate: int) -> list[tuple[int, int]]:
        """Where someone speaks, as (start, stop) in frames at `sample_rate`."""
        edges = np.flatnonzero(np.diff(self.spoken.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
        return [(int(start * STEP_S * sample_rate), int(stop * STEP_S * sample_rate)) for start, stop in edges]


class Listener:
    """Hears a recording and its result side by side, however they are cut. Keeps 16 bytes per step of 32 ms."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._sample_rate = sample_rate
        self._down = heard_weights(channels)
        self._block_frames = round(BLOCK_S * sample_rate)
        self._waiting: Samples = np.zeros((2, 0), np.float32)
        self._detectors = voice_activity.Detector(), voice_activity.Detector()
        self._probabilities: list[NDArray[np.float32]] = []
        self._powers: list[NDArray[np.float32]] = []

    def add(self, mix: Samples, result: Samples) -> None:
        """Hear the next frames of both, each (channels, frames)."""
        self._waiting = np.concatenate([self._waiting, np.stack([self._down @ mix, self._down @ result])], axis=1)
        while self._waiting.shape[1] >= self._block_frames:
            self._hear(self._waiting[:, : self._block_frames])
            self._waiting = self._waiting[:, self._block_frames :]

    def spoken(self) -> Spoken:
        """Of all that was heard; nothing more can be heard afterwards."""
        if self._waiting.shape[1]:
            self._hear(self._waiting)
            self._waiting = self._waiting[:, :0]
        before, likely = np.concatenate([np.zeros((2, 0), np.float32), *self._probabilities], axis=1)
        power_before, power = np.concatenate([np.zeros((2, 0), np.float32), *self._powers], axis=1)
        kept, of = (np.maximum(_mean(each, KEPT_STEPS), SILENCE) for each in (power, power_before))
        sounds_like = _mean(likely, SOUNDS_LIKE_STEPS) >= PROBABILITY
        spoken = sounds_like & ((before >= PROBABILITY) | (kept >= of * 10 ** (KEPT_DB / 10)))
        return Spoken(spoken, before >= PROBABILITY, power, power_before)

    def _hear(self, block: Samples) -> None:
        """A block (2, frames) of the grid, or the last."""
        steps = voice_activity.in_steps(block, self._sample_rate)
        self._probabilities.append(np.stack([each.hear(row) for each, row in zip(self._detectors, steps, strict=True)]))
        self._powers.append(np.square(steps).mean(axis=2))


def _mean(values: NDArray[np.float32], steps: int) -> NDArray[np.float64]:
    """Of each of (steps,) and its neighbours."""
    return np.asarray(neighbours(values, steps).mean(axis=1, dtype=np.float64))
