"""What lies on a stem whose reference is silent: its level relative to the mix, in dB.

    L = max(10·log10( |ŝ|² / |x|² ), −120)

ŝ is the clean file, x the mix. Ratios such as SI-SDR do not exist where nothing is to be there; this says how quiet
it is instead. The floor lies below what 16 bit can hold, and stands for a stem that holds nothing. Source: ours.
"""

from __future__ import annotations

from dataclasses import replace

from sepkit import config
from sepkit.audio.samples import Audio
from sepkit.metrics.base import BaseMetric, Pair, Score, energy, measured, not_measured, ratio_db

FLOOR_DB = -120.0


class Options(config.Options):
    """Nothing to choose."""


class Metric(BaseMetric):
    """The level of the clean file where nothing is to be heard."""

    about = "How loud a stem is that has to be silent, against the mix."

    def rows(self) -> tuple[Score, ...]:
        """One row."""
        return (Score("silent_level", "Level where silence is right", "dB", "lower"),)

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Over all channels together; the mix itself lies at 0 dB."""
        (row,) = self.rows()
        if pair.reference is None:
            return (not_measured(row, "no reference is known (evaluate takes one: --reference)"),)
        if pair.reference.samples.any():
            return (not_measured(row, "the reference is not silent"),)
        if not pair.mix.samples.any():
            return (not_measured(row, "the mix is silent"),)
        row = replace(row, basis=pair.reference_kind)
        return (measured(row, 0.0, level_db(pair.clean, pair.mix), "of the mix; the reference is silent"),)


def level_db(clean: Audio, mix: Audio) -> float:
    """The equation above on two signals of one shape; the mix is not silent."""
    return max(ratio_db(energy(clean.samples), energy(mix.samples)), FLOOR_DB)
