"""A Demucs network made to compute only what is wanted, with the same samples out.

Place: between `bags`, which reads the network, and `processor` or a GPU, which computes it. The last layer of
either branch gives all stems side by side, and each is brought back to a waveform; of these only the wanted one's
channels are kept. Nothing before them is touched, so the estimate is the same to the last bit of the convolution.

Source: the shape of the outputs, `HDemucs.forward` and `HTDemucs.forward`, https://github.com/adefossez/demucs; the
fused attention, `torch.nn.functional.scaled_dot_product_attention`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from demucs.hdemucs import HDecLayer, HDemucs
from demucs.htdemucs import HTDemucs
from torch import Tensor, nn
from torch.nn import functional


def keep_stem(network: Any, stem: int) -> int:
    """Drop the other stems from the last layers; returns where the wanted one stands in the output from now on.

    A network whose last layers are of another make is left as it is.
    """
    if not isinstance(network, (HDemucs, HTDemucs)) or not network.cac:
        return stem  # the waveform network's last layer is small; masks on magnitudes need all stems
    branches = [network.decoder[-1]]
    if isinstance(network, HTDemucs) or network.hybrid:
        branches.append(network.tdecoder[-1])
    if not all(isinstance(last, HDecLayer) and isinstance(last.norm2, nn.Identity) for last in branches):
        return stem
    for last in branches:
        channels = last.conv_tr.out_channels // len(network.sources)
        wanted = slice(stem * channels, (stem + 1) * channels)
        last.conv_tr.weight = nn.Parameter(last.conv_tr.weight[:, wanted].clone(), requires_grad=False)
        last.conv_tr.bias = nn.Parameter(last.conv_tr.bias[wanted].clone(), requires_grad=False)
        last.conv_tr.out_channels = channels
    network.sources = [network.sources[stem]]
    return 0


def side_by_side(network: nn.Module, order: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    """The network with the channels of its stems, in this order, beside each other as one stem's."""

    def heard(mix: Tensor) -> Tensor:
        stems: Tensor = network(mix)
        return stems[:, order].flatten(1, 2)[:, None]

    return heard


class Attention(nn.Module):
    """The same attention by the same weights, fused: scores are never held, whatever the length."""

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        width = attention.embed_dim
        weight, bias = attention.in_proj_weight, attention.in_proj_bias
        self.heads = attention.num_heads
        self.query = _linear(weight[:width], bias[:width])
        self.key_value = _linear(weight[width:], bias[width:])
        self.out = _linear(attention.out_proj.weight, attention.out_proj.bias)

    def forward(self, query: Tensor, key: Tensor, _value: Tensor, **_unused: Any) -> tuple[Tensor, None]:
        """What (batch, places, width) finds in (batch, other places, width), which is key and value."""
        asked, known, told = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(query), *self.key_value(key).chunk(2, -1))
        )
        found = functional.scaled_dot_product_attention(asked, known, told)
        return self.out(found.transpose(1, 2).flatten(2)), None


def fuse_attention(network: nn.Module) -> None:
    """Replace, in place, torch's layers of attention, which fuse it only where a setting of the process says so."""
    for layer in list(network.modules()):
        for name, part in list(layer.named_children()):
            if isinstance(part, nn.MultiheadAttention):
                setattr(layer, name, Attention(part))


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    linear.weight = nn.Parameter(weight.detach(), requires_grad=False)
    linear.bias = nn.Parameter(bias.detach(), requires_grad=False)
    return linear
