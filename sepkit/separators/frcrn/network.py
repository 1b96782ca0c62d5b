"""FRCRN: two U-Nets over the complex spectrum of a sound, the second on what the first one found, give a complex mask.

    X = STFT(x) ─ U₁ ─ U₂      M = tanh(U₁) + tanh(U₂)      V = M·X ─ the way back

A complex layer has a real layer for each part, (a + ib)(x) = a(x_r) − b(x_i) + i(a(x_i) + b(x_r)). Here both parts of x
go through a layer at once, as two of a batch. Between the levels a memory runs along frequency, and at the bottom along
time. Frames of 640 are 320 apart, under the root of Hann's window. Layers are named as in the published checkpoint,
which names those of a list twice.

Source: S. Zhao et al., "FRCRN", ICASSP 2022, https://arxiv.org/abs/2206.07293; layers as in
https://github.com/modelscope/ClearerVoice-Studio (Apache-2.0).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

FRAME, HOP = 640, 320
BINS = FRAME // 2 + 1
CHANNELS = 128
ORDER = 20
SQUEEZED = CHANNELS // 8
DOWN_BINS = (5, 5, 5, 5, 5, 5, 2)
"""Heights of the encoders' kernels; each halves the bins, and is two steps wide."""
UP_BINS = (2, 5, 5, 5, 6, 5, 5)
LEVELS = len(DOWN_BINS)
ENVELOPE_FLOOR = 1e-8


def parts(layer_re: nn.Module, layer_im: nn.Module, x: Tensor) -> Tensor:
    """Of (2, …), real and imaginary part, what a complex layer makes: (2, …)."""
    a, b = layer_re(x), layer_im(x)
    return torch.stack([a[0] - b[1], a[1] + b[0]])


class Complex(nn.Module):
    """A complex convolution; name: what its two layers are called."""

    def __init__(self, name: str, make: type[nn.Module], *sizes: object, **options: object) -> None:
        super().__init__()
        self.names = f"{name}_re", f"{name}_im"
        for each in self.names:
            self.add_module(each, make(*sizes, **options))

    def forward(self, x: Tensor) -> Tensor:
        """(2, batch, channels, bins, steps) → the same, of other sizes."""
        found = [self.get_submodule(name)(x.flatten(0, 1)) for name in self.names]
        a, b = (torch.unflatten(each, 0, x.shape[:2]) for each in found)
        return torch.stack([a[0] - b[1], a[1] + b[0]])


class Norm(nn.Module):
    """Of each part its own."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn_re, self.bn_im = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(2, batch, channels, bins, steps) → the same."""
        return torch.stack([self.bn_re(x[0]), self.bn_im(x[1])])


