"""A separator for the tests that a prompt tells what is wanted: "high" is what lies above 1 kHz, "low" all else.

By one linear-phase filter, so that the two sum to the mix and every number has a witness. Source: none. Code: MIT.
"""

import numpy as np
from scipy.signal import firwin, oaconvolve

from sepkit import config
from sepkit.errors import SepkitError
from sepkit.separators.base import BaseSeparator, Estimates

EDGE_HZ = 1000.0
TAPS = 255

heard_frames: list[int] = []
"""Of every stretch that was separated, since the last `clear`."""


class Options(config.Options):
    """Nothing to set."""


def low(samples, sample_rate):
    """(channels, frames) below the edge, in float64."""
    taps = firwin(TAPS, EDGE_HZ, fs=sample_rate)
    return np.stack([oaconvolve(row.astype(np.float64), taps, mode="same") for row in samples])


class Separator(BaseSeparator):
    prompted = True

    def begin(self, sample_rate):
        self._rate, self.context_s = sample_rate, TAPS / sample_rate

    def ask(self, prompt):
        if prompt not in ("high", "low"):
            raise SepkitError(f"prompt: '{prompt}' names neither high nor low; name one of them")
        self._prompt = prompt

    def separate(self, mix):
        heard_frames.append(mix.samples.shape[1])
        below = low(mix.samples, self._rate).astype(np.float32)
        return Estimates(below if self._prompt == "low" else mix.samples - below)
