"""How loud each voice is in the mix, where a network was trained on measures that do not ask for it.

Place: behind a published network, whose voices come at any scale, even with their sign turned (SI-SDR is the same for
each). With the mix x and the voices v_s of one segment, the gains g_s are those that explain most of the mix, and are
alike where that says little,

    min_g,c |x − Σ_s g_s·v_s|² + λ·Σ_s (g_s − c)²·|v_s|².

The little λ decides where voices are nearly one: where one person speaks, a network leaves a faint copy in the other
voice, and it stays faint. With u_s = v_s/|v_s|, h_s = g_s·|v_s|, e_s = |v_s|/√Σ|v|², and C the products of all u with
each other, (C + λ·(1 − e·eᵀ))·h = u·x for the best c.

Source: least squares with Tikhonov's rule, ours in what it is drawn to; why the scale is free: J. Le Roux et al.,
"SDR – half-baked or well done?", ICASSP 2019, https://arxiv.org/abs/1811.02508.
"""

from __future__ import annotations

import torch
from torch import Tensor

ALIKE = 1e-3
"""λ; of voices whose gains are not alike, it costs at most 0.009 dB."""
LEAST = 1e-9
"""Added to λ's ones, so that voices that are each other's opposite have an answer."""
TINY = 1e-20


def levelled(voices: Tensor, mix: Tensor) -> Tensor:
    """Voices (speakers, frames) of a mix (1, frames), each as loud as it is there."""
    v, x = voices.double(), mix[0].double()
    lengths = v.norm(dim=1)
    u, e = v / lengths.clamp_min(TINY)[:, None], lengths / lengths.norm().clamp_min(TINY)
    one = torch.eye(len(v), dtype=v.dtype, device=v.device)
    h = torch.linalg.solve(u @ u.T + ALIKE * (one - e.outer(e)) + LEAST * one, u @ x)
    found: Tensor = (h[:, None] * u).to(voices.dtype)
    return found
