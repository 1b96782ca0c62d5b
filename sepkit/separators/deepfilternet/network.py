"""DeepFilterNet 3 with blocks of our own that look further: gains for ERB bands, complex taps for the lowest bins.

Place: between `features` and the member; `sepkit.training` makes its weights.

An encoder hears band loudness and complex bins; recurrent layers of 256 remember. One decoder gives a gain m for each
of 32 bands, another five complex taps c for each of the lowest 96 bins, from two steps before to two steps after:

    V(t, f) = Σ_k c_k(t, f) · X(t + k − 2, f)  below 4.8 kHz,   V(t, f) = m(t, band of f) · X(t, f)  above

The trunk is the published network, layer by layer, so that its weights can be read (`trunk`). Ours are two stacks of
residual blocks, which add nothing until they are trained: one looks at single bins over 0.6 s to both sides, one at all
that the encoder found over 1.3 s. Where the original hears 20 ms of what is to come, a recording is there whole.
Singing is background, unless the network is told to keep it too: then learned constants are added to what both hear.

Sources: Schröter et al., INTERSPEECH 2023 (see `features`); dilated residual blocks, Luo & Mesgarani, "Conv-TasNet",
TASLP 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.models import exported
from sepkit.separators.deepfilternet import features as heard
from sepkit.separators.deepfilternet.blocks import Fine, WideBlock
from sepkit.separators.deepfilternet.features import FILTERED_BINS

CHANNELS = 64
COARSE_BANDS = 8
"""What the encoder's strides leave of 32."""
HIDDEN = 256
EMBEDDING = COARSE_BANDS * CHANNELS
TAPS = 5
AHEAD_STEPS = 2
"""How far the trunk looks ahead."""


@dataclass(frozen=True)
class Shape:
    """What is added to the trunk: dilations of the blocks, in steps of 10 ms. None: the published network as it is."""

    fine: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    wide: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    sung: bool = True
    """Whether it can be told to keep singing."""

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Shape:
        """From what `asdict` became on its way through JSON."""
        return cls(tuple(stored["fine"]), tuple(stored["wide"]), stored.get("sung", False))

    @property
    def reach_steps(self) -> int:
        """How far the encoder looks to either side, with the taps."""
        return sum(self.fine) + sum(self.wide) + AHEAD_STEPS + TAPS


TRUNK = Shape((), (), sung=False)
"""The published network as it is."""


class Found(NamedTuple):
    """What the encoder found, no memory yet.

    bands: four layers (batch, 64, steps, 32 … 8). bins: (batch, 64, steps, 96). embedding: (batch, steps, 512).
    """

    bands: tuple[Tensor, ...]
    bins: Tensor
    embedding: Tensor


class State(NamedTuple):
    """What the recurrent layers of encoder and decoders hold after a step: each (layers, batch, 256)."""

    encoder: Tensor
    gains: Tensor
    taps: Tensor


class Filters(NamedTuple):
    """gains: (batch, steps, 32) of bands; taps: (batch, steps, 96, 5) complex."""

    gains: Tensor
    taps: Tensor


