"""Residual blocks that a prompt tells what to do, run strip by strip along time.

Place: below `network`. A block adds to its input what two convolutions find in it,

    y = x + W₂ * φ(W₁ * φ(BN₁(x) + b₁) → BN₂ + b₂),   φ: leaky ReLU

and the prompt speaks only through the vectors b (FiLM without a scale). Each BN is known once loaded, so `fold` turns
BN₁ into a scale, makes BN₂ part of W₁, and leaves the rest of both to the layers that give b.

The finest level holds 13 MB for each second and feature map. A strip sees two steps more to either side, which is how
far a block looks, so that strips give what the whole would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIP_STEPS = 128
REACH_STEPS = 2
"""Of two convolutions over three steps; even, as the strides are."""
SLOPE = 0.01

Told = dict[str, Tensor]
"""What the prompt adds at each place, (channels, 1, 1), by the place's name."""
Each = Callable[[Tensor], Tensor]
"""What is done with each strip."""


def nothing(x: Tensor) -> Tensor:
    """It stays as it is."""
    return x


class Strip(NamedTuple):
    """seen: what a block is given of all steps. inner: the part of that which it finds right. kept: where that goes."""

    seen: slice
    inner: slice
    kept: slice


def strips(steps: int) -> Iterator[Strip]:
    """All steps, `STRIP_STEPS` at a time."""
    for start in range(0, steps, STRIP_STEPS):
        stop = min(start + STRIP_STEPS, steps)
        first = max(0, start - REACH_STEPS)
        seen = slice(first, min(stop + REACH_STEPS, steps))
        yield Strip(seen, slice(start - first, stop - first), slice(start, stop))


def joined(steps: int, one: Callable[[Strip], Tensor]) -> Tensor:
    """What `one` makes of each strip (batch, channels, its steps, bins), along steps; never held twice."""
    whole: Tensor | None = None
    for strip in strips(steps):
        found = one(strip)
        if whole is None:
            whole = found.new_empty(*found.shape[:2], steps, found.shape[3])
        whole[:, :, strip.kept] = found
    assert whole is not None
    return whole


class Block(nn.Module):
    """See the module's docstring. place: its name among the layers that are told."""

    scale: Tensor

    def __init__(self, inputs: int, outputs: int, place: str) -> None:
        super().__init__()
        self.first, self.second = f"{place}->beta1", f"{place}->beta2"
        self.bn1, self.bn2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        if inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def fold(self, film: nn.ModuleDict) -> None:
        """Leave the norms to the layers that come after them."""
        self.register_buffer("scale", absorbed(self.bn1, film[self.first]))
        self.conv1.weight.data *= absorbed(self.bn2, film[self.second])[:, None]
        del self.bn1, self.bn2

    def forward(self, x: Tensor, told: Told) -> Tensor:
        """(batch, inputs, steps, bins) → (batch, outputs, steps, bins)."""
        inner = functional.leaky_relu_(torch.addcmul(told[self.first], x, self.scale), SLOPE)
        inner = functional.conv2d(inner, self.conv1.weight, told[self.second].flatten(), padding=1)
        found: Tensor = self.conv2(functional.leaky_relu_(inner, SLOPE))
        found += self.shortcut(x) if hasattr(self, "shortcut") else x
        return found


class Encoder(nn.Module):
    """A level on the way down: what it finds, and the mean over `stride` (steps, bins) of that."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int], place: str) -> None:
        super().__init__()
        self.conv_block1 = Block(inputs, outputs, f"{place}->conv_block1")
        self.stride = stride

    def fold(self, film: nn.ModuleDict) -> None:
        """Of its block."""
        self.conv_block1.fold(film)

    def forward(self, x: Tensor, told: Told, before: Each = nothing) -> Tensor:
        """(batch, inputs, steps, bins) → (batch, outputs, steps, bins). before: a layer that looks at no neighbours."""
        steps = x.shape[2]
        return joined(steps, lambda strip: self.conv_block1(before(x[:, :, strip.seen]), told)[:, :, strip.inner])

    def pooled(self, found: Tensor) -> Tensor:
        """What the level below gets."""
        return functional.avg_pool2d(found, self.stride)


class Decoder(nn.Module):
    """A level on the way up: the level below made finer, beside what the encoder found at this one."""

    scale: Tensor

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int], place: str) -> None:
        super().__init__()
        self.first, self.silent = f"{place}->beta1", f"{place}->beta2"
        self.conv1 = nn.ConvTranspose2d(inputs, outputs, stride, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv_block2 = Block(2 * outputs, outputs, f"{place}->conv_block2")
        self.bn2 = nn.BatchNorm2d(inputs)  # trained by nothing and used by nothing, but stored
        self.stride = stride

    def fold(self, film: nn.ModuleDict) -> None:
        """Of its block and its own; what has no say is let go."""
        self.register_buffer("scale", absorbed(self.bn1, film[self.first]))
        self.conv_block2.fold(film)
        del self.bn1, self.bn2, film[self.silent]

    def forward(self, x: Tensor, level: Tensor, told: Told, after: Each = nothing) -> Tensor:
        """(batch, inputs, coarser steps, bins) and (batch, outputs, steps, bins) → what `after` makes of each strip
        (batch, outputs, steps, bins), along steps.
        """

        def one(strip: Strip) -> Tensor:
            coarse = x[:, :, strip.seen.start // self.stride[0] : strip.seen.stop // self.stride[0]]
            coarse = torch.addcmul(told[self.first], coarse, self.scale)
            finer = self.conv1(functional.leaky_relu_(coarse, SLOPE))
            block = self.conv_block2(torch.cat([finer, level[:, :, strip.seen]], 1), told)
            return after(block[:, :, strip.inner])

        return joined(level.shape[2], one)


def absorbed(norm: nn.BatchNorm2d, told: nn.Module) -> Tensor:
    """A norm's scale, (channels, 1, 1); its shift goes into the layer that is told what to add after it."""
    scale, shift = affine(norm)
    assert isinstance(told, nn.Linear)
    told.bias.data += shift
    return scale[:, None, None]


def affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """(scale, shift), each (channels,): what a norm does to what it has not been trained on."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight.data * torch.rsqrt(norm.running_var + norm.eps)
    return scale, norm.bias.data - norm.running_mean * scale
