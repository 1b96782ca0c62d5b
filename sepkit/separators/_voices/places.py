"""Where the voices of a stereo source stand: what was found in a mean of the channels, brought to each of them.

Place: between a network and `spread`. With M the spectrum of the mean and V_s that of a voice in it, each channel
X_c holds of that voice

    V_s,c = G_s · X_c,   G_s = V_s · M* / max(|M|², |V_s|² / L²)

Where the channels are alike, G_s · X_c = V_s. A bin in which the channels cancel each other says little of the voices,
and L keeps its gain from growing there.

Source: a common gain for all channels keeps the differences of level and time between them that tell where a sound
stands; Blauert, "Spatial Hearing", MIT Press 1997. The rule is ours, measured in tests.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sepkit.audio.samples import heard_weights
from sepkit.separators._voices.spectra import Spectra

WINDOW_S, HOP_S = 0.04, 0.01
"""A hundredth of a second is a whole number of frames at every customary rate."""
LARGEST = 2.0
"""L, 6 dB."""
TINY = 1e-20


def hop_frames(sample_rate: int) -> int:
    """From step to step of the transform."""
    return round(HOP_S * sample_rate)


def transform(sample_rate: int, device: torch.device) -> Spectra:
    """In which the voices are placed."""
    fft = round(WINDOW_S * sample_rate)
    return Spectra(fft, hop_frames(sample_rate), torch.hann_window(fft)).to(device)


def mean(channels: Tensor) -> Tensor:
    """What is heard of (channels, …): (…)."""
    weights = torch.from_numpy(heard_weights(len(channels))).to(channels)
    heard: Tensor = torch.tensordot(weights, channels, 1)
    return heard


def place(voices: Tensor, channels: Tensor, sample_rate: int) -> Tensor:
    """Voices (speakers, frames) of the mean of (channels, frames) → (speakers, channels, frames)."""
    if len(channels) == 1:
        return voices[:, None]
    spectra = transform(sample_rate, voices.device)
    V, X = spectra.analyse(voices), spectra.analyse(channels)
    M = mean(X)
    G = V * M.conj() / torch.maximum(_power(M), _power(V) / LARGEST**2).clamp_min(TINY)
    return spectra.synthesise(G[:, None] * X, channels.shape[1])


def _power(X: Tensor) -> Tensor:
    return X.real.square() + X.imag.square()
