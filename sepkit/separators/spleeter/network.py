"""Spleeter's networks: from the magnitudes of a stereo mix a U-Net for each stem, and of all of them the masks.

    x ─ STFT ─┬ |X|, 512 steps × F bins ─ U-Net of each stem ─ v ─ M = v² / Σ v² ─┐
              └ X ─────────────────────────────────────────────────────── M·X ─ the way back, a stem each

Steps of 4096 samples, 1024 apart, under Hann's window there and back, whose products sum to 3/2.
A segment is 512 steps. The first of a source ends where the source begins. Above F bins a mask is zero, or its mean.

Source: see the package; A. Jansson et al., "Singing voice separation with deep U-Net convolutional networks",
ISMIR 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.separators.spleeter.published import Extension, Published

FRAME = 4096
HOP = 1024
STEPS = 512
STRIDE_FRAMES = STEPS * HOP
SEGMENT_FRAMES = (STEPS - 1) * HOP + FRAME
WINDOWS_SUM = 1.5
"""Of the squared windows over every sample, FRAME / HOP · mean(hann²)."""
EPSILON = 1e-10
NORM_EPSILON = 1e-3
LEAK = 0.2
DEPTH = 6
KERNEL = 5
CHANNELS = 2
FEW_CHANNELS = 16
"""Where `Phases` pays: the last two layers of a published network."""
LEFT, RIGHT = 1, 2
"""Zeros before and after, as TensorFlow's "same" has them for strides of 2 and an even size."""
NORM_PARTS = ("gamma", "beta", "moving_mean", "moving_variance")
CONVS = (*(f"down.{layer}" for layer in range(DEPTH)), "last")
TRANSPOSED = tuple(f"up.{layer}" for layer in range(DEPTH))
NORMS = tuple(f"{way}_norms.{layer}" for way in ("down", "up") for layer in range(DEPTH))
"""A stem's layers of each kind, in the order in which TensorFlow numbers them, through all stems."""
KERNEL_AXES = 3, 2, 0, 1
"""Of TensorFlow's height, width, inputs and outputs those are torch's; on the way up both have these two exchanged."""


class Norm(nn.Module):
    """(batch, channels, …) by what the training found of each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for part in NORM_PARTS:
            self.register_buffer(part, torch.empty(channels))

    def forward(self, x: Tensor) -> Tensor:
        """γ·(x − μ) / √(σ² + ε) + β."""
        gamma, beta, mean, variance = map(self.get_buffer, NORM_PARTS)
        return functional.batch_norm(x, mean, variance, gamma, beta, eps=NORM_EPSILON)


class Up(nn.ConvTranspose2d):
    """A layer on the way up: (batch, inputs, h, w) → (batch, outputs, 2h, 2w)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, KERNEL, 2, padding=LEFT)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Without the last row and column, which "same" leaves out."""
        return super().forward(x, output_size)[..., :-1, :-1]


class Phases(nn.Module):
    """The same as one convolution that gives the four phases of a place side by side, which are then put in order.

    Of a row 2i + p of the output, tap k comes from row i + d of the input where k = p + 1 − 2d. 11 taps in 36 are
    zeros, and still a processor is faster by it where a layer has few outputs: of 1, by half.
    """

    def __init__(self, up: Up) -> None:
        super().__init__()
        taps = functional.pad(up.weight.detach(), (1, 0, 1, 0)).flip(2, 3)
        taps = taps.reshape(*taps.shape[:2], 3, 2, 3, 2).flip(3, 5)  # inputs, outputs, then d and p of each axis
        assert up.bias is not None, "each layer has one"
        self.register_buffer("weight", taps.permute(1, 3, 5, 0, 2, 4).flatten(0, 2).contiguous())
        self.register_buffer("bias", up.bias.detach().repeat_interleave(4))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        found = functional.conv2d(x, self.get_buffer("weight"), self.get_buffer("bias"), padding=1)
        return functional.pixel_shuffle(found, 2)


class UNet(nn.Module):
    """One stem's: (batch, 2, 512, F) → what its last layer gives, of the same shape. The sixth norm is never used."""

    def __init__(self, filters: Sequence[int], elu: bool) -> None:
        super().__init__()
        ups = [*filters[DEPTH - 2 :: -1], 1]
        joined = [filters[-1], *(2 * width for width in ups[:-1])]
        self.down = nn.ModuleList(
            nn.Conv2d(width, wider, KERNEL, 2) for width, wider in zip((CHANNELS, *filters), filters, strict=False)
        )
        self.down_norms = nn.ModuleList(Norm(width) for width in filters)
        self.up = nn.ModuleList(Up(width, narrower) for width, narrower in zip(joined, ups, strict=True))
        self.up_norms = nn.ModuleList(Norm(width) for width in ups)
        self.last = nn.Conv2d(1, CHANNELS, 4, dilation=2, padding=3)
        self.elu = elu

    def on_processor(self) -> None:
        """With layers as a processor computes them fastest, of the same numbers."""
        for index, up in enumerate(self.up):
            if isinstance(up, Up) and up.out_channels <= FEW_CHANNELS:
                self.up[index] = Phases(up)

    def forward(self, x: Tensor) -> Tensor:
        """Skips leave before the norms; on the way up the norms come last."""
        skips = []
        for down, norm in zip(self.down, self.down_norms, strict=True):
            skips.append(down(functional.pad(x, (LEFT, RIGHT, LEFT, RIGHT))))
            if len(skips) < DEPTH:
                heard = norm(skips[-1])
                x = functional.elu(heard) if self.elu else functional.leaky_relu(heard, LEAK)
        x = skips.pop()
        for up, norm in zip(self.up, self.up_norms, strict=True):
            wide = up(x)
            x = norm(functional.elu(wide) if self.elu else functional.relu(wide))
            if skips:
                x = torch.cat([skips.pop(), x], 1)
        found: Tensor = self.last(x)
        return found


