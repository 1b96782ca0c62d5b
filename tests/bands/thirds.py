"""A separator for the tests: low, middle and high frequencies, by linear-phase filters whose outputs sum to the mix.

Source: none. Code: MIT.
"""

import numpy as np
from scipy.signal import firwin, oaconvolve

from sepkit import config
from sepkit.separators.base import BaseSeparator, Estimates

EDGES_HZ = (500.0, 2000.0)
TAPS = 255


class Options(config.Options):
    """Nothing to set."""


class Separator(BaseSeparator):
    sources = ("low", "middle", "high")

    def begin(self, sample_rate):
        self.context_s = TAPS / sample_rate
        self._taps = [firwin(TAPS, edge_hz, fs=sample_rate) for edge_hz in EDGES_HZ]

    def separate(self, mix):
        low, below = (
            np.stack([oaconvolve(row, taps, mode="same") for row in mix.samples]).astype(np.float32)
            for taps in self._taps
        )
        return Estimates(low, None, {"low": low, "middle": below - low, "high": mix.samples - below})
