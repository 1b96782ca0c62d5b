"""Hold back: where nobody speaks, a sound that is turned up does not become louder than it was in the source.

Place in the flow: between the spool and the level, where the gain that speech asks for is known.

Around speech nothing is done, so that the speech keeps one gain. Farther away the gain is the level of the source over
that of the sound, where that is smaller. In between it glides, in dB, over half a second that lies wholly outside. In
pauses what stays well below the speech is left alone: a room must not come and go with every sentence. The limit is
the smallest of half a second, so that a glide between two limits passes neither.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.neighbours import neighbours
from sepkit.audio.samples import Samples

AROUND_S = 0.75
"""Before and after speech: a weak first sound, breaths, the room's answer."""
PAUSE_S = 1.5
"""So far from speech it is a pause, with pauses of up to three seconds."""
BELOW_SPEECH_DB = -20.0
"""As loud as that, against the mean power of the speech, a pause may be."""
GLIDE_S = 0.5
LEVEL_S = 1.0
"""Over which both levels are taken."""
SILENCE = 1e-13
"""−130 dB of full scale."""
NOT_HEARD = 1e-8
"""−80 dB of full scale: what stays below may be louder than in the source."""
NOTHING_DB = 0.1
"""Less is not heard: the whole sound is then left as it is."""


class HoldBack(NamedTuple):
    """How far the gain is held back at the middle of each step: decibels (steps,) ≤ 0, `step_s` apart."""

    decibels: NDArray[np.float32]
    step_s: float

    @classmethod
    def of(
        cls,
        spoken: NDArray[np.bool_],
        power: NDArray[np.float32],
        power_in_source: NDArray[np.float32],
        gain_db: float,
        step_s: float,
    ) -> HoldBack:
        """From what is known of each step: whether someone speaks, and the power of the sound and of its source."""
        level, glide = (max(1, round(each_s / step_s)) for each_s in (LEVEL_S, GLIDE_S))
        around, pause = (_widened(spoken, round(each_s / step_s)) for each_s in (AROUND_S, PAUSE_S))
        there, here = (_mean(np.where(around, 0, each), level) for each in (power_in_source, power))
        speech = power[spoken].mean() if spoken.any() else 0.0
        allowed = np.maximum(there, np.where(pause, speech * 10 ** ((gain_db + BELOW_SPEECH_DB) / 10), 0.0))
        ratio = np.maximum(allowed, NOT_HEARD) / np.maximum(here, SILENCE)
        limit_db = np.minimum(10 * np.log10(ratio) - gain_db, 0.0).astype(np.float32)
        flat = _widened(around, glide // 2 + 1)
        decibels = _mean(np.where(flat, np.float32(0), neighbours(limit_db, glide).min(axis=1)), glide)
        decibels[around | (decibels > -NOTHING_DB)] = 0
        return cls(decibels, step_s)

    @property
    def seconds(self) -> float:
        """For how long the gain is held back."""
        return float(np.count_nonzero(self.decibels) * self.step_s)

    @property
    def most_db(self) -> float:
        """How far at most, 0 or more."""
        return float(-self.decibels.min(initial=0.0))

    def apply(self, block: Samples, start: int, sample_rate: int) -> Samples:
        """The block (channels, frames) that begins at frame `start`, turned down as far as it is held back."""
        at = (np.arange(start, start + block.shape[1]) + 0.5) / (self.step_s * sample_rate) - 0.5
        first, last = max(0, int(at[0])), int(at[-1]) + 2
        steps = self.decibels[first:last]
        if not steps.any():
            return block
        held = np.interp(at - first, np.arange(steps.size), steps)
        return block * np.float32(10) ** (held / 20).astype(np.float32)


def _mean(values: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    """Of each of (steps,) and its neighbours."""
    return np.asarray(neighbours(values, steps).mean(axis=1, dtype=np.float64), np.float32)


def _widened(where: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """True within `steps` of where it was."""
    return np.asarray(neighbours(where, 2 * steps + 1).any(axis=1))
