"""The denoiser that comes with the package: RNNoise, full band at 48 kHz.

Source: Valin 2018, https://github.com/xiph/rnnoise, see `sepkit.models.rnnoise`. Code and weights: BSD-3-Clause.
"""

from __future__ import annotations

from sepkit import config
from sepkit.audio.samples import Samples
from sepkit.denoisers.base import BaseDenoiser
from sepkit.models import rnnoise
from sepkit.models.weights import WeightFile


class Options(config.Options):
    """RNNoise has nothing to set."""


def catalogue() -> tuple[WeightFile, ...]:
    """Every file of weights that this denoiser can use."""
    return (rnnoise.weight_file(),)


class Denoiser(BaseDenoiser):
    """Speech by RNNoise."""

    sample_rate = rnnoise.SAMPLE_RATE
    context_s = rnnoise.CONTEXT_S
    grid_frames = rnnoise.GRID_FRAMES

    def weights(self) -> tuple[WeightFile, ...]:
        """The library with its weights."""
        return catalogue()

    def load(self, device: str) -> None:
        """Open the library; it runs on the CPU whatever the device."""
        self._network = rnnoise.RNNoise()

    def denoise(self, samples: Samples, std: float) -> Samples:
        """Denoise each row of (channels, frames)."""
        return self._network.denoise(samples)
