"""The band-split recurrent network for several voices: small and fast, for one core.

The spectrum is cut into bands as wide as the ear's, each brought to a few channels. Blocks then look along time, band
by band, and across the bands, step by step, each by a bidirectional LSTM. Each band gives complex masks M for its bins,

    V_s(t, f) = M_s(t, f) · X(t, f).

Along time the LSTM runs over chunks, and every second block's chunks lie half a chunk later: so the reach is finite,
the chunks of a stretch run side by side, and a fact still travels half a chunk further with every block. It is an LSTM
because processors have a fast one; a dilated convolution of the same cost would see fewer steps at once.

Sources: Luo & Yu, "Music Source Separation with Band-split RNN", TASLP 2023; dual-path chunks, Luo, Chen & Yoshioka,
"Dual-path RNN", ICASSP 2020; chunks shifted by half, Liu et al., "Swin Transformer", ICCV 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.separators._voices.spectra import Spectra
from sepkit.separators.speakers.networks._shape import BaseShape
from sepkit.separators.speakers.networks._spectra import SAMPLE_RATE, compressed, local_level

FEATURES = 3
LEVEL_STEPS = 31
"""To either side: half a second, at the steps of 16 ms that are the default."""


@dataclass(frozen=True)
class Shape(BaseShape):
    """hidden: of an LSTM in each direction. chunk_steps: what it sees at once along time, by default 2 s."""

    bands: int = 16
    channels: int = 32
    hidden: int = 32
    blocks: int = 4
    chunk_steps: int = 125
    fft_frames: int = 512
    hop_frames: int = 256

    @property
    def reach_steps(self) -> int:
        """A chunk, and half a chunk more for every further block, whose chunks lie across the seams of the last."""
        return self.chunk_steps + (self.blocks - 1) * -(-self.chunk_steps // 2) + LEVEL_STEPS


class Network(nn.Module):
    """Each voice of a mono mix at 16 kHz; see the module's docstring."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.grid_frames = shape.chunk_steps * shape.hop_frames
        self.reach_frames = shape.reach_steps * shape.hop_frames + shape.fft_frames
        window = torch.hann_window(shape.fft_frames).sqrt()
        self.spectra = Spectra(shape.fft_frames, shape.hop_frames, window, shape.chunk_steps)
        self.widths = widths(shape.bands, shape.fft_frames)
        self.split = nn.ModuleList(nn.Linear(FEATURES * width, shape.channels) for width in self.widths)
        self.blocks = nn.ModuleList(Block(shape, index % 2 == 1) for index in range(shape.blocks))
        self.masks = nn.ModuleList(Mask(shape, width) for width in self.widths)

    def forward(self, mix: Tensor) -> Tensor:
        """(batch, frames) → (batch, speakers, frames)."""
        with torch.autocast(mix.device.type, enabled=False):
            X = self.spectra.analyse(mix)
            heard = compressed(X / local_level(X, LEVEL_STEPS)).permute(0, 3, 2, 1)  # (batch, steps, bins, 3)
        pieces = torch.split(heard, self.widths, 2)
        x = torch.stack([split(piece.flatten(2)) for split, piece in zip(self.split, pieces, strict=True)], 2)
        for block in self.blocks:
            x = block(x)
        found = torch.cat([mask(x[:, :, band]) for band, mask in enumerate(self.masks)], 3)
        with torch.autocast(mix.device.type, enabled=False):
            M = torch.view_as_complex(found.float().contiguous()).permute(0, 2, 3, 1)  # (batch, speakers, bins, steps)
            return self.spectra.synthesise(M * X[:, None], mix.shape[-1])


class Block(nn.Module):
    """Each band along time, then each step across the bands: two residual steps on (batch, steps, bands, channels)."""

    def __init__(self, shape: Shape, shifted: bool) -> None:
        super().__init__()
        self.chunk_steps = shape.chunk_steps
        self.shift = shape.chunk_steps // 2 if shifted else 0
        self.along = Recurrent(shape.channels, shape.hidden)
        self.across = Recurrent(shape.channels, shape.hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Of a whole number of chunks."""
        batch, steps, bands, channels = x.shape
        rows = x.transpose(1, 2)
        if self.shift:
            rows = functional.pad(rows, (0, 0, self.shift, self.chunk_steps - self.shift))
        found = self.along(rows.reshape(-1, self.chunk_steps, channels)).reshape(batch, bands, -1, channels)
        x = x + found[:, :, self.shift : self.shift + steps].transpose(1, 2)
        across: Tensor = self.across(x.reshape(-1, bands, channels))
        return x + across.reshape(x.shape)


class Recurrent(nn.Module):
    """A norm, a bidirectional LSTM over (rows, length, channels), and the way back to the channels."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.lstm = nn.LSTM(channels, hidden, batch_first=True, bidirectional=True)
        self.back = nn.Linear(2 * hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """What is to be added to x."""
        found: Tensor = self.back(self.lstm(self.norm(x))[0])
        return found


class Mask(nn.Module):
    """From a band's channels (batch, steps, channels) to the masks of its bins, (batch, steps, speakers, width, 2)."""

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        self.form = shape.speakers, width, 2
        self.norm = nn.LayerNorm(shape.channels)
        self.widen = nn.Linear(shape.channels, 2 * shape.channels)
        self.out = nn.Linear(2 * shape.channels, 2 * shape.speakers * width * 2)

    def forward(self, x: Tensor) -> Tensor:
        """A gate for each number, as in the source."""
        found = functional.glu(self.out(torch.tanh(self.widen(self.norm(x)))))
        return found.reshape(*found.shape[:-1], *self.form)


def widths(bands: int, fft_frames: int) -> list[int]:
    """How many bins each band has: equal parts of the mel scale (O'Shaughnessy), from 0 to half the rate."""
    bins = fft_frames // 2 + 1
    top_mel = _mel(SAMPLE_RATE / 2)
    edges_hz = [700 * (10 ** (top_mel * band / bands / 2595) - 1) for band in range(bands + 1)]
    edges = [round(hz / SAMPLE_RATE * fft_frames) for hz in edges_hz[:-1]] + [bins]
    found = [stop - start for start, stop in pairwise(edges)]
    assert min(found) > 0, "more bands than the bins allow"
    return found


def _mel(hz: float) -> float:
    return float(2595 * torch.log10(torch.tensor(1 + hz / 700, dtype=torch.float64)))
