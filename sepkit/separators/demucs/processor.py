"""Layers of a Demucs network as a processor computes them fastest, with the same samples out.

Place: between `network`, which leaves out what is not wanted, and `_segments.py`, which runs it. The products of a
large network are near a processor's limit; what takes long beside them is small products on long arrays, and arrays
that are read from memory once for each step. Three equations spare those:

    residual branch   W·h + b is normalised by its mean and variance, which follow from the mean and covariance of the
                      few channels of h. So norm, affine and scale go into W and b, and W·h + b is not held:
                      x + GLU(W'·h + b') is computed a piece at a time, in the cache.
    transposed conv   y[s·i + k] = w[k]·x[i] + w[k + s]·x[i − 1]: s phases k < s, each a convolution of two taps.
    product           its matrix is laid out once, as oneDNN wants it.

Source: `DConv`, `demucs/demucs.py`; `HEncLayer`, `HDecLayer`, `demucs/hdemucs.py`; `demucs/transformer.py`,
https://github.com/adefossez/demucs; fused products as in torch's own compiler, `torch/_inductor/mkldnn_lowerings.py`.
"""

from __future__ import annotations

from typing import Any

import torch
from demucs.demucs import DConv
from demucs.hdemucs import HDecLayer, HEncLayer
from demucs.transformer import CrossTransformerEncoderLayer, LayerScale, MyTransformerEncoderLayer
from torch import Tensor, nn
from torch.nn import functional

from sepkit.separators.demucs.network import Attention

PIECE = 2**18
"""Values computed at a time: 1 MiB, which a core's own cache holds."""
PLACES = 2048
"""For so many a matrix is laid out: an HTDemucs segment has 1344 in time and 2688 in frequency."""


@torch.no_grad()
def on_processor(network: nn.Module) -> None:
    """Replace, in place, each layer that has a faster equal; others are left as they are."""
    for layer in list(network.modules()):
        if isinstance(layer, (HEncLayer, HDecLayer)):
            _replace_convolutions(layer)
        if isinstance(layer, (MyTransformerEncoderLayer, CrossTransformerEncoderLayer)):
            _fold_scales(layer)
        for name, part in list(layer.named_children()):
            if isinstance(part, nn.Linear) and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
                setattr(layer, name, Product(part))


def _replace_convolutions(layer: Any) -> None:
    """A layer's residual branches, its gate where that sees one place, its transposed convolution."""
    if _plain(getattr(layer, "dconv", None)):
        branches: list[nn.Module] = [Branch(*branch) for branch in layer.dconv.layers]
        if isinstance(layer, HEncLayer) and layer.rewrite is not None and _pointwise(layer):
            branches.append(Gate(layer.rewrite))
            layer.rewrite = None
        layer.dconv = nn.Sequential(*branches)
    transposed = getattr(layer, "conv_tr", None)
    if transposed is not None and transposed.kernel_size[0] == 2 * transposed.stride[0]:
        layer.conv_tr = Transposed(transposed)


def _fold_scales(layer: Any) -> None:
    """Put a transformer layer's two scales into the products before them."""
    attention = layer.self_attn if isinstance(layer, MyTransformerEncoderLayer) else layer.cross_attn
    products = {"gamma_2": layer.linear2} | ({"gamma_1": attention.out} if isinstance(attention, Attention) else {})
    for name, product in products.items():
        gamma: Any = getattr(layer, name)
        if isinstance(gamma, LayerScale):
            scale: Tensor = gamma.scale
            product.weight *= scale[:, None]
            product.bias *= scale
            setattr(layer, name, nn.Identity())


