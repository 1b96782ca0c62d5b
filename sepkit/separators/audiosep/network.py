"""The separator of AudioSep, ResUNet30: a U-Net over the magnitudes of a spectrum gives a complex mask.

    X = STFT(mix) ─ |X| ─ norm ─ 6 encoders ─ centre ─ 6 decoders ─ a, b, c
    V = X · σ(a) · (tanh b + i tanh c) / |tanh b + i tanh c|

All that the network hears is magnitudes. Of a stereo mix it is given the root mean square of both channels', and its
one mask goes to both: what is panned stays where it is panned, and stereo costs as much as mono.

A stretch is filled up to whole blocks of 32 steps, the coarsest level's. The highest bin gets no mask and is silent.
Layers are named as in the checkpoints (`ss_model.*`), so that these are read as they are.

Source: Kong et al., 2023, https://arxiv.org/abs/2305.07447, and Liu et al., 2023 (see the package).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.separators.audiosep.blocks import Decoder, Encoder, Told, affine, nothing

BLOCK_STEPS = 2**5
STRIDES = ((2, 2), (2, 2), (2, 2), (2, 2), (2, 2), (1, 2))
"""Of the encoders, in steps and bins."""
SECOND_HOPS = 100
"""Steps a second, at any rate that a network of this kind was trained for."""
FLOOR = 1e-10
"""Least power of a bin, and least length of the phase's vector."""


@dataclass(frozen=True)
class Shape:
    """bins: of the spectrum. widths: channels of the encoders. asked: numbers in a prompt's vector."""

    bins: int = 1025
    widths: tuple[int, ...] = (32, 64, 128, 256, 384, 384)
    asked: int = 512

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Shape:
        """As the tensors of a checkpoint have it; a name that is absent is a KeyError."""
        widths = (
            len(tensors[f"base.encoder_block{level}.conv_block1.conv2.weight"]) for level in range(1, len(STRIDES) + 1)
        )
        asked = tensors["film.encoder_block1->conv_block1->beta1.weight"].shape[1]
        return cls(len(tensors["base.bn0.weight"]), tuple(widths), asked)

    @property
    def fft_frames(self) -> int:
        """A step sees so many frames."""
        return 2 * (self.bins - 1)

    @property
    def hop_frames(self) -> int:
        """From step to step: 320 of 2048."""
        return self.fft_frames * 320 // 2048

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        return SECOND_HOPS * self.hop_frames


class Transform(nn.Module):
    """The transform that checkpoints hold as matrices; torch's own takes its place."""

    def __init__(self, real: tuple[int, ...], window: int | None = None) -> None:
        super().__init__()
        self.conv_real, self.conv_imag = (nn.ParameterDict({"weight": torch.empty(real)}) for _ in range(2))
        if window is not None:
            self.register_buffer("ola_window", torch.empty(window))


class Base(nn.Module):
    """The network but for what is told; only a name in the checkpoints."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        fft_frames, (first, *_) = shape.fft_frames, shape.widths
        self.stft = Transform((shape.bins, 1, fft_frames))
        self.istft = Transform((fft_frames, fft_frames, 1), fft_frames)
        self.bn0 = nn.BatchNorm2d(shape.bins)
        self.pre_conv = nn.Conv2d(1, first, 1)
        inputs = first
        for level, (width, stride) in enumerate(zip(shape.widths, STRIDES, strict=True), 1):
            self.add_module(f"encoder_block{level}", Encoder(inputs, width, stride, f"encoder_block{level}"))
            inputs = width
        self.conv_block7a = Encoder(inputs, inputs, (1, 1), "conv_block7a")
        for level, (width, stride) in enumerate(zip(reversed(shape.widths), reversed(STRIDES), strict=True), 1):
            self.add_module(f"decoder_block{level}", Decoder(inputs, width, stride, f"decoder_block{level}"))
            inputs = width
        self.after_conv = nn.Conv2d(first, 3, 1)

    def levels(self) -> list[nn.Module]:
        """Encoders, centre, decoders."""
        return [module for module in self.children() if isinstance(module, (Encoder, Decoder))]


class ResUNet(nn.Module):
    """See the module's docstring."""

    scale: Tensor
    shift: Tensor
    window: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.base = Base(shape)
        norms = {
            name: module.num_features
            for name, module in self.base.named_modules()
            if isinstance(module, nn.BatchNorm2d) and name != "bn0"
        }
        self.film = nn.ModuleDict(
            {name.replace(".", "->").replace("bn", "beta"): nn.Linear(shape.asked, n) for name, n in norms.items()}
        )

    def fold(self) -> ResUNet:
        """Once loaded: leave out what has no say, and bring the norms to their shortest form."""
        base = self.base
        for name, tensor in zip(("scale", "shift"), affine(base.bn0), strict=True):
            self.register_buffer(name, tensor)
        self.register_buffer("window", torch.hann_window(self.shape.fft_frames))
        del base.bn0, base.stft, base.istft
        for level in base.levels():
            level.fold(self.film)  # type: ignore[operator]
        return self

    def told(self, vector: Tensor) -> Told:
        """What a prompt's vector (asked,) adds at each place."""
        return {name: layer(vector)[:, None, None] for name, layer in self.film.items()}

    def analyse(self, samples: Tensor) -> Tensor:
        """(channels, frames) → (channels, bins, steps); less than half a window of frames is filled with zeros."""
        missing = max(0, self.shape.fft_frames // 2 + 1 - samples.shape[-1])
        samples = functional.pad(samples, (0, missing))
        return torch.stft(
            samples, self.shape.fft_frames, self.shape.hop_frames, window=self.window, return_complex=True
        )

    def synthesise(self, V: Tensor, frames: int) -> Tensor:
        """The way back from `analyse`."""
        whole = max(frames, self.shape.fft_frames // 2 + 1)
        return torch.istft(V, self.shape.fft_frames, self.shape.hop_frames, window=self.window, length=whole)[
            ..., :frames
        ]

    def mask(self, X: Tensor, told: Told) -> Tensor:
        """The complex mask (bins, steps) for the spectrum X (channels, bins, steps) of one source."""
        steps = X.shape[2]
        power = X.real.square() + X.imag.square()
        x = power.mean(0).clamp_min_(FLOOR).sqrt_().T * self.scale + self.shift
        x = functional.pad(x[None, None, :, :-1], (0, 0, 0, -steps % BLOCK_STEPS))
        *encoders, centre = (level for level in self.base.levels() if isinstance(level, Encoder))
        decoders = [level for level in self.base.levels() if isinstance(level, Decoder)]
        found: list[Tensor] = []
        for encoder in encoders:
            found.append(encoder(x, told, nothing if found else self.base.pre_conv))
            x = encoder.pooled(found[-1])
        x = centre(x, told)
        for decoder in decoders:
            x = decoder(x, found.pop(), told, nothing if found else self._masked)
        return functional.pad(x[0, 0, :steps], (0, 1)).T

    def _masked(self, x: Tensor) -> Tensor:
        """(1, channels, steps, bins) → the mask (1, 1, steps, bins)."""
        a, b, c = self.base.after_conv(x).chunk(3, 1)
        turn = torch.complex(torch.tanh(b), torch.tanh(c))
        return torch.sigmoid(a) * turn / turn.abs().clamp_min_(FLOOR)
