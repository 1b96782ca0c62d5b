"""From 16 kHz to 48 kHz for networks that hear all of the band: as it is, or with a band above 8 kHz made up.

Recordings to train on end at 8 kHz. A network that only ever hears such sound learns that nothing lies above, and then
that whatever does is no speech. So a part of the mixes gets a band above, folded up from 4 to 8 kHz and back again,
lower by a random amount and slope, of speech and background each on its own.

Source: spectral folding, Makhoul & Berouti, "High-frequency regeneration in speech coding systems", ICASSP 1979.
"""

from __future__ import annotations

import torch
from torch import Tensor

FACTOR = 3
DROP_DB = (0.0, 20.0)
"""Of the band above, where it begins."""
SLOPE_DB = (6.0, 30.0)
"""And for every octave."""


def raised(samples: Tensor, gain: Tensor | None = None) -> Tensor:
    """(batch, frames) at 16 kHz → (batch, 3·frames) at 48 kHz, nothing above 8 kHz.

    gain: of the folded band, (batch, frames) for as many bins above 8 kHz; None: nothing lies there.
    """
    frames = samples.shape[-1]
    spectrum = torch.fft.rfft(samples)
    full = torch.zeros(len(samples), FACTOR * frames // 2 + 1, dtype=spectrum.dtype, device=samples.device)
    full[:, : spectrum.shape[1]] = spectrum
    if gain is not None:
        edge = frames // 2
        full[:, edge : edge + frames] = folded(spectrum, frames) * gain
    result: Tensor = torch.fft.irfft(full * FACTOR, FACTOR * frames)
    return result


def folded(spectrum: Tensor, bins: int) -> Tensor:
    """The upper half of (batch, n) down, up, down …: (batch, bins), to lie above it."""
    half = spectrum.shape[1] // 2
    place = torch.arange(bins, device=spectrum.device) % (2 * half)
    falling = place < half
    source = torch.where(falling, 2 * half - place, place)
    taken = spectrum[:, source.clamp_max(spectrum.shape[1] - 1)]
    return torch.where(falling, taken.conj(), taken)


def random_gain(batch: int, frames: int, device: torch.device) -> Tensor:
    """Of the folded band's bins (batch, frames) in mixes of so many frames at 16 kHz."""
    drop_db = torch.empty(batch, 1, device=device).uniform_(*DROP_DB)
    slope_db = torch.empty(batch, 1, device=device).uniform_(*SLOPE_DB)
    octaves = torch.log2(1 + torch.arange(frames, device=device) / (frames / 2))
    return 10 ** (-(drop_db + slope_db * octaves) / 20)