class Spleeter(nn.Module):
    """All stems of a segment: (batch, 2, frames) → (batch, 1, 2 · stems, frames), stem after stem.

    A segment begins where its first step does, and has at most `SEGMENT_FRAMES`; what it lacks is zeros. Neighbours are
    `STRIDE_FRAMES` apart, and are summed.
    """

    def __init__(self, kind: Published, filters: Sequence[int], bins: int, extension: Extension) -> None:
        super().__init__()
        self.stems = nn.ModuleList(UNet(filters, kind.elu) for _ in kind.stems)
        self.shared, self.bins, self.extension = kind.shared, bins, extension

    def ready(self, device: str) -> Spleeter:
        """Once loaded: with what is known without a checkpoint, and as a device computes it fastest."""
        self.register_buffer("window", torch.hann_window(FRAME), persistent=False)
        if device == "cpu":
            for net in self.modules():
                if isinstance(net, UNet):
                    net.on_processor()
        self.eval().requires_grad_(False)
        return self.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def names(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Of each tensor, by its name in a checkpoint: its name here, and the order of its axes."""
        found: dict[str, tuple[str, tuple[int, ...]]] = {}
        for stem in range(len(self.stems)):
            for kind, layers in (("conv2d", CONVS), ("conv2d_transpose", TRANSPOSED)):
                for number, layer in enumerate(layers, stem * len(layers)):
                    found[f"{_numbered(kind, number)}/kernel"] = f"stems.{stem}.{layer}.weight", KERNEL_AXES
                    found[f"{_numbered(kind, number)}/bias"] = f"stems.{stem}.{layer}.bias", (0,)
            for number, layer in enumerate(NORMS, stem * len(NORMS)):
                for part in NORM_PARTS:
                    found[f"{_numbered('batch_normalization', number)}/{part}"] = f"stems.{stem}.{layer}.{part}", (0,)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        frames = x.shape[-1]
        with torch.autocast(x.device.type, enabled=False):
            X = self.spectrum(functional.pad(x, (0, SEGMENT_FRAMES - frames)))
        v = self.magnitudes(X[..., : self.bins].abs())
        with torch.autocast(x.device.type, enabled=False):
            powers = v.float().square_()
            total = powers.sum(0) + EPSILON
            found = [self.sound(self.extended((power + EPSILON / len(powers)) / total) * X) for power in powers]
        return torch.cat(found, 1)[:, None, :, :frames]

    def spectrum(self, x: Tensor) -> Tensor:
        """(batch, 2, SEGMENT_FRAMES) → (batch, 2, STEPS, FRAME / 2 + 1)."""
        X: Tensor = torch.fft.rfft(x.unfold(-1, FRAME, HOP) * self.get_buffer("window"))
        return X

    def magnitudes(self, heard: Tensor) -> Tensor:
        """What each stem's network makes of (batch, 2, STEPS, bins): (stems, batch, 2, STEPS, bins)."""
        found = torch.stack([net(heard).contiguous() for net in self.stems])
        return (found.softmax(0) if self.shared else found.sigmoid_()) * heard

    def extended(self, mask: Tensor) -> Tensor:
        """The mask for all bins of the spectrum."""
        more = FRAME // 2 + 1 - self.bins
        if self.extension == "zeros":
            return functional.pad(mask, (0, more))
        return torch.cat([mask, mask.mean(-1, keepdim=True).expand(*mask.shape[:-1], more)], -1)

    def sound(self, X: Tensor) -> Tensor:
        """(batch, 2, STEPS, FRAME / 2 + 1) → (batch, 2, SEGMENT_FRAMES), unfinished where a neighbour adds its own."""
        steps = torch.fft.irfft(X, FRAME) * (self.get_buffer("window") / WINDOWS_SUM)
        pieces = steps.unflatten(-1, (-1, HOP))
        over = FRAME // HOP
        found = X.real.new_zeros(*X.shape[:-2], STEPS + over - 1, HOP)
        for shift in range(over):
            found[..., shift : shift + STEPS, :] += pieces[..., shift, :]
        return found.flatten(-2)


def filters_of(tensors: Mapping[str, Any]) -> tuple[int, ...]:
    """The width of each layer on the way down, as the first stem's tensors have it."""
    return tuple(int(tensors[f"{_numbered('conv2d', layer)}/kernel"].shape[3]) for layer in range(DEPTH))


def _numbered(kind: str, number: int) -> str:
    """TensorFlow's name of the layer of a kind that was made as that one; the first has no number."""
    return f"{kind}_{number}" if number else kind