class Level(nn.Module):
    """A complex convolution, its norm, and a leaky rectifier of each part."""

    def __init__(self, name: str, conv: Complex, outputs: int) -> None:
        super().__init__()
        self.conv_name = name
        self.add_module(name, conv)
        self.bn = Norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(2, batch, channels, bins, steps) → the same, of other sizes."""
        return functional.leaky_relu_(self.bn(self.get_submodule(self.conv_name)(x)))


class Memory(nn.Module):
    """A filter over this place and 19 before it: x + p + filter * p,   p = W₂·relu(W₁·x + b)."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(CHANNELS, CHANNELS)
        self.project = nn.Linear(CHANNELS, CHANNELS, bias=False)
        self.conv1 = nn.Conv2d(CHANNELS, CHANNELS, (ORDER, 1), groups=CHANNELS, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(…, places, channels) → the same."""
        x = x.contiguous()  # tap by tap over what lies scattered takes several times as long
        p: Tensor = self.project(self.linear(x).relu_())
        places, found = x.shape[-2], x + p
        before = functional.pad(p, (0, 0, ORDER - 1, 0))
        for tap, gains in enumerate(self.conv1.weight[:, 0, :, 0].T.to(p.dtype).contiguous()):
            found.addcmul_(before[..., tap : tap + places, :], gains)
        return found


class Memories(nn.Module):
    """A complex memory, or two one after another; along bins, or along steps."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = range(1, layers + 1)
        for layer in self.layers:
            self.add_module(f"fsmn_re_L{layer}", Memory())
            self.add_module(f"fsmn_im_L{layer}", Memory())

    def forward(self, x: Tensor) -> Tensor:
        """(2, batch, …, places, channels) → the same."""
        for layer in self.layers:
            x = parts(self.get_submodule(f"fsmn_re_L{layer}"), self.get_submodule(f"fsmn_im_L{layer}"), x)
        return x


class Squeeze(nn.Module):
    """A complex gain for each channel, from its mean over all bins and steps."""

    def __init__(self) -> None:
        super().__init__()
        for part in "ri":
            layers = nn.Linear(CHANNELS, SQUEEZED), nn.ReLU(), nn.Linear(SQUEEZED, CHANNELS), nn.Sigmoid()
            self.add_module(f"fc_{part}", nn.Sequential(*layers))

    def forward(self, x: Tensor) -> Tensor:
        """(2, batch, channels, bins, steps) → the same. The gain's parts multiply those of x one by one."""
        return x * parts(self.get_submodule("fc_r"), self.get_submodule("fc_i"), x.mean((3, 4)))[..., None, None]


class UNet(nn.Module):
    """See the module's docstring."""

    def __init__(self) -> None:
        super().__init__()
        down, up = (1, *[CHANNELS] * LEVELS), (CHANNELS, *[2 * CHANNELS] * (LEVELS - 1))
        self.fsmn = Memories(2)
        lists: dict[str, list[nn.Module]] = {
            "encoder": [
                Level("conv", Complex("conv", nn.Conv2d, a, b, (high, 2), (2, 1), (0, 1)), b)
                for (a, b), high in zip(pairwise(down), DOWN_BINS, strict=True)
            ],
            "decoder": [
                Level("transconv", Complex("tconv", nn.ConvTranspose2d, a, b, (high, 2), (2, 1), (0, 1)), b)
                for a, b, high in zip(up, (*[CHANNELS] * (LEVELS - 1), 1), UP_BINS, strict=True)
            ],
            "se_layer_enc": [Squeeze() for _ in range(LEVELS)],
            "se_layer_dec": [Squeeze() for _ in range(LEVELS - 1)],
            "fsmn_enc": [Memories(1) for _ in range(LEVELS)],
            "fsmn_dec": [Memories(1) for _ in range(LEVELS)],
        }
        plural = {"encoder": "encoders", "decoder": "decoders", "se_layer_enc": "se_layers_enc"}
        plural |= {"se_layer_dec": "se_layers_dec"}
        for name, layers in lists.items():
            self.add_module(plural.get(name, name), nn.ModuleList(layers))
            for index, layer in enumerate(layers):
                self.add_module(f"{name}{index}", layer)
        self.linear = Complex("conv", nn.Conv2d, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(2, batch, 1, bins, steps) → the same."""
        levels = []
        for index in range(LEVELS):
            if index:
                x = _along_bins(self._at("fsmn_enc", index), x)
            x = self._at("encoder", index)(x)
            if index < LEVELS - 1:
                levels.append(self._at("se_layer_enc", index)(x))
        x = self.fsmn(x.squeeze(3).transpose(2, 3)).transpose(2, 3)[:, :, :, None]
        for index in range(LEVELS - 1):
            x = _along_bins(self._at("fsmn_dec", index), self._at("decoder", index)(x))
            if index < LEVELS - 2:
                x = self._at("se_layer_dec", index)(x)
            x = torch.cat([x, levels.pop()], 2)
        found: Tensor = self.linear(self._at("decoder", LEVELS - 1)(x))
        return found

    def _at(self, name: str, index: int) -> nn.Module:
        return self.get_submodule(f"{name}{index}")


def _along_bins(memory: nn.Module, x: Tensor) -> Tensor:
    """A memory along bins: (2, batch, channels, bins, steps) → the same."""
    found: Tensor = memory(x.permute(0, 1, 4, 3, 2))
    return found.permute(0, 1, 4, 3, 2)


class FRCRN(nn.Module):
    """See the module's docstring."""

    def __init__(self) -> None:
        super().__init__()
        self.stft = nn.ParameterDict({"weight": torch.empty(2 * BINS, 1, FRAME)})
        self.istft = nn.ParameterDict({"weight": torch.empty(2 * BINS, 1, FRAME)})
        self.istft.register_buffer("window", torch.empty(1, FRAME, 1))
        self.istft.register_buffer("enframe", torch.empty(FRAME, 1, FRAME))
        self.unet, self.unet2 = UNet(), UNet()

    def ready(self) -> FRCRN:
        """Once loaded: the transform is torch's own, in place of the matrices of the checkpoint."""
        # In double precision, since the way back divides by its square, which is small at both ends.
        self.register_buffer("window", torch.hann_window(FRAME, dtype=torch.float64).sqrt().float())
        del self.stft, self.istft
        return self

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 1, frames) at 16 kHz → the same. What lies after the last whole step is filled up with zeros."""
        frames, window = x.shape[-1], self.get_buffer("window")
        sound = functional.pad(x[:, 0], (0, max(FRAME - frames, (FRAME - frames) % HOP)))
        steps = sound.unfold(-1, FRAME, HOP) * window
        X = torch.fft.rfft(steps).transpose(1, 2)
        first = self.unet(torch.stack([X.real, X.imag])[:, :, None])
        M = torch.tanh(first) + torch.tanh(self.unet2(first))
        V = torch.complex(M[0, :, 0].float(), M[1, :, 0].float()) * X
        back = torch.fft.irfft(V.transpose(1, 2), FRAME) * window
        found, envelope = (_overlapped(each, sound.shape[-1]) for each in (back, window.square().expand_as(back)))
        return (found / (envelope + ENVELOPE_FLOOR))[:, None, :frames]


def _overlapped(steps: Tensor, frames: int) -> Tensor:
    """Steps (batch, steps, FRAME), added where they stand: (batch, frames)."""
    return functional.fold(steps.transpose(1, 2), (1, frames), (1, FRAME), stride=(1, HOP))[:, 0, 0]
