"""The member that comes with the package: RNNoise's speech, each channel on its own, at 48 kHz.

Source: Valin 2018, https://github.com/xiph/rnnoise, see `sepkit.models.rnnoise`. Code and weights: BSD-3-Clause.
"""

from __future__ import annotations

from sepkit import config
from sepkit.models import rnnoise
from sepkit.models.weights import WeightFile
from sepkit.separators.base import BaseSeparator, Estimates, Mix


class Options(config.Options):
    """RNNoise has nothing to set."""


def catalogue() -> tuple[WeightFile, ...]:
    """Every file of weights that this member can use."""
    return (rnnoise.weight_file(),)


class Separator(BaseSeparator):
    """Speech by RNNoise; the rest is the mix minus it."""

    sample_rate = rnnoise.SAMPLE_RATE
    channels = 1
    context_s = rnnoise.CONTEXT_S
    grid_frames = rnnoise.GRID_FRAMES

    def weights(self) -> tuple[WeightFile, ...]:
        """The library with its weights."""
        return catalogue()

    def load(self, device: str) -> None:
        """Open the library; it runs on the CPU whatever the device."""
        self._network = rnnoise.RNNoise()

    def separate(self, mix: Mix) -> Estimates:
        """Estimate the speech in (1, frames), where it is used."""
        return Estimates(self._network.denoise(mix.samples, mix.place and mix.place.used))
