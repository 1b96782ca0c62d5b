"""What lies above the network's 8 kHz: opened and closed as a whole by what was found just below.

Place: beside `separator`. Fricatives and breath fill 5 kHz and upward without a gap, and so do cymbals. For each
step of 16 ms, with the powers of kept speech V and of the rest A between 4.5 and 7.5 kHz,

    g = P_V / (P_V + P_A),   limited so that  g² P_H ≤ κ P_V

P_H is the power above: what is far louder than the speech at the band's edge does not belong to it.
g is smoothed over three steps and applied to all that is above the band, in both channels alike.

Source: the idea of extending a mask upwards is that of bandwidth extension; the rule is ours, measured in tests.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sepkit.audio.samples import Samples
from sepkit.separators import _upper_band
from sepkit.separators.compact.network import FFT_FRAMES, HOP_FRAMES, SAMPLE_RATE

EDGE_HZ = (4500.0, 7500.0)
EXCESS = 10.0
"""κ, +10 dB: about what the sharpest s has above 8 kHz beyond its power from 4.5 to 7.5 kHz."""


def shares(X: Tensor, V: Tensor) -> Tensor:
    """Mean square in the edge band of kept and rest, (2, steps); the channels of (channels, bins, steps) add up."""
    low, high = (round(hz * FFT_FRAMES / SAMPLE_RATE) for hz in EDGE_HZ)
    window_power = FFT_FRAMES / 2  # Σ w² of the root of a Hann window
    both = torch.stack([V, X - V])[:, :, low:high]
    return 2 * both.abs().square().sum((1, 2)) / (window_power * FFT_FRAMES)


def keep(above: Samples, sample_rate: int, kept: NDArray[np.float32], rest: NDArray[np.float32]) -> Samples:
    """The part of `above` (channels, frames) that goes with the speech; kept, rest: (steps,) mean squares."""
    frames = above.shape[1]
    hop = HOP_FRAMES * sample_rate / SAMPLE_RATE
    centres = np.arange(kept.size) * hop
    power = np.concatenate([[0.0], np.cumsum(np.square(above, dtype=np.float64).sum(axis=0))])
    edges = np.clip(np.rint([centres - hop, centres + hop]), 0, frames).astype(int)
    loud = (power[edges[1]] - power[edges[0]]) / np.maximum(edges[1] - edges[0], 1)
    gain = kept / np.maximum(kept + rest, np.finfo(np.float32).tiny)
    gain = np.minimum(gain, np.sqrt(EXCESS * kept / np.maximum(loud, np.finfo(np.float32).tiny)))
    return _upper_band.follow(above, gain, hop)
