"""The oracle ratio mask: the best that a ratio mask can do, since it knows the truth; an upper bound, no method.

    M = |S|² / (|S|² + |N|²),   Ŝ = M·X

of the STFTs of the true speech S, the true background N and the mix X. Source: Wang, Narayanan & Wang, "On training
targets for supervised speech separation", IEEE/ACM TASLP 22(12), 2014, with exponent 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from sepkit.audio.samples import Audio
from sepkit.audio.stft import Stft, power

WINDOW_S = 0.032
"""The window of speech enhancement at 16 kHz: 512 frames; at other rates the nearest power of two."""
HOPS_PER_WINDOW = 4


def oracle_of(mix: Audio, truths: Mapping[str, Audio]) -> dict[str, Audio]:
    """Each of the truths through its mask; what is left of the mix is its background."""
    rests = {name: Audio(mix.samples - truth.samples, mix.sample_rate) for name, truth in truths.items()}
    return {name: oracle(mix, truth, rests[name]) for name, truth in truths.items()}


def oracle(mix: Audio, speech: Audio, background: Audio) -> Audio:
    """The mix through the mask; all three of one rate and shape."""
    fft_frames = 2 ** round(math.log2(WINDOW_S * mix.sample_rate))
    stft = Stft(fft_frames, fft_frames // HOPS_PER_WINDOW)
    spoken, rest = (power(stft.forward(audio.samples)) for audio in (speech, background))
    mask = spoken / np.maximum(spoken + rest, np.finfo(np.float32).tiny)
    return Audio(stft.inverse(stft.forward(mix.samples) * mask, mix.frames), mix.sample_rate)
