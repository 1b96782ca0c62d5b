"""Signal-to-noise ratio of the speech, in dB, plain: a change of level counts as noise.

    SNR = 10·log10( P_signal / P_noise ),   signal = s,   noise = ŝ − s

s is the reference, ŝ the mix or the clean file, both over all channels. Of the three ratios this is the
strictest: a clean file brought to another loudness than its reference scores low here and is not touched by
it in SI-SDR and SDR. Source: the textbook definition; equal to the SDR of E. Vincent et al. without an
allowed distortion, see `sdr.py`.
"""

from __future__ import annotations

from sepkit import config
from sepkit.audio.samples import Audio
from sepkit.metrics.base import BaseMetric, Pair, Score, against_reference, energy, ratio_db


class Options(config.Options):
    """Nothing to choose."""


class Metric(BaseMetric):
    """SNR of mix and of clean against the reference."""

    about = "How much stronger the true speech is than all that differs from it; nothing is forgiven."

    def rows(self) -> tuple[Score, ...]:
        """One row."""
        return (Score("snr", "SNR", "dB", "higher"),)

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Over all channels together."""
        return tuple(against_reference(row, pair, snr_db) for row in self.rows())


def snr_db(reference: Audio, estimate: Audio) -> float:
    """The equation above on two signals of one shape."""
    return ratio_db(energy(reference.samples), energy(estimate.samples - reference.samples))
