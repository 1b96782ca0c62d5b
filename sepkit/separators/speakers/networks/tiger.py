"""TIGER's design for several voices: one block, run over and over, that looks across the bands and along time in turn.

The spectrum is cut into 67 bands, narrow at the bottom. The block has two paths, one across the bands and one along
time. Each gathers its axis at several scales (`MultiScale`) and then compares all places of it (`Attention`): bands by
all that sounds in them for a while, steps by all that sounds at them. The masks of the voices sum to 1.

Three things differ from the source. Its norms and its attention span the whole recording; here a norm spans the
channels of one place (of all bands, on the path across them), and the attention spans chunks, so that the reach is
finite. There is no dropout. The way back begins at the coarsest scale; its code begins one above.

Source: Xu, Li, Chen & Hu, "TIGER: Time-frequency Interleaved Gain Extraction and Reconstruction for Efficient Speech
Separation", ICLR 2025, https://github.com/JusperLee/TIGER; the sizes are those of its small model.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.separators._voices.spectra import Spectra
from sepkit.separators.speakers.networks._depthwise import Depthwise
from sepkit.separators.speakers.networks._local_norm import LocalNorm
from sepkit.separators.speakers.networks._shape import BaseShape

BANDS = ((1, 40), (4, 10), (10, 8), (20, 8))
"""(bins, how many such bands) of 321 bins of 25 Hz; one bin is left for the last band: 67 bands."""
FFT_FRAMES, HOP_FRAMES = 640, 160
LEVEL_STEPS = 50
"""What the norm of a band hears to either side: half a second."""
TAPS = 5


@dataclass(frozen=True)
class Shape(BaseShape):
    """rounds: how often the block is run. scales: each half as fine. query: features of a place and head.

    chunk_steps: what the attention sees, by default 0.8 s, a multiple of 2^(scales − 1).
    """

    channels: int = 128
    hidden: int = 256
    rounds: int = 4
    scales: int = 5
    heads: int = 4
    query: int = 4
    chunk_steps: int = 80

    @property
    def reach_steps(self) -> int:
        """Of the norm at the input, and of each round's convolutions, brought to whole chunks by the attention.

        With s steps a place of the coarsest scale: 2 (s − 1) down, 2 for the first, 2 s there, 2 (s − 1) up, and twice
        less than s for where in such a place a step lies.
        """
        gathered: int = 8 * 2 ** (self.scales - 1)
        return self.chunk_steps * (1 + self.rounds * -(-gathered // self.chunk_steps)) + LEVEL_STEPS


class Network(nn.Module):
    """Each voice of a mono mix at 16 kHz; see the module's docstring."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.grid_frames = shape.chunk_steps * HOP_FRAMES
        self.reach_frames = shape.reach_steps * HOP_FRAMES + FFT_FRAMES
        self.spectra = Spectra(FFT_FRAMES, HOP_FRAMES, torch.hann_window(FFT_FRAMES), shape.chunk_steps)
        counted = sum(width * count for width, count in BANDS)
        self.widths = [width for width, count in BANDS for _ in range(count)] + [FFT_FRAMES // 2 + 1 - counted]
        self.split = nn.ModuleList(
            nn.Sequential(LocalNorm(2 * width, LEVEL_STEPS), nn.Linear(2 * width, shape.channels))
            for width in self.widths
        )
        self.across, self.along = Path(shape, 2), Path(shape, 1)
        self.again = nn.Parameter(torch.ones(shape.channels))
        self.again_bias = nn.Parameter(torch.zeros(shape.channels))
        self.again_act = nn.PReLU()
        self.masks = nn.ModuleList(Mask(shape, width) for width in self.widths)

    def forward(self, mix: Tensor) -> Tensor:
        """(batch, frames) → (batch, speakers, frames)."""
        X = self.spectra.analyse(mix)
        pieces = torch.split(torch.view_as_real(X).transpose(1, 2), self.widths, 2)  # of (batch, steps, bins, 2)
        first = torch.stack([split(piece.flatten(2)) for split, piece in zip(self.split, pieces, strict=True)], 2)
        x = self._round(first)
        for _ in range(self.shape.rounds - 1):
            x = self._round(self.again_act((first + x) * self.again + self.again_bias))
        M = torch.cat([mask(x[:, :, band]) for band, mask in enumerate(self.masks)], 3).float()
        whole = torch.tensor([1.0, 0.0], device=M.device)
        M = M + (whole - M.sum(2, keepdim=True)) / self.shape.speakers
        voices = torch.view_as_complex(M.contiguous()).permute(0, 2, 3, 1) * X[:, None]
        return self.spectra.synthesise(voices, mix.shape[-1])

    def _round(self, x: Tensor) -> Tensor:
        """The block on (batch, steps, bands, channels)."""
        x = x + self.across(x)
        along: Tensor = self.along(x.transpose(1, 2))
        return x + along.transpose(1, 2)


class Path(nn.Module):
    """Over the last axis but one of (batch, rows, places, channels): bands of a step, or steps of a band.

    spans: how many of the last axes its norms go over.
    """

    def __init__(self, shape: Shape, spans: int) -> None:
        super().__init__()
        self.steps_last, self.chunk_steps = spans == 1, shape.chunk_steps
        self.gather = MultiScale(shape, spans)
        self.attend = Attention(shape)
        self.norm = nn.LayerNorm(shape.channels)

    def forward(self, x: Tensor) -> Tensor:
        """What is to be added to x; the attention goes chunk by chunk of the steps."""
        x = self.gather(x)
        batch, rows, places, channels = x.shape
        if self.steps_last:
            chunks = x.reshape(batch, rows, -1, self.chunk_steps, channels).transpose(1, 2).flatten(0, 1)
            found = self.attend(chunks).reshape(batch, -1, rows, self.chunk_steps, channels).transpose(1, 2)
        else:
            found = self.attend(x.reshape(-1, self.chunk_steps, places, channels))
        normed: Tensor = self.norm(found.reshape(x.shape))
        return normed


class Norm(nn.Module):
    """A layer norm over the last `spans` axes, with a weight and a bias for each channel."""

    def __init__(self, channels: int, spans: int) -> None:
        super().__init__()
        self.spans = spans
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        if self.spans == 1:
            return functional.layer_norm(x, x.shape[-1:], self.weight, self.bias)
        return functional.layer_norm(x, x.shape[-self.spans :]) * self.weight + self.bias


class MultiScale(nn.Module):
    """The source's MSA: the places at several scales, what is common to all of them, and from coarse to fine again."""

    def __init__(self, shape: Shape, spans: int) -> None:
        super().__init__()
        hidden = shape.hidden
        self.widen = nn.Sequential(nn.Linear(shape.channels, hidden), Norm(hidden, spans), nn.PReLU())
        self.down = nn.ModuleList(
            nn.Sequential(Depthwise(hidden, TAPS, 2 if scale else 1), Norm(hidden, spans))
            for scale in range(shape.scales)
        )
        self.common = nn.Sequential(
            nn.Linear(hidden, hidden, bias=False),
            Norm(hidden, spans),
            Depthwise(hidden, TAPS),
            nn.ReLU(),
            nn.Linear(hidden, hidden, bias=False),
            Norm(hidden, spans),
        )
        self.tell = nn.ModuleList(Gate(hidden, 1, spans) for _ in range(shape.scales))
        self.up = nn.ModuleList(Gate(hidden, TAPS, spans) for _ in range(shape.scales - 1))
        self.narrow = nn.Linear(hidden, shape.channels)

    def forward(self, x: Tensor) -> Tensor:
        """(…, places, channels) → the same."""
        found = [self.down[0](self.widen(x))]
        for down in self.down[1:]:
            found.append(down(found[-1]))
        coarsest = found[-1].shape[-2]
        common = self.common(torch.stack([_pooled(each, coarsest) for each in found]).sum(0))
        told = [gate(each, common) for gate, each in zip(self.tell, found, strict=True)]
        last = told.pop()
        for gate in reversed(self.up):
            last = gate(told.pop(), last)
        added: Tensor = self.narrow(last)
        return x + added


class Gate(nn.Module):
    """What is fine, opened and closed by what is coarse, and what is coarse added."""

    def __init__(self, channels: int, taps: int, spans: int) -> None:
        super().__init__()
        self.fine, self.open, self.coarse = (
            nn.Sequential(Depthwise(channels, taps, bias=False), Norm(channels, spans)) for _ in range(3)
        )

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """(…, places, channels) and (…, fewer places, channels) → as the first."""
        places = fine.shape[-2]
        nearest = torch.arange(places, device=fine.device) * coarse.shape[-2] // places
        opened = torch.sigmoid(self.open(coarse)).index_select(-2, nearest)
        found: Tensor = self.fine(fine) * opened + self.coarse(coarse).index_select(-2, nearest)
        return found


class Attention(nn.Module):
    """The source's F³A on (batch, rows, places, channels): places compared by what all rows have at them."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        channels, self.heads = shape.channels, shape.heads
        self.queries, self.keys = (Heads(channels, shape.query, shape.heads) for _ in range(2))
        self.values = Heads(channels, channels // shape.heads, shape.heads)
        self.out = nn.Sequential(nn.Linear(channels, channels), nn.PReLU(), nn.LayerNorm(channels))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        batch, rows, places, _ = x.shape
        found = functional.scaled_dot_product_attention(self.queries(x), self.keys(x), self.values(x))
        found = found.reshape(batch, self.heads, places, rows, -1).permute(0, 3, 2, 1, 4).flatten(3)
        added: Tensor = self.out(found)
        return x + added


class Heads(nn.Module):
    """Features of every place and row for each head, (batch, heads, places, rows · size)."""

    def __init__(self, channels: int, size: int, heads: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, heads * size)
        self.slopes = nn.Parameter(torch.full((heads, 1), 0.25))  # of a PReLU for each head
        self.weight = nn.Parameter(torch.ones(heads, size))
        self.bias = nn.Parameter(torch.zeros(heads, size))

    def forward(self, x: Tensor) -> Tensor:
        """Of (batch, rows, places, channels)."""
        found = self.linear(x).unflatten(-1, self.weight.shape)
        found = torch.where(found > 0, found, found * self.slopes)
        found = functional.layer_norm(found, found.shape[-1:]) * self.weight + self.bias
        return found.permute(0, 3, 2, 1, 4).flatten(3)


class Mask(nn.Module):
    """From a band's channels (batch, steps, channels) to the masks of its bins, (batch, steps, speakers, width, 2).

    Each voice's come from its own part of the channels, as many for each.
    """

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        self.speakers, self.width = shape.speakers, width
        self.act = nn.PReLU()
        own = shape.channels // shape.speakers
        self.weight = nn.Parameter(torch.empty(shape.speakers, own, 4 * width).uniform_(-(own**-0.5), own**-0.5))
        self.bias = nn.Parameter(torch.zeros(shape.speakers, 4 * width))

    def forward(self, x: Tensor) -> Tensor:
        """A gate for each number, as in the source."""
        speakers, own, _ = self.weight.shape
        parts = self.act(x)[..., : speakers * own].reshape(*x.shape[:-1], speakers, own)
        found = functional.glu(torch.einsum("btso,sow->btsw", parts, self.weight) + self.bias)
        return found.reshape(*found.shape[:-1], self.width, 2)


def _pooled(x: Tensor, places: int) -> Tensor:
    """The means of so many about equal parts of the places."""
    if x.shape[-2] == places:
        return x
    flat = x.flatten(0, -3).transpose(1, 2)
    return functional.adaptive_avg_pool1d(flat, places).transpose(1, 2).reshape(*x.shape[:-2], places, x.shape[-1])
