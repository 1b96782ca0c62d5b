"""SI-SDR inside the windows of an edit, and how much the edit gained of it (SI-SDRi), in dB.

The definition is `si_sdr`'s, without mean removal, over all windows joined: AudioSep's `calculate_sisdr`, but for its
ε of 1e-7, which keeps a perfect estimate finite; here such a one is left open. What is silent says `_inside`.
Source: Le Roux, Wisdom, Erdogan, Hershey, "SDR – half-baked or well done?", ICASSP 2019; Liu et al., "Separate anything
you describe", 2023, https://github.com/Audio-AGI/AudioSep, utils.py.
"""

from __future__ import annotations

from sepkit import config
from sepkit.metrics._inside import ratio_and_gain
from sepkit.metrics.base import BaseMetric, Pair, Score
from sepkit.metrics.si_sdr import si_sdr_db


class Options(config.Options):
    """Nothing to choose."""


class Metric(BaseMetric):
    """SI-SDR and SI-SDRi."""

    about = (
        "Inside the windows: how much stronger the wanted sound is than all that differs from it; the level is free."
    )

    def rows(self) -> tuple[Score, Score]:
        """The ratio, then its gain."""
        return (
            Score("inside_si_sdr", "SI-SDR inside the windows", "dB", "higher"),
            Score("inside_si_sdri", "SI-SDRi inside the windows", "dB", "higher"),
        )

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Over all windows and channels together."""
        return ratio_and_gain(self.rows(), pair, si_sdr_db)
