"""SDR inside the windows of an edit as AudioSep computes it, and how much the edit gained of it (SDRi), in dB.

    SDR = 10·log10( max(mean s², ε) / max(mean (ŝ − s)², ε) ),   ε = 1e-10

s is the reference, ŝ the mix or the clean file, over all windows joined. Nothing is scaled: turning a mix down gains
3 dB of SDR and nothing of SI-SDR, so that SDRi says little where it stands without SI-SDRi. What is silent says
`_inside`. It is no SDR of BSS Eval (`sdr`).
Source: Liu et al., "Separate anything you describe", 2023, https://github.com/Audio-AGI/AudioSep, utils.py,
`calculate_sdr`.
"""

from __future__ import annotations

from sepkit import config
from sepkit.audio.samples import Audio
from sepkit.metrics._inside import SILENT_POWER, mean_square, ratio_and_gain
from sepkit.metrics.base import BaseMetric, Pair, Score, ratio_db


class Options(config.Options):
    """Nothing to choose."""


class Metric(BaseMetric):
    """SDR and SDRi."""

    about = (
        "Inside the windows: how much stronger the wanted sound is than all that differs from it; nothing is forgiven, "
        "the level neither."
    )

    def rows(self) -> tuple[Score, Score]:
        """The ratio, then its gain."""
        return (
            Score("inside_sdr", "SDR inside the windows", "dB", "higher"),
            Score("inside_sdri", "SDRi inside the windows", "dB", "higher"),
        )

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Over all windows and channels together."""
        return ratio_and_gain(self.rows(), pair, plain_sdr_db)


def plain_sdr_db(reference: Audio, estimate: Audio) -> float:
    """The equation above on two signals of one shape."""
    error = Audio(estimate.samples - reference.samples, reference.sample_rate)
    return ratio_db(*(max(mean_square(audio), SILENT_POWER) for audio in (reference, error)))
