"""What a network hears of spectra.

Place: below the networks that work on them.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SAMPLE_RATE = 16000
COMPRESSION = 0.4
"""Exponent of magnitudes in the features."""
SILENCE = 1e-9
"""Level (of full scale 1) below which a step is not amplified further; −180 dBFS."""


def local_level(X: Tensor, steps: int) -> Tensor:
    """Root of the mean power of (batch, bins, …) within `steps` to either side: (batch, 1, …), never 0."""
    power = (X.real.square() + X.imag.square()).mean(1, keepdim=True)
    around = functional.avg_pool1d(power, 2 * steps + 1, 1, steps, count_include_pad=False)
    return around.sqrt().clamp_min(SILENCE)


def compressed(X: Tensor) -> Tensor:
    """(batch, bins, steps) → (batch, 3, bins, steps): real and imaginary part and magnitude, |X| become |X|^0.4."""
    # |X|^c has an endless slope at 0, and X / |X| no value there: a little is added.
    magnitude = (X.real.square() + X.imag.square() + 1e-8).sqrt()
    found = magnitude**COMPRESSION
    share = found / magnitude
    return torch.stack([X.real * share, X.imag * share, found], 1)