class GroupedLinear(nn.Module):
    """A linear layer without bias, group by group: (…, groups·inputs) → (…, groups·outputs)."""

    def __init__(self, groups: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(groups, inputs, outputs) / inputs**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, groups·inputs) → (batch, steps, groups·outputs)."""
        return torch.einsum("btgi,gih->btgh", torch.unflatten(x, -1, self.weight.shape[:2]), self.weight).flatten(2)


class Memory(nn.Module):
    """Recurrent layers of 256 between two grouped layers: (batch, steps, 512) → (batch, steps, 512 or 256)."""

    def __init__(self, groups: int, layers: int, widened: bool) -> None:
        super().__init__()
        self.into = GroupedLinear(groups, EMBEDDING // groups, HIDDEN // groups)
        self.recurrent = nn.GRU(HIDDEN, HIDDEN, layers, batch_first=True)
        self.out = GroupedLinear(16, HIDDEN // 16, EMBEDDING // 16) if widened else None

    def forward(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """state: of the layers before the first step, (layers, batch, 256); None: nothing is remembered.

        Returns what was found and the state after the last step.
        """
        found, state = self.recurrent(functional.relu(self.into(x)), state)
        return (found if self.out is None else functional.relu(self.out(found))), state


class Separable(nn.Sequential):
    """Along frequency channel by channel, then from channel to channel."""

    def __init__(self, along: nn.Module, inputs: int = CHANNELS) -> None:
        super().__init__(along, nn.Conv2d(inputs, CHANNELS, 1), nn.ReLU())


def _along(stride: int = 1) -> nn.Module:
    return nn.Conv2d(CHANNELS, CHANNELS, (1, 3), (1, stride), (0, 1), groups=CHANNELS, bias=False)


def _back() -> nn.Module:
    return nn.ConvTranspose2d(CHANNELS, CHANNELS, (1, 3), (1, 2), (0, 1), (0, 1), groups=CHANNELS, bias=False)


def _scaled() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 1, groups=CHANNELS), nn.ReLU())


class Encoder(nn.Module):
    """From both features to what each resolution found, and to the embedding of a step."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.bands_0 = nn.Sequential(nn.Conv2d(1, CHANNELS, 3, padding=(0, 1)), nn.ReLU())
        self.bands_1, self.bands_2, self.bands_3 = (Separable(_along(stride)) for stride in (2, 2, 1))
        self.bins_0 = Separable(nn.Conv2d(2, CHANNELS, 3, padding=(0, 1), groups=2, bias=False))
        self.bins_1 = Separable(_along(2))
        self.bins_out = GroupedLinear(32, FILTERED_BINS // 2 * CHANNELS // 32, EMBEDDING // 32)
        self.fine = Fine(CHANNELS, shape.fine) if shape.fine else None
        self.wide = nn.ModuleList(WideBlock(EMBEDDING, dilation) for dilation in shape.wide)
        if shape.sung:
            self.sung_fine = nn.Parameter(torch.zeros(CHANNELS))
            self.sung_wide = nn.Parameter(torch.zeros(len(shape.wide) + 1, EMBEDDING))

    def forward(self, bands: Tensor, bins: Tensor, sung: Tensor | None = None) -> Found:
        """Bands (batch, 1, steps + 2, 32) and bins (batch, 2, steps + 2, 96): each step hears the two after it, too.

        sung: 1 where singing is to be kept, 0 where not, (batch,); None: nowhere.
        """
        found = [self.bands_0(bands)]
        for layer in (self.bands_1, self.bands_2, self.bands_3):
            found.append(layer(found[-1]))
        fine = self.bins_0(bins)
        if sung is not None:
            fine = fine + sung[:, None, None, None] * self.sung_fine[:, None, None]
        if self.fine is not None:
            fine = fine + self.fine(fine)
        embedding = functional.relu(self.bins_out(_flat(self.bins_1(fine)))) + _flat(found[-1])
        for index, block in enumerate([*self.wide, None]):
            if sung is not None:
                embedding = embedding + sung[:, None, None] * self.sung_wide[index]
            if block is not None:
                embedding = embedding + block(embedding)
        return Found(tuple(found), fine, embedding)


class GainDecoder(nn.Module):
    """From the embedding and the encoder's bands to a gain for each of 32 bands."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory(16, 2, widened=True)
        self.skips = nn.ModuleList(_scaled() for _ in range(4))
        self.up = nn.ModuleList([Separable(_along()), Separable(_back()), Separable(_back())])
        self.last = nn.Conv2d(CHANNELS, 1, (1, 3), padding=(0, 1))

    def forward(self, embedding: Tensor, found: tuple[Tensor, ...], state: Tensor | None) -> tuple[Tensor, Tensor]:
        """(batch, steps, 512) and four layers → (batch, steps, 32), and the state after."""
        x, state = self.memory(embedding, state)
        x = torch.unflatten(x, -1, (COARSE_BANDS, CHANNELS)).permute(0, 3, 1, 2)
        for layer, skip, up in zip(found[:0:-1], self.skips, self.up, strict=False):
            x = up(skip(layer) + x)
        gains: Tensor = self.last(self.skips[-1](found[0]) + x)
        return torch.sigmoid(gains.float())[:, 0], state


class TapDecoder(nn.Module):
    """From the embedding and the encoder's bins to five complex taps for each of 96 bins."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory(8, 2, widened=False)
        self.skip = GroupedLinear(16, EMBEDDING // 16, HIDDEN // 16)
        self.out = GroupedLinear(16, HIDDEN // 16, FILTERED_BINS * 2 * TAPS // 16)
        self.bins = nn.Sequential(
            nn.Conv2d(CHANNELS, 2 * TAPS, (TAPS, 1), groups=2, bias=False), nn.Conv2d(2 * TAPS, 2 * TAPS, 1), nn.ReLU()
        )

    def forward(self, embedding: Tensor, fine: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """(batch, steps, 512) and (batch, 64, 4 + steps, 96) → (batch, steps, 96, 5), complex, and the state after."""
        x, state = self.memory(embedding, state)
        x = torch.tanh(self.out(x + self.skip(embedding)).float())
        direct = self.bins(fine).permute(0, 2, 3, 1).float()
        parts = torch.unflatten(x, -1, (FILTERED_BINS, 2 * TAPS)) + direct
        return torch.view_as_complex(parts.unflatten(-1, (TAPS, 2)).contiguous()), state


class DeepFilterNet(nn.Module):
    """Speech from a mono mix at 48 kHz; see the module's docstring."""

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        self.shape = shape or Shape()
        self.encoder = Encoder(self.shape)
        self.memory = Memory(16, 1, widened=True)
        self.gains = GainDecoder()
        self.taps = TapDecoder()
        self.widths = heard.band_widths()
        self.register_buffer("window", heard.window(), persistent=False)
        self.register_buffer("bands", torch.tensor(self.widths), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """The speech in (batch, frames) at 48 kHz; the same shape."""
        X = self.analyse(samples)
        return self.synthesise(self.filtered(X, self.filters(X)), samples.shape[-1])

    def filters(self, X: Tensor, sung: Tensor | None = None) -> Filters:
        """Of a whole mix (batch, steps, bins): gains and taps. sung: (batch,), 1 where singing is to be kept."""
        with torch.autocast(X.device.type, enabled=False):
            bands, bins, _ = heard.features(X, self.widths, heard.first_means(len(X), X.device))
        return self.decoded(self.found(bands, bins, sung), 0, None)[0]

    def found(self, bands: Tensor, bins: Tensor, sung: Tensor | None = None) -> Found:
        """What the encoder finds in features (batch, 1, steps, 32) and (batch, 2, steps, 96); zeros follow them."""
        ahead = (0, 0, 0, AHEAD_STEPS)
        found: Found = self.encoder(functional.pad(bands, ahead), functional.pad(bins, ahead), sung)
        return found

    def decoded(self, found: Found, start: int, state: State | None, stop: int | None = None) -> tuple[Filters, State]:
        """Filters of the steps from start to stop, and the state after the last. state: before the first."""
        steps = slice(start, stop)
        before, past = state or (None, None, None), TAPS - 1
        embedding, encoder = self.memory(found.embedding[:, steps], before[0])
        gains, gains_state = self.gains(embedding, tuple(layer[:, :, steps] for layer in found.bands), before[1])
        fine = functional.pad(found.bins, (0, 0, past, 0))[:, :, start : None if stop is None else stop + past]
        taps, taps_state = self.taps(embedding, fine, before[2])
        return Filters(gains, taps), State(encoder, gains_state, taps_state)

    def filtered(self, X: Tensor, filters: Filters, start: int = 0) -> Tensor:
        """V of the steps of (batch, steps, bins) that there are filters for, which begin at step `start`."""
        steps = filters.gains.shape[1]
        low = functional.pad(torch.view_as_real(X[..., :FILTERED_BINS]), (0, 0, 0, 0, AHEAD_STEPS, AHEAD_STEPS))
        around = torch.view_as_complex(low[:, start : start + steps + TAPS - 1]).unfold(1, TAPS, 1)
        V_low = (filters.taps * around).sum(-1)
        gains = filters.gains.repeat_interleave(self.get_buffer("bands"), dim=-1)[..., FILTERED_BINS:]
        return torch.cat([V_low, X[:, start : start + steps, FILTERED_BINS:] * gains], -1)

    def analyse(self, samples: Tensor) -> Tensor:
        """(batch, frames) → (batch, steps, bins); what `synthesise` needs is added at the end."""
        missing = -samples.shape[-1] % heard.HOP_FRAMES + heard.HOP_FRAMES
        return heard.analyse(functional.pad(samples, (0, missing)), self.get_buffer("window"))

    def synthesise(self, V: Tensor, frames: int) -> Tensor:
        """The way back from `analyse`."""
        return heard.synthesise(V, self.get_buffer("window"))[:, :frames]


def read(path: Path, device: str = "cpu") -> tuple[Shape, dict[str, Tensor]]:
    """The sizes and tensors of a file of exported weights."""
    return exported.read(path, "deepfilternet", Shape.from_json, device)


def _flat(x: Tensor) -> Tensor:
    """(batch, channels, steps, bands) → (batch, steps, bands·channels)."""
    return x.permute(0, 2, 3, 1).flatten(2)
