"""How little a method changed the mix, in dB: published in places as the SNR of a separation, which it is not.

    10·log10( Σp² / Σ(o − p)² )      o the mix, p what was made of it

Nobody's true speech is in it. It rewards doing nothing: the mix itself is infinitely good, and what comes out louder
is better, since far above the mix's level it tends to 0 dB whatever it is. So no direction is better here; it stands
beside figures that were published by this formula, and decides nothing.

Source: ArtoymRu/vocal-noise.separation, `src/SNR.py`, https://github.com/ArtoymRu/vocal-noise.separation (commit
e030b8c3).
"""

from __future__ import annotations

from sepkit import config
from sepkit.audio.samples import Audio
from sepkit.metrics.base import BaseMetric, Pair, Score, energy, measured, ratio_db


class Options(config.Options):
    """Nothing to choose."""


class Metric(BaseMetric):
    """What was made of the mix against the mix."""

    about = "How little the mix was changed. It rewards doing nothing, and tells nothing of the speech."

    def rows(self) -> tuple[Score, ...]:
        """One row; that more is not better, its label says."""
        return (Score("mix_snr", "SNR against the mix (rewards doing nothing)", "dB", "neither"),)

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Over all channels together; of the mix itself it has no meaning."""
        (row,) = self.rows()
        return (measured(row, None, mix_snr_db(pair.mix, pair.clean), note="against the mix, not the true speech"),)


def mix_snr_db(mix: Audio, made: Audio) -> float:
    """The equation above on two signals of one shape."""
    return ratio_db(energy(made.samples), energy(mix.samples - made.samples))
