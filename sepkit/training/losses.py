"""What the network is taught by: the error of the waveform in dB, and of compressed spectra, each against the mix.

All take batches. Everything is measured relative to the level of the mix, so that quiet and loud examples teach alike,
and an example without speech teaches silence.

Sources: the thresholded logarithmic loss, Wisdom et al., "Unsupervised sound separation using mixture invariant
training", NeurIPS 2020, here against the mix instead of the speech so that it also holds where there is none; the
compressed spectra, Braun & Tashev, "Data augmentation and loss normalization for deep noise suppression", SPECOM 2020.
"""

from __future__ import annotations

import torch
from torch import Tensor

COMPRESSION = 0.3


def waveform_loss(estimate: Tensor, speech: Tensor, mix: Tensor, floor_db: float) -> Tensor:
    """`waveform_error_db` of (batch, frames), mean over the batch."""
    return waveform_error_db(estimate, speech, mix, floor_db).mean()


def waveform_error_db(estimate: Tensor, speech: Tensor, mix: Tensor, floor_db: float) -> Tensor:
    """10 log10((|e|² + τ|x|²) / |x|²) of (…, frames), in dB; τ = −floor_db as a power."""
    error = (estimate - speech).square().sum(-1)
    power = mix.square().sum(-1) + 1e-8
    return 10 * torch.log10(error / power + 10 ** (-floor_db / 10))


def scale_free_loss(estimate: Tensor, target: Tensor, floor_db: float) -> Tensor:
    """10 log10((1 − c² + τ) / (c² + τ)) of (batch, frames), in dB, mean over the batch; c: the cosine between the two.

    Minus the SI-SDR, held within ±floor_db. Where a network cannot tell which sound is meant, `waveform_loss` teaches
    it to be silent; this one, to leave the mix as it is. An example without the target counts as 0 dB.
    """
    power = target.square().sum(-1)
    alike = (estimate * target).sum(-1).square() / (estimate.square().sum(-1) * power).clamp_min(1e-12)
    threshold = 10 ** (-floor_db / 10)
    loss = 10 * torch.log10((1 - alike).clamp_min(0) + threshold) - 10 * torch.log10(alike + threshold)
    return torch.where(power > 1e-9, loss, 0.0).mean()


def spectral_losses(estimate: Tensor, speech: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """Mean square errors of |V|^c and of |V|^c·e^{i∠V}: spectra (batch, bins, steps), level of the mix (batch,)."""
    V, S = (compressed(spectrum / level[:, None, None]) for spectrum in (estimate, speech))
    magnitude = (V.abs() - S.abs()).square().mean()
    difference = V - S
    return magnitude, (difference.real.square() + difference.imag.square()).mean()


def compressed(spectrum: Tensor) -> Tensor:
    """|V|^c·e^{i∠V} of a spectrum of about level 1."""
    power = spectrum.real.square() + spectrum.imag.square() + 1e-6
    return spectrum * power ** ((COMPRESSION - 1) / 2)