class Branch(nn.Module):
    """One residual branch: (rows, channels, frames) → the same."""

    def __init__(self, *steps: Any) -> None:
        super().__init__()
        *inner, expand, norm, _, scale = steps
        self.inner = nn.Sequential(*inner)
        self.weight, self.bias = expand.weight[:, :, 0], expand.bias
        scales = torch.cat([scale.scale, torch.ones_like(scale.scale)])  # of GLU's two halves
        self.gain, self.shift, self.epsilon = norm.weight * scales, norm.bias * scales, norm.eps

    def forward(self, x: Tensor) -> Tensor:
        """x + scale · GLU(norm(W·h + b)), h by the branch's inner layers."""
        hidden = self.inner(x)
        return _gated(*self._normalised(hidden), hidden, x)

    def _normalised(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """W' (rows, 2·channels, hidden) and b' (rows, 2·channels, 1), with norm, affine and scale in them."""
        mean = hidden.mean(-1)
        centred = hidden - mean[..., None]
        covariance = centred @ centred.mT / hidden.shape[-1]
        means = functional.linear(mean, self.weight, self.bias)
        overall = means.mean(1, keepdim=True)
        within = (covariance * (self.weight.T @ self.weight)).sum((1, 2))[:, None] / len(self.weight)
        gain = self.gain * torch.rsqrt(within + (means - overall).square().mean(1, keepdim=True) + self.epsilon)
        return gain[..., None] * self.weight, ((self.bias - overall) * gain + self.shift)[..., None]


class Gate(nn.Module):
    """GLU(W·x + b) of a convolution that sees one place: (rows, channels, frames) → the same."""

    def __init__(self, rewrite: Any) -> None:
        super().__init__()
        self.weight, self.bias = rewrite.weight.flatten(1)[None], rewrite.bias[None, :, None]

    def forward(self, x: Tensor) -> Tensor:
        """The same of every row."""
        rows = len(x)
        return _gated(self.weight.expand(rows, -1, -1), self.bias.expand(rows, -1, -1), x)


def _gated(weight: Tensor, bias: Tensor, hidden: Tensor, beside: Tensor | None = None) -> Tensor:
    """beside + GLU(weight·hidden + bias): (rows, inputs, frames) → (rows, channels, frames), a piece at a time."""
    rows, _, frames = hidden.shape
    channels = weight.shape[1] // 2
    found = hidden.new_empty(channels, rows, frames).transpose(0, 1)  # as the layer around it wants it
    row_step, frame_step = max(1, PIECE // (2 * channels * frames)), max(1, PIECE // (2 * channels))
    for row in range(0, rows, row_step):
        few = slice(row, row + row_step)
        for frame in range(0, frames, frame_step):
            piece = few, slice(None), slice(frame, frame + frame_step)
            gated = functional.glu(torch.baddbmm(bias[few], weight[few], hidden[piece]), 1)
            if beside is None:
                found[piece] = gated
            else:
                torch.add(gated, beside[piece], out=found[piece])
    return found


class Transposed(nn.Module):
    """A transposed convolution of kernel 2·stride, over time or frequency: (batch, channels, [bands,] frames)."""

    def __init__(self, conv: Any) -> None:
        super().__init__()
        self.stride, self.along = conv.stride[0], (1, 0)[: len(conv.stride)]
        inputs, outputs, _, *width = conv.weight.shape
        taps = conv.weight.view(inputs, outputs, 2, self.stride, *width).flip(2)  # (…, tap, phase[, 1])
        self.weight = taps.movedim(3, 0).transpose(1, 2).flatten(0, 1).contiguous()
        self.bias = conv.bias.repeat(self.stride)

    def forward(self, x: Tensor) -> Tensor:
        """Each phase for all places, then the phases of each place side by side."""
        convolve = functional.conv1d if x.dim() == 3 else functional.conv2d
        phases = convolve(x, self.weight, self.bias, padding=self.along)
        batch, _, places, *frames = phases.shape
        return phases.view(batch, self.stride, -1, places, *frames).movedim(1, 3).flatten(2, 3)


class Product(nn.Module):
    """A linear layer by oneDNN, (…, inputs) → (…, outputs)."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), PLACES)
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """W·x + b."""
        found: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "none")
        return found


def _plain(dconv: Any) -> bool:
    """Whether every branch ends as a Demucs's does: expand, one norm over all, GLU, scale."""
    if not isinstance(dconv, DConv):
        return False
    branches: Any = dconv.layers
    norms = [branch[-3] for branch in branches]
    return all(isinstance(norm, nn.GroupNorm) and norm.num_groups == 1 for norm in norms)


def _pointwise(layer: Any) -> bool:
    """Whether an encoder's last convolution sees one place, with no norm after it."""
    return isinstance(layer.norm2, nn.Identity) and set(layer.rewrite.kernel_size) == {1}
