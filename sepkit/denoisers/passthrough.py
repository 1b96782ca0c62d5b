"""The denoiser that changes nothing, to show what the rest of the pipeline does by itself.

Source: none needed; no weights.
"""

from __future__ import annotations

from sepkit import config
from sepkit.audio.samples import Samples
from sepkit.denoisers.base import BaseDenoiser


class Options(config.Options):
    """Nothing to set."""


class Denoiser(BaseDenoiser):
    """Gives back what it gets; the contract wants a rate, and 48 kHz holds all that can be heard."""

    sample_rate = 48000

    def denoise(self, samples: Samples, std: float) -> Samples:
        """The samples (channels, frames), as a copy."""
        return samples.copy()
