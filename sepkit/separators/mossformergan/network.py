"""MossFormerGAN: a mask for a compressed spectrum and what is added to it, found by blocks over time and frequency.

    X = STFT(x)    C = |X|^0.3 · X/|X|    [|C|, Re C, Im C] ─ encoder ─ 6 blocks ─┬ mask M
                                                                                  └ Re D, Im D
    E = M·C + D    V = |E|^(1/0.3) · E/|E| ─ the way back

Frames of 400 are 100 apart, under Hamming's window. The encoder halves the bins, and both decoders double them again.
All three are dense: each layer of a stack hears every one before it. Layers are named as in the published checkpoint.

Source: S. Zhao et al., ClearerVoice-Studio, 2025, https://arxiv.org/abs/2506.19398; encoder and decoders are those of
R. Cao et al., "CMGAN", 2022, https://arxiv.org/abs/2203.15149; layers as in
https://github.com/modelscope/ClearerVoice-Studio (Apache-2.0).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.separators.mossformer2.block import Memory
from sepkit.separators.mossformergan.block import CHANNELS, Block

FRAME, HOP = 400, 100
BINS = FRAME // 2 + 1
HALVED = BINS // 2 + 1
BLOCKS = 6
DEPTH = 4
ORDER = 5
"""Bins that a memory of a dense stack looks up and down, its own among them."""
POWER = 0.3
TINY = 1e-30


def power(X: Tensor, exponent: float) -> Tensor:
    """|X|^exponent with the phase of X; 0 stays 0."""
    return X * X.abs().clamp_min(TINY).pow(exponent - 1)


class Dense(nn.Module):
    """Convolutions over ever more of the past, each over what all before it found; after each a memory along bins."""

    def __init__(self) -> None:
        super().__init__()
        for level in range(1, DEPTH + 1):
            conv = nn.Conv2d(level * CHANNELS, CHANNELS, (2, 3), dilation=(2 ** (level - 1), 1))
            self.add_module(f"conv{level}", conv)
            self.add_module(f"norm{level}", nn.InstanceNorm2d(CHANNELS, affine=True))
            self.add_module(f"prelu{level}", nn.PReLU(CHANNELS))
            self.add_module(f"fsmn{level}", nn.ModuleDict({"fsmn": Memory(CHANNELS, ORDER)}))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, steps, bins) → the same."""
        all_before = [x]
        for level in range(1, DEPTH + 1):
            conv, norm, prelu = (self.get_submodule(f"{name}{level}") for name in ("conv", "norm", "prelu"))
            heard = functional.pad(torch.cat(all_before, 1), (1, 1, 2 ** (level - 1), 0))
            found = prelu(norm(conv(heard)))
            rows = found.permute(0, 2, 3, 1)
            kept = self.get_submodule(f"fsmn{level}.fsmn")(rows.flatten(0, 1)).view(rows.shape)
            all_before.insert(0, kept.permute(0, 3, 1, 2))
        return all_before[0]


class Encoder(nn.Module):
    """What the blocks hear: of three numbers a bin, `CHANNELS` of half as many bins."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_1 = _convolved(nn.Conv2d(3, CHANNELS, 1))
        self.dilated_dense = Dense()
        self.conv_2 = _convolved(nn.Conv2d(CHANNELS, CHANNELS, (1, 3), (1, 2), (0, 1)))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, steps, bins) → (batch, channels, steps, halved bins)."""
        found: Tensor = self.conv_2(self.dilated_dense(self.conv_1(x)))
        return found


def _convolved(conv: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(conv, nn.InstanceNorm2d(CHANNELS, affine=True), nn.PReLU(CHANNELS))


class Decoder(nn.Module):
    """A dense stack, and twice the bins: of each, the first half of the channels comes before the second."""

    def __init__(self) -> None:
        super().__init__()
        self.dense_block = Dense()
        self.sub_pixel = nn.ModuleDict({"conv": nn.Conv2d(CHANNELS, 2 * CHANNELS, (1, 3), padding=(0, 1))})

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, steps, halved bins) → (batch, channels, steps, bins + 1)."""
        found: Tensor = self.sub_pixel["conv"](self.dense_block(x))
        return torch.stack(found.chunk(2, 1), -1).flatten(-2)


class MaskDecoder(Decoder):
    """The mask; each bin has a slope of its own below zero."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(CHANNELS, 1, (1, 2))
        self.norm = nn.InstanceNorm2d(1, affine=True)
        self.prelu = nn.PReLU(1)
        self.final_conv = nn.Conv2d(1, 1, 1)
        self.prelu_out = nn.PReLU(BINS)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, steps, halved bins) → (batch, steps, bins)."""
        found = self.final_conv(self.prelu(self.norm(self.conv_1(super().forward(x)))))[:, 0]
        return torch.where(found > 0, found, found * self.prelu_out.weight)


class ComplexDecoder(Decoder):
    """What is added, its real and its imaginary part."""

    def __init__(self) -> None:
        super().__init__()
        self.prelu = nn.PReLU(CHANNELS)
        self.norm = nn.InstanceNorm2d(CHANNELS, affine=True)
        self.conv = nn.Conv2d(CHANNELS, 2, (1, 2))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, steps, halved bins) → (batch, 2, steps, bins)."""
        found: Tensor = self.conv(self.prelu(self.norm(super().forward(x))))
        return found


class MossFormerGAN(nn.Module):
    """See the module's docstring."""

    def __init__(self) -> None:
        super().__init__()
        self.dense_encoder = Encoder()
        self.blocks = nn.ModuleList(Block(HALVED) for _ in range(BLOCKS))
        self.mask_decoder = MaskDecoder()
        self.complex_decoder = ComplexDecoder()

    def ready(self) -> MossFormerGAN:
        """Once loaded: with what is known without a checkpoint."""
        self.register_buffer("window", torch.hamming_window(FRAME))
        return self

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 1, frames) at 16 kHz → the same. The last step is filled up with how the sound begins."""
        frames, window = x.shape[-1], self.get_buffer("window")
        sound = torch.cat([x[:, 0], x[:, 0, : -frames % HOP]], -1)
        with torch.autocast(x.device.type, enabled=False):
            X = torch.stft(sound, FRAME, HOP, window=window, pad_mode="reflect", return_complex=True)
            C = power(X, POWER).transpose(1, 2)
            heard = torch.stack([C.abs(), C.real, C.imag], 1)
        hidden = self.dense_encoder(heard).permute(0, 2, 3, 1).contiguous()
        for block in self.blocks:
            hidden = block(hidden)
        hidden = hidden.permute(0, 3, 1, 2)
        M, D = self.mask_decoder(hidden).float(), self.complex_decoder(hidden).float()
        E = M * C + torch.complex(D[:, 0], D[:, 1])
        V = power(E, 1 / POWER).transpose(1, 2)
        return torch.istft(V, FRAME, HOP, window=window)[:, None, :frames]
