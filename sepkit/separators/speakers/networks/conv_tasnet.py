"""Conv-TasNet, a small one: a learned transform of 2 ms, masked by dilated convolutions, for several voices.

    w = conv(x),   m_s = sigmoid(TCN(norm(w)))_s,   v_s = conv⁻¹(m_s · w)

One thing differs from the source, so that the reach is finite. Its global layer norm takes the mean and variance of the
whole recording: at the input these are here of half a second to either side, and in the blocks of the channels of one
step, which costs no reach.

Source: Luo & Mesgarani, "Conv-TasNet: Surpassing Ideal Time–Frequency Magnitude Masking for Speech Separation", TASLP
2019; its names N, L, B, H, P, X, R stand beside the sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.separators.speakers.networks._depthwise import Depthwise
from sepkit.separators.speakers.networks._local_norm import LocalNorm
from sepkit.separators.speakers.networks._shape import BaseShape

LEVEL_FRAMES = 8000
"""What the norm at the input hears to either side: half a second."""
TAPS = 3
"""P."""


@dataclass(frozen=True)
class Shape(BaseShape):
    """N, L, B, H, X, R of the source. width_frames: of the learned transform, which steps by half of it."""

    filters: int = 256
    width_frames: int = 32
    channels: int = 96
    hidden: int = 192
    layers: int = 8
    repeats: int = 2

    @property
    def hop_frames(self) -> int:
        """Of the learned transform."""
        return self.width_frames // 2

    @property
    def reach_frames(self) -> int:
        """Of the convolutions, the norm at the input and the transform."""
        steps: int = self.repeats * (TAPS - 1) // 2 * (2**self.layers - 1)
        return steps * self.hop_frames + LEVEL_FRAMES + 2 * self.width_frames


class Network(nn.Module):
    """Each voice of a mono mix at 16 kHz; see the module's docstring."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.grid_frames = shape.hop_frames
        self.reach_frames = shape.reach_frames
        self.encode = nn.Conv1d(1, shape.filters, shape.width_frames, shape.hop_frames, bias=False)
        self.decode = nn.ConvTranspose1d(shape.filters, 1, shape.width_frames, shape.hop_frames, bias=False)
        self.norm = LocalNorm(shape.filters, LEVEL_FRAMES // shape.hop_frames)
        self.narrow = nn.Linear(shape.filters, shape.channels)
        dilations = [2**layer for layer in range(shape.layers)] * shape.repeats
        self.blocks = nn.ModuleList(Block(shape, dilation) for dilation in dilations)
        self.skipped = nn.ModuleList(nn.Linear(shape.hidden, shape.channels) for _ in dilations)
        self.ahead = nn.ModuleList(nn.Linear(shape.hidden, shape.channels) for _ in dilations[1:])
        self.out = nn.Sequential(nn.PReLU(), nn.Linear(shape.channels, shape.speakers * shape.filters))

    def forward(self, mix: Tensor) -> Tensor:
        """(batch, frames) → (batch, speakers, frames)."""
        batch, frames = mix.shape
        hop, speakers = self.shape.hop_frames, self.shape.speakers
        padded = functional.pad(mix, (hop, -frames % hop + hop))
        w = self.encode(padded[:, None]).transpose(1, 2)  # (batch, steps, filters)
        x = self.narrow(self.norm(w))
        total = torch.zeros_like(x)
        for index, block in enumerate(self.blocks):
            found = block(x)
            total = total + self.skipped[index](found)
            if index < len(self.ahead):
                x = x + self.ahead[index](found)
        masks = torch.sigmoid(self.out(total)).reshape(*w.shape[:2], speakers, -1)
        voices = (masks * w[:, :, None]).permute(0, 2, 3, 1).flatten(0, 1)
        samples: Tensor = self.decode(voices)[:, 0, hop : hop + frames]
        return samples.reshape(batch, speakers, frames)


class Block(nn.Sequential):
    """One dilated convolution, (batch, steps, channels) → (batch, steps, hidden)."""

    def __init__(self, shape: Shape, dilation: int) -> None:
        super().__init__(
            nn.Linear(shape.channels, shape.hidden),
            nn.PReLU(),
            nn.LayerNorm(shape.hidden),
            Depthwise(shape.hidden, TAPS, dilation=dilation),
            nn.PReLU(),
            nn.LayerNorm(shape.hidden),
        )
