"""A Demucs network made to compute only what is wanted, with the same samples out.

Place: between `bags`, which reads the network, and `_segments.py`, which runs it. The last layer of
either branch gives all stems side by side, and each is brought back to a waveform; of these only the wanted one's
channels are kept. Nothing before them is touched, so the estimate is the same to the last bit of the convolution.

Source: the shape of the outputs, `HDemucs.forward` and `HTDemucs.forward`, https://github.com/adefossez/demucs; the
attention in one piece, `torch.nn.functional.scaled_dot_product_attention`, which torch's layers take only where their
own shortcut for inference is switched off.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def keep_stem(network: Any, stem: int) -> int:
    """Drop the other stems from the last layers; returns where the wanted one stands in the output from now on.

    A network whose last layers are of another make is left as it is.
    """
    import torch
    from demucs.hdemucs import HDecLayer, HDemucs
    from demucs.htdemucs import HTDemucs

    if not isinstance(network, (HDemucs, HTDemucs)) or not network.cac:
        return stem  # the waveform network's last layer is small; masks on magnitudes need all stems
    branches = [network.decoder[-1]]
    if isinstance(network, HTDemucs) or network.hybrid:
        branches.append(network.tdecoder[-1])
    if not all(isinstance(last, HDecLayer) and isinstance(last.norm2, torch.nn.Identity) for last in branches):
        return stem
    for last in branches:
        channels = last.conv_tr.out_channels // len(network.sources)
        wanted = slice(stem * channels, (stem + 1) * channels)
        last.conv_tr.weight = torch.nn.Parameter(last.conv_tr.weight[:, wanted].clone(), requires_grad=False)
        last.conv_tr.bias = torch.nn.Parameter(last.conv_tr.bias[wanted].clone(), requires_grad=False)
        last.conv_tr.out_channels = channels
    network.sources = [network.sources[stem]]
    return 0


_attending = threading.Lock()


def in_one_piece(network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The network with fused attention in its transformer; the process's setting comes back after each call."""
    import torch

    def forward(mix: Tensor) -> Tensor:
        with _attending:  # the setting is one for all threads
            before = torch.backends.mha.get_fastpath_enabled()
            torch.backends.mha.set_fastpath_enabled(False)
            try:
                return network(mix)
            finally:
                torch.backends.mha.set_fastpath_enabled(before)

    return forward
