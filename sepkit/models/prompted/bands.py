"""What the network hears: the loudness of 128 bands, and how its gains come back to the bins.

Bands are triangles, one bin apart at the bottom and a growing number of bins further up, so that the gains of all bands
together are 1 where each is. A band's loudness stands against the mean of the sound around it, 1 s to either side: a
louder recording is the same to the network.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

SAMPLE_RATE = 16000
FFT_FRAMES = 1024
HOP_FRAMES = 256
BINS = FFT_FRAMES // 2 + 1
BANDS = 128
STEPS_A_TAG = 4
"""Steps that the innermost level takes together."""
TAG_FRAMES = STEPS_A_TAG * HOP_FRAMES
LEVEL_STEPS = 62
"""To either side, 1 s."""
FLOOR_DB = -60.0
"""Against the sound around; what lies lower counts as this."""
SCALE_DB = 20.0
SILENCE = 1e-10
"""Mean power of a bin."""


@cache
def centres() -> tuple[float, ...]:
    """Of the bands, in bins: the smallest growth that reaches the last bin with no two of them closer than one bin."""
    low, high = 1.0, 1.1
    for _ in range(60):
        growth = (low + high) / 2
        if _centres(growth)[-1] < BINS - 1:
            low = growth
        else:
            high = growth
    return (*_centres(high)[:-1], float(BINS - 1))


def _centres(growth: float) -> list[float]:
    steps = np.maximum(1.0, growth ** np.arange(BANDS - 1) * growth ** -(BANDS // 4))
    return [0.0, *np.cumsum(steps).tolist()]


def spreading() -> Tensor:
    """(bands, bins): what each band gives to each bin; the sum over bands is 1."""
    bins = np.arange(BINS)
    return torch.from_numpy(np.stack([np.interp(bins, centres(), row) for row in np.eye(BANDS)])).float()


def gathering() -> Tensor:
    """(bands, bins): the mean over a band's bins."""
    weights = spreading()
    return weights / weights.sum(1, keepdim=True)


def tags(frames: int, factor: int = 1) -> int:
    """How many a stretch of so many frames at `factor` times 16 kHz has."""
    return -(-frames // (TAG_FRAMES * factor)) + 1


def analyse(samples: Tensor, factor: int = 1) -> Tensor:
    """(batch, frames) at `factor` times 16 kHz → (batch, bins, steps): 513 bins to 8 kHz, and on from there.

    The steps are those of `tags` whole tags, of which the last is silence.
    """
    frames = samples.shape[-1]
    samples = functional.pad(samples, (0, tags(frames, factor) * TAG_FRAMES * factor - frames))
    size, hop = factor * FFT_FRAMES, factor * HOP_FRAMES
    return torch.stft(samples, size, hop, window=_window(size, samples.device), return_complex=True)[..., :-1]


def synthesise(V: Tensor, frames: int, factor: int = 1) -> Tensor:
    """The way back from `analyse`."""
    V, size, hop = functional.pad(V, (0, 1)), factor * FFT_FRAMES, factor * HOP_FRAMES
    return torch.istft(V, size, hop, window=_window(size, V.device), length=hop * (V.shape[-1] - 1))[..., :frames]


def _window(size: int, device: torch.device) -> Tensor:
    return torch.hann_window(size, device=device)


def features(X: Tensor, gathering: Tensor) -> Tensor:
    """(batch, bins, steps) → (batch, 2, bands, steps): loudness, and the sound's around it, in 20 dB."""
    power = X.real.square() + X.imag.square()
    loudness = torch.einsum("bft,cf->bct", power, gathering)
    whole = loudness.mean(1, keepdim=True)
    count = torch.ones_like(whole)
    around = _moving(whole) / _moving(count)
    below = 10 * torch.log10(loudness / (around + SILENCE) + 10 ** (FLOOR_DB / 10))
    swell = 10 * torch.log10(whole / (around + SILENCE) + 10 ** (FLOOR_DB / 10))
    return torch.stack([below / SCALE_DB, (swell / SCALE_DB).expand_as(below)], 1)


def _moving(x: Tensor) -> Tensor:
    """The sum over `LEVEL_STEPS` to either side."""
    return functional.avg_pool1d(x, 2 * LEVEL_STEPS + 1, 1, LEVEL_STEPS) * (2 * LEVEL_STEPS + 1)
