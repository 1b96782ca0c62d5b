"""What lies above a network's band, shared among the voices by what each has just below.

Place: beside `places`. Fricatives and breath fill 4.5 kHz and upward without a gap, and less evenly 2 kHz and upward.
For each step of 10 ms, with the powers in the highest part of the band (of 16 kHz, between 4.5 and 7.5 kHz) of each
voice, P_s, and of what is in none of them, P_R,

    g_s = P_s / (Σ_s P_s + P_R).

The gains of all voices are at most 1 together: what is above goes to them or stays in the rest, and none of it twice.

Source: the idea of extending a mask upwards is that of bandwidth extension; the rule is ours, measured in tests.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sepkit.audio.samples import Samples
from sepkit.separators import _upper_band
from sepkit.separators._voices.places import HOP_S, WINDOW_S, transform

EDGE = (4500 / 8000, 7500 / 8000)
"""The part of a network's band, of half its rate, that what lies above it follows."""
TINY = 1e-20


def gains(voices: Tensor, mix: Tensor, sample_rate: int) -> NDArray[np.float32]:
    """Of voices (speakers, channels, frames) in a mix (channels, frames), at a network's rate: (speakers, steps)."""
    low, high = (round(share * WINDOW_S * sample_rate / 2) for share in EDGE)
    rest = mix - voices.sum(0)
    spectra = transform(sample_rate, mix.device)
    powers = torch.stack([spectra.analyse(each)[:, low:high].abs().square().sum((0, 1)) for each in (*voices, rest)])
    shares: NDArray[np.float32] = (powers[:-1] / powers.sum(0).clamp_min(TINY)).cpu().numpy()
    return shares


def share(above: Samples, gains: NDArray[np.float32], sample_rate: int) -> list[Samples]:
    """Each voice's part of `above` (channels, frames), which is at the source's rate."""
    around = np.pad(gains, ((0, 0), (1, 1)), mode="edge")  # steps are centred on half hops
    return [_upper_band.follow(above, gain, HOP_S * sample_rate) for gain in (around[:, 1:] + around[:, :-1]) / 2]
