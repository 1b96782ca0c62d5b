"""What the network hears: spectra of 20 ms, loudness in ERB bands, unit-norm complex bins; and how they normalise.

Place: below `network`. At 48 kHz a step is 10 ms. All of this is the original's, to the sample:

    E(t, b) = 10·log10(mean |X|² over band b + 1e-10),   fed as (E − Ē) / 40
    U(t, f) = X(t, f) / √|X̄|(t, f)                       for the lowest 96 bins

Ē and |X̄| are running means, m(t) = 0.99·m(t − 1) + 0.01·x(t), which begin at straight lines over the bands or bins.

Source: Schröter et al., "DeepFilterNet: Perceptually Motivated Real-Time Speech Enhancement", INTERSPEECH 2023, and
https://github.com/Rikorose/DeepFilterNet (MIT or Apache-2.0); its features, here over whole stretches at a time.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

SAMPLE_RATE = 48000
FFT_FRAMES = 960
HOP_FRAMES = 480
BINS = FFT_FRAMES // 2 + 1
BANDS = 32
LEAST_BINS = 2
"""Of a band."""
FILTERED_BINS = 96
"""The lowest bins, to 4.8 kHz, get complex taps; those above a gain a band."""
KEEP = 0.99
"""Part of a running mean that stays from step to step: a time constant of a second."""
FLOOR = 1e-10
SCALE_DB = 40.0
FIRST_BAND_DB = (-60.0, -90.0)
FIRST_BIN = (1e-3, 1e-4)
"""Where the running means begin, from the lowest band or bin to the highest."""
BLOCK_STEPS = 256
"""Of a running mean, computed at a time."""


def band_widths() -> list[int]:
    """Bins of each band: equally wide on the ERB scale, at least two bins each.

    The scale: 9.265·ln(1 + f / (24.7·9.265)), Glasberg & Moore 1990.
    """
    quality, narrowest_hz = 9.265, 24.7
    step = quality * math.log1p(SAMPLE_RATE / 2 / (narrowest_hz * quality)) / BANDS
    widths, edge, owed = [], 0, 0
    for band in range(1, BANDS + 1):
        upper_hz = narrowest_hz * quality * math.expm1(band * step / quality)
        upper = math.floor(upper_hz / (SAMPLE_RATE / FFT_FRAMES) + 0.5)
        width = upper - edge - owed
        owed = max(0, LEAST_BINS - width)
        widths.append(max(width, LEAST_BINS))
        edge = upper
    widths[-1] += BINS - sum(widths)
    return widths


def window() -> Tensor:
    """Vorbis' power-complementary window."""
    sine = torch.sin(math.pi * (torch.arange(FFT_FRAMES, dtype=torch.float64) + 0.5) / FFT_FRAMES)
    return torch.sin(math.pi / 2 * sine.square()).float()


def analyse(samples: Tensor, window: Tensor) -> Tensor:
    """(batch, frames) → (batch, steps, bins), complex; step i ends with frame (i + 1)·hop.

    Before the first frame lie zeros. Frames that fill no step are left out.
    """
    padded = functional.pad(samples, (HOP_FRAMES, 0))
    spectrum: Tensor = torch.fft.rfft(padded.unfold(-1, FFT_FRAMES, HOP_FRAMES) * window) / FFT_FRAMES
    return spectrum


def synthesise(spectrum: Tensor, window: Tensor) -> Tensor:
    """(batch, steps, bins) → (batch, steps·hop): frame 0 is that of `analyse`; the last hop is not finished."""
    pieces = torch.fft.irfft(spectrum, FFT_FRAMES) * (window * FFT_FRAMES)
    first, second = pieces[..., :HOP_FRAMES], pieces[..., HOP_FRAMES:]
    overlapped: Tensor = second + functional.pad(first[:, 1:], (0, 0, 0, 1))
    return overlapped.flatten(1)


def running_mean(x: Tensor, before: Tensor) -> Tensor:
    """m(t) = 0.99·m(t − 1) + 0.01·x(t) along the steps of (batch, steps, …); before: m(−1), (batch, …)."""
    powers = KEEP ** torch.arange(BLOCK_STEPS + 1, dtype=torch.float64)
    lags = torch.arange(BLOCK_STEPS)[:, None] - torch.arange(BLOCK_STEPS)
    weights = torch.where(lags >= 0, (1 - KEEP) * powers[lags.clamp_min(0)], 0.0).to(x)
    decay = powers[1:].to(x)
    means = []
    for block in torch.split(x, BLOCK_STEPS, dim=1):
        steps = block.shape[1]
        mean = torch.einsum("st,bt...->bs...", weights[:steps, :steps], block)
        mean = mean + torch.einsum("s,b...->bs...", decay[:steps], before)
        before = mean[:, -1]
        means.append(mean)
    return torch.cat(means, dim=1)


def first_means(batch: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Where the running means of bands and bins begin: (batch, bands) in dB and (batch, filtered bins)."""
    bands = torch.linspace(*FIRST_BAND_DB, BANDS, device=device)
    bins = torch.linspace(*FIRST_BIN, FILTERED_BINS, device=device)
    return bands.expand(batch, -1), bins.expand(batch, -1)


def features(
    spectrum: Tensor, widths: list[int], means: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Of (batch, steps, bins): bands (batch, 1, steps, 32), bins (batch, 2, steps, 96), and both
    means after each step, (batch, steps, …)."""
    power = spectrum.real.square() + spectrum.imag.square()
    bands = torch.stack([band.mean(-1) for band in torch.split(power, widths, dim=-1)], -1)
    loudness_db = 10 * torch.log10(bands + FLOOR)
    mean_db = running_mean(loudness_db, means[0])
    low = spectrum[..., :FILTERED_BINS]
    mean_low = running_mean(power[..., :FILTERED_BINS].sqrt(), means[1])
    unit = low / mean_low.clamp_min(1e-12).sqrt()
    heard = ((loudness_db - mean_db) / SCALE_DB)[:, None]
    return heard, torch.stack([unit.real, unit.imag], 1), (mean_db, mean_low)
