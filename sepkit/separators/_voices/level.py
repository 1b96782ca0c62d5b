"""How loud each voice is in the mix, where a network was trained on measures that do not ask for it.

Place: behind a published network, whose voices come at any scale, even with their sign turned (SI-SDR is the same for
each). With the mix x and the voices v_s of one segment, the gains are those that explain most of the mix,

    min_g |x − Σ_s g_s·v_s|² + λ·Σ_s g_s²·|v_s|²,

where the little λ keeps two voices that are nearly one from growing against each other.

Source: least squares with Tikhonov's rule; why the scale is free: J. Le Roux et al., "SDR – half-baked or well done?",
ICASSP 2019, https://arxiv.org/abs/1811.02508.
"""

from __future__ import annotations

import torch
from torch import Tensor

STEADY = 1e-3
"""λ; of two voices that are not alike, it costs 0.009 dB."""
TINY = 1e-20


def levelled(voices: Tensor, mix: Tensor) -> Tensor:
    """Voices (speakers, frames) of a mix (1, frames), each as loud as it is there."""
    v, x = voices.double(), mix[0].double()
    unit = v / v.norm(dim=1, keepdim=True).clamp_min(TINY)
    alike = unit @ unit.T + STEADY * torch.eye(len(v), dtype=v.dtype, device=v.device)
    gains: Tensor = torch.linalg.solve(alike, unit @ x)
    found: Tensor = (gains[:, None] * unit).to(voices.dtype)
    return found
