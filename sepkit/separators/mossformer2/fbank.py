"""What MossFormer2_SE_48K hears: the logarithms of 60 mel bands, their slope over time, and that slope's slope.

A step is a frame of 1920 samples as 16-bit numbers, without its mean, sharpened (x_i − 0.97·x_{i−1}), under Hamming's
window. Faint noise is added to each first, as Kaldi does, so that digital silence has bands that are not −∞; upstream
draws it anew each time, and here it is the same in each segment, so that a run can be repeated.

Source: Kaldi's `feature-fbank`, https://kaldi-asr.org/doc/feat.html; D. Povey et al., "The Kaldi Speech Recognition
Toolkit", 2011. Mel(f) = 1127·ln(1 + f/700) and triangles of equal width in it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SAMPLE_RATE = 48000
FRAME, HOP = 1920, 384
FFT_FRAMES = 2048
"""The next power of two."""
BANDS = 60
LOWEST_HZ = 20.0
SHARPENED = 0.97
FULL_SCALE = 32768.0
SLOPE = (-0.2, -0.1, 0.0, 0.1, 0.2)
"""The regression over five steps, n / Σn²."""


def window() -> Tensor:
    """Hamming's, which ends as it begins."""
    return torch.hamming_window(FRAME, periodic=False)


def bands() -> Tensor:
    """How much of each bin each band has, (bins, bands)."""
    bins_hz = torch.arange(FFT_FRAMES // 2 + 1, dtype=torch.float64) * SAMPLE_RATE / FFT_FRAMES
    lowest, highest = _mel(torch.tensor([LOWEST_HZ, SAMPLE_RATE / 2], dtype=torch.float64))
    width = (highest - lowest) / (BANDS + 1)
    centres = lowest + width * torch.arange(1, BANDS + 1)
    share = 1 - (_mel(bins_hz)[:, None] - centres).abs() / width
    share[-1] = 0  # Kaldi leaves out the highest bin
    kept: Tensor = share.clamp_min(0).float()
    return kept


def _mel(f_hz: Tensor) -> Tensor:
    mel: Tensor = 1127.0 * torch.log1p(f_hz / 700.0)
    return mel


def features(sound: Tensor, window: Tensor, bands: Tensor, seed: int = 0) -> Tensor:
    """(batch, frames) → (batch, steps, 3 · bands), of the steps that lie wholly within."""
    steps = sound.unfold(-1, FRAME, HOP) * FULL_SCALE
    noise = torch.randn(steps.shape[1:], generator=torch.Generator().manual_seed(seed))
    steps = steps + noise.to(sound.device)
    steps = steps - steps.mean(-1, keepdim=True)
    before = functional.pad(steps, (1, 0), mode="replicate")[..., :-1]
    X = torch.fft.rfft((steps - SHARPENED * before) * window, FFT_FRAMES)
    floor = torch.finfo(torch.float32).eps
    found = (X.abs().square() @ bands).clamp_min(floor).log()
    slope = slopes(found)
    return torch.cat([found, slope, slopes(slope)], -1)


def slopes(x: Tensor) -> Tensor:
    """How each of (batch, steps, bands) grows from step to step."""
    around = functional.pad(x.transpose(1, 2), (2, 2), mode="replicate")
    rule = torch.tensor(SLOPE, device=x.device, dtype=x.dtype)
    found: Tensor = around.unfold(-1, len(SLOPE), 1) @ rule
    return found.transpose(1, 2)
