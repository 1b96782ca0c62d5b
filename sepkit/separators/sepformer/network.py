"""SepFormer: masks from two transformers in turn, one within chunks of the filters' steps and one across them.

    x ─ filters ─ W ─ norm ─ chunks of K steps, half of each shared ─┬ within each chunk ─┬ across chunks ─┬ …  twice
                                                                     └────────────────────┴────────────────┘
      ─ chunks laid over each other ─ a part each voice ─ tanh ⊙ σ ─ M_s ≥ 0 ─ M_s·W ─ filters back ─ v_s

Numbers stand as (batch, chunks, steps, channels) between the filters. Layers are named as speechbrain names them.

Source: see the package.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.separators.sepformer.description import Shape, Transformer

NORM_EPS, LAYER_EPS = 1e-8, 1e-6


class Attention(nn.Module):
    """Each step of a row looks at all of them, in as many ways as there are heads."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.att = nn.MultiheadAttention(channels, heads)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, steps, channels) → the same."""
        rows, steps, channels = x.shape
        heads, att = self.att.num_heads, self.att
        parts = functional.linear(x, att.in_proj_weight, att.in_proj_bias)
        q, k, v = parts.reshape(rows, steps, 3, heads, channels // heads).permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(q, k, v)
        return functional.linear(found.transpose(1, 2).flatten(2), att.out_proj.weight, att.out_proj.bias)


class Norm(nn.Module):
    """Of the channels of each step; the name that speechbrain gives it is one longer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, LAYER_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """(…, channels) → the same."""
        found: Tensor = self.norm(x)
        return found


class Layer(nn.Module):
    """Attention, and two projections, each with a norm before it and what came in added after it."""

    def __init__(self, channels: int, sizes: Transformer) -> None:
        super().__init__()
        self.self_att = Attention(channels, sizes.heads)
        wide = nn.Linear(channels, sizes.wide), nn.ReLU(inplace=True), nn.Identity(), nn.Linear(sizes.wide, channels)
        self.pos_ffn = nn.ModuleDict({"ffn": nn.Sequential(*wide)})
        self.norm1, self.norm2 = Norm(channels), Norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, steps, channels) → the same."""
        x = x + self.self_att(self.norm1(x))
        found: Tensor = x + self.pos_ffn["ffn"](self.norm2(x))  # not in place: in half precision the sum stays whole
        return found


class Places(nn.Module):
    """Each step's place, as the checkpoint has it."""

    def __init__(self, places: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("pe", torch.empty(1, places, channels))


class Path(nn.Module):
    """One of the two transformers."""

    def __init__(self, channels: int, sizes: Transformer, places: int) -> None:
        super().__init__()
        layers = nn.ModuleList(Layer(channels, sizes) for _ in range(sizes.depth))
        self.mdl = nn.ModuleDict({"layers": layers, "norm": Norm(channels)})
        self.pos_enc = Places(places, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, steps, channels) → the same."""
        x = x + self.pos_enc.get_buffer("pe")[:, : x.shape[1]]
        for layer in self.mdl["layers"]:  # type: ignore[attr-defined]
            x = layer(x)
        found: Tensor = self.mdl["norm"](x)
        return found


class Block(nn.Module):
    """Both paths, one after the other."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.intra_mdl = Path(shape.filters, shape.within, shape.places)
        self.inter_mdl = Path(shape.filters, shape.across, shape.places)
        self.intra_norm, self.inter_norm = (nn.GroupNorm(1, shape.filters, NORM_EPS) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, chunks, steps, channels) → the same."""
        sizes = x.shape[:2]
        x = x + over_all(self.intra_norm, torch.unflatten(self.intra_mdl(x.flatten(0, 1)), 0, sizes))
        turned = x.transpose(1, 2)
        found = torch.unflatten(self.inter_mdl(turned.flatten(0, 1)), 0, turned.shape[:2])
        return x + over_all(self.inter_norm, found).transpose(1, 2)


def over_all(norm: nn.GroupNorm, x: Tensor) -> Tensor:
    """A norm over all but the batch of (batch, …, channels)."""
    assert norm.weight is not None
    return torch.addcmul(norm.bias, functional.layer_norm(x, x.shape[1:], eps=norm.eps), norm.weight)


class MaskNet(nn.Module):
    """Masks from the filters' numbers."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        channels, self.voices, self.chunk_steps = shape.filters, shape.voices, shape.chunk_steps
        self.norm = nn.GroupNorm(1, channels, NORM_EPS)
        self.conv1d = nn.Conv1d(channels, channels, 1, bias=False)
        self.dual_mdl = nn.ModuleList(Block(shape) for _ in range(shape.blocks))
        self.prelu = nn.PReLU()
        self.conv2d = nn.Conv2d(channels, channels * shape.voices, 1)
        self.output, self.output_gate = (nn.Sequential(nn.Conv1d(channels, channels, 1)) for _ in range(2))
        self.end_conv1x1 = nn.Conv1d(channels, channels, 1, bias=False)

    def forward(self, W: Tensor) -> Tensor:
        """(batch, channels, steps) → (batch, voices, channels, steps)."""
        x = pointwise(self.conv1d, over_all(self.norm, W.transpose(1, 2)))
        chunks = chunked(x, self.chunk_steps)
        for block in self.dual_mdl:
            chunks = block(chunks)
        x = laid_over(self.prelu(chunks), x.shape[1])
        assert self.conv2d.bias is not None
        # Each step lies in two chunks. What is added to each chunk in the original is added here to their sum, twice.
        x = functional.linear(x, self.conv2d.weight[:, :, 0, 0], 2 * self.conv2d.bias)
        x = torch.unflatten(x, 2, (self.voices, -1)).transpose(1, 2)
        x = pointwise(self.output[0], x).tanh_() * pointwise(self.output_gate[0], x).sigmoid_()
        return pointwise(self.end_conv1x1, x).relu_().transpose(2, 3)


def pointwise(layer: nn.Module, x: Tensor) -> Tensor:
    """A convolution of one step, on (…, steps, channels)."""
    assert isinstance(layer, nn.Conv1d)
    return functional.linear(x, layer.weight[:, :, 0], layer.bias)


def chunked(x: Tensor, chunk_steps: int) -> Tensor:
    """(batch, steps, channels) → (batch, chunks, chunk_steps, channels), half a chunk apart, zeros beyond both ends.

    As in the original: half a chunk of zeros before, and at the end as many that the chunks come out even.
    """
    half, steps = chunk_steps // 2, x.shape[1]
    gap = chunk_steps - (half + steps % chunk_steps) % chunk_steps
    return functional.pad(x, (0, 0, half, gap + half)).unfold(1, chunk_steps, half).transpose(2, 3)


def laid_over(chunks: Tensor, steps: int) -> Tensor:
    """The way back from `chunked`, where each step is the sum of the two chunks that it lies in."""
    half = chunks.shape[2] // 2
    earlier, later = chunks[:, :-1, half:], chunks[:, 1:, :half]
    return (earlier + later).flatten(1, 2)[:, :steps]


class SepFormer(nn.Module):
    """See the module's docstring."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        hop = shape.taps // 2
        self.encoder = nn.ModuleDict({"conv1d": nn.Conv1d(1, shape.filters, shape.taps, hop, bias=False)})
        self.masknet = MaskNet(shape)
        self.decoder = nn.ConvTranspose1d(shape.filters, 1, shape.taps, hop, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, frames) → (batch, voices, frames)."""
        W = self.encoder["conv1d"](x[:, None]).relu_()
        found = self.decoder((self.masknet(W) * W[:, None]).flatten(0, 1))[:, 0]
        return torch.unflatten(functional.pad(found, (0, x.shape[-1] - found.shape[-1])), 0, (len(x), -1))
