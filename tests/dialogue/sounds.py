"""A separator for the tests: what is below 500 Hz is speech, up to 2 kHz music, above effects; each at a level that it
gets wrong by `keeps`, as networks do, so that they do not sum to the mix.

Source: none. Code: MIT.
"""

import numpy as np
from scipy.signal import firwin, oaconvolve

from sepkit import config
from sepkit.separators.base import BaseSeparator, Estimates

EDGES_HZ = (500.0, 2000.0)
TAPS_S = 1 / 32


class Options(config.Options):
    keeps: float = 1.0


class Separator(BaseSeparator):
    sources = ("speech", "music", "effects")
    context_s = TAPS_S

    def begin(self, sample_rate):
        count = 2 * round(TAPS_S * sample_rate / 2) + 1
        self._taps = [firwin(count, edge_hz, fs=sample_rate) for edge_hz in EDGES_HZ]

    def separate(self, mix):
        low, below = (
            np.stack([oaconvolve(row, taps, mode="same") for row in mix.samples]).astype(np.float32)
            for taps in self._taps
        )
        keeps = np.float32(self.options.keeps)
        found = {"speech": keeps * low, "music": keeps * (below - low), "effects": keeps * (mix.samples - below)}
        return Estimates(found["speech"], None, found)
