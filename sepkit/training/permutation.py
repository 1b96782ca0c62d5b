"""The loss of voices whose order is free: of all orders, the one with the smallest loss counts.

E estimates and targets are compared each with each, which gives (batch, estimates, targets); the mean over a
permutation's pairs is its loss. Each comparison is defined for a silent target.

Sources: permutation invariant training, Yu et al., ICASSP 2017; SI-SDR, Le Roux et al., ICASSP 2019; the thresholded
logarithmic loss, see `losses`; compressed complex masks, Williamson et al., TASLP 2016.
"""

from __future__ import annotations

from itertools import permutations

import torch
from torch import Tensor

from sepkit.training.losses import compressed, waveform_error_db

FFT_FRAMES, HOP_FRAMES = 512, 160
SILENT = 1e-9
"""Energy below which a target is silent."""
MASK_CEILING = 10.0
MASK_SLOPE = 0.1
"""A mask M counts as K·tanh(C·M / 2), K the ceiling and C the slope, part by part."""


def best(pairs: Tensor) -> tuple[Tensor, Tensor]:
    """Of (batch, estimates, targets): the smallest loss (batch,), and which estimate each target has, (batch, targets).

    The sum is taken in float64, so that the order of the targets does not round it otherwise.
    """
    count = pairs.shape[-1]
    orders = torch.tensor(list(permutations(range(count))), device=pairs.device)
    sums = pairs.double()[:, orders, torch.arange(count, device=pairs.device)].mean(-1)  # (batch, orders)
    smallest, which = sums.min(-1)
    return smallest, orders[which]


def chosen(pairs: Tensor, order: Tensor) -> Tensor:
    """The mean of (batch, estimates, targets) over the pairs of an order that `best` gave, (batch,)."""
    return pairs.gather(1, order[:, None]).mean((1, 2))


def ordered(estimates: Tensor, order: Tensor) -> Tensor:
    """Estimates (batch, estimates, frames) in the order of the targets."""
    return estimates.gather(1, order[..., None].expand(-1, -1, estimates.shape[-1]))


def waveform_pairs(estimates: Tensor, targets: Tensor, mix: Tensor, floor_db: float) -> Tensor:
    """The thresholded logarithmic loss in dB: of (batch, voices, frames) twice, and (batch, frames)."""
    return waveform_error_db(estimates[:, :, None], targets[:, None], mix[:, None, None], floor_db)


def si_sdr_pairs(estimates: Tensor, targets: Tensor, mix: Tensor, floor_db: float) -> Tensor:
    """The negative SI-SDR in dB; against a silent target, which has none, the logarithmic loss."""
    e, s = (each - each.mean(-1, keepdim=True) for each in (estimates, targets))
    power = s.square().sum(-1)[:, None]
    factor = (e @ s.transpose(1, 2)) / power.clamp_min(SILENT)
    projected = factor.square() * power
    error = (e[:, :, None] - factor[..., None] * s[:, None]).square().sum(-1)
    silent = (targets.square().sum(-1) < SILENT)[:, None]
    negative = 10 * torch.log10((error + SILENT) / (projected + SILENT))
    return torch.where(silent, waveform_pairs(estimates, targets, mix, floor_db), negative)


def spectrum_pairs(estimates: Tensor, targets: Tensor, mix: Tensor) -> Tensor:
    """The mean square error of compressed spectra, relative to the level of the mix."""
    level = spectra(mix).abs().square().mean((1, 2)).sqrt().clamp_min(1e-6)[:, None, None, None]
    V, S = (compressed(spectra(each) / level) for each in (estimates, targets))
    return _squared(V[:, :, None] - S[:, None])


def mask_pairs(estimates: Tensor, targets: Tensor, mix: Tensor) -> Tensor:
    """The mean square error of compressed complex masks."""
    X = spectra(mix)[:, None]
    floor = X.abs().square().mean((2, 3), keepdim=True) * 1e-6 + 1e-12
    M, ideal = (
        _compressed_mask(spectra(each) * X.conj() / (X.abs().square() + floor)) for each in (estimates, targets)
    )
    return _squared(M[:, :, None] - ideal[:, None])


def spectra(samples: Tensor) -> Tensor:
    """(…, frames) → (…, bins, steps) complex."""
    window = torch.hann_window(FFT_FRAMES, device=samples.device)
    flat = samples.reshape(-1, samples.shape[-1])
    found = torch.stft(flat, FFT_FRAMES, HOP_FRAMES, window=window, pad_mode="constant", return_complex=True)
    return found.reshape(*samples.shape[:-1], *found.shape[1:])


def _compressed_mask(mask: Tensor) -> Tensor:
    parts = (MASK_CEILING * torch.tanh(MASK_SLOPE / 2 * part) for part in (mask.real, mask.imag))
    return torch.complex(*parts)


def _squared(difference: Tensor) -> Tensor:
    """Mean over bins and steps of |·|²."""
    return (difference.real.square() + difference.imag.square()).mean((-2, -1))
