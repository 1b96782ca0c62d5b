"""What no stem holds, and what two hold at once, shared out among them, so that together they are the mix.

Place in the flow: after the members of `task: dialogue` are fused, stem by stem.

    R = X − Σ V_t,   V̂_s = V_s + |V_s|² / (Σ |V_t|² + ε) · R

Each V_s is taken for the mean of a Gaussian of variance |V_s|²; V̂_s is its mean once their sum is known. Where one stem
is alone in a bin it gets all of R, and a silent one gets nothing.

Source: S. Wisdom et al., "Differentiable consistency constraints for improved deep speech enhancement", ICASSP 2019,
https://arxiv.org/abs/1811.08521, section 3.2, with weights by power.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from sepkit.audio.samples import Samples
from sepkit.audio.stft import Spectrum, Stft, power

EPSILON = np.finfo(np.float32).tiny
"""ε, as in `fuse`: it only turns 0/0 into 0, and what no stem is near to goes to none."""


def share_out(mix: Samples, stems: Sequence[Samples], stft: Stft) -> list[Samples]:
    """The stems (channels, frames) with their shares of mix − Σ stems."""
    left: Samples = reduce(np.subtract, stems, mix)
    return [stem + _share(left, stem, stems, stft) for stem in stems]


def _share(left: Samples, own: Samples, stems: Sequence[Samples], stft: Stft) -> Samples:
    def share(spectra: list[Spectrum]) -> Spectrum:
        R, V, *others = spectra
        mine = power(V)
        total = reduce(np.add, map(power, others), mine + EPSILON)
        R *= mine / total
        return R

    return stft.filter([left, own, *(stem for stem in stems if stem is not own)], share)
