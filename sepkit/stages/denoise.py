"""Denoise: a denoiser at its own rate, mixed in by wet and dry; what it cannot see is carried over.

Place in the flow: after the gate, before the post-mask.

    out = (1 − wet)·x + wet·((1 − dry)·D(x) + dry·x) = x + wet·(1 − dry)·(D(x) − x)

D works on x brought down to its rate, so D(x) − x is taken there and only this difference is brought back up.
On the denoiser's band that is the equation; above it the difference is zero and x stays as it was.
"""

from __future__ import annotations

import numpy as np

from sepkit.audio.resample import resample
from sepkit.audio.samples import Samples
from sepkit.clock import Clock
from sepkit.denoisers.base import BaseDenoiser


def denoise(
    samples: Samples,
    sample_rate: int,
    denoiser: BaseDenoiser,
    wet: float,
    dry: float,
    std: float,
    clock: Clock,
) -> Samples:
    """Denoise (channels, frames) at `sample_rate`, each channel on its own; the shape is kept.

    wet: share of the denoised sound, 0…1. dry: share of the input within it, 0…1.
    std: standard deviation of the whole source's mono mix, handed to the denoiser.
    clock: counts the denoiser's own time apart, as "denoiser".
    """
    seen = resample(samples, sample_rate, denoiser.sample_rate)
    with clock("denoiser"):
        change = denoiser.denoise(seen, std)
    change = change - seen
    change *= np.float32(wet * (1 - dry))
    return samples + resample(change, denoiser.sample_rate, sample_rate, frames=samples.shape[1])
