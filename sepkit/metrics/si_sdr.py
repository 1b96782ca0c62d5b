"""Scale-invariant signal-to-distortion ratio of the speech, in dB: a mere change of level is free.

    SI-SDR = 10·log10( |αs|² / |αs − ŝ|² ),   α = ⟨ŝ, s⟩ / |s|²

s is the reference, ŝ the mix or the clean file; one α for all channels together. The mean is not taken out.
Source: Le Roux, Wisdom, Erdogan, Hershey, "SDR – half-baked or well done?", ICASSP 2019,
https://arxiv.org/abs/1811.02508.
"""

from __future__ import annotations

import numpy as np

from sepkit import config
from sepkit.audio.samples import Audio
from sepkit.metrics.base import BaseMetric, Pair, Score, against_reference, energy, ratio_db


class Options(config.Options):
    """Nothing to choose."""


class Metric(BaseMetric):
    """SI-SDR of mix and of clean against the reference."""

    about = "How much stronger the true speech is than all that differs from it; the level is forgiven."

    def rows(self) -> tuple[Score, ...]:
        """One row."""
        return (Score("si_sdr", "SI-SDR", "dB", "higher"),)

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Over all channels together."""
        return tuple(against_reference(row, pair, si_sdr_db) for row in self.rows())


def si_sdr_db(reference: Audio, estimate: Audio) -> float:
    """The equation above on two signals of one shape."""
    s, s_hat = reference.samples, estimate.samples
    alpha = float(np.sum(s_hat * s, dtype=np.float64)) / energy(s)
    target = np.float32(alpha) * s
    return ratio_db(energy(target), energy(target - s_hat))
