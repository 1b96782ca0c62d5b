"""The network of complex ratio masks of bill9800/speech_separation, its audio-only model, for two or three voices.

In goes the complex spectrum, two numbers a bin. Convolutions 1×7 and 7×1 (time × frequency), then 5×5 at growing
distances in time and in both; a convolution 1×1 to 8 channels; a bidirectional LSTM whose directions are added; three
full layers; and two numbers a bin and voice, which are the mask compressed as O = K (1 − e^(−C M)) / (1 + e^(−C M)):

    M = (1/C) ln((K + O) / (K − O)),   V_s(t, f) = M_s(t, f) · X(t, f),   K = 10, C = 0.1.

That project's clips are 298 steps long, 3 s, and the LSTM runs over a whole clip. Here it runs over pieces of that
length, with half as much to either side, so that the reach is finite; a clip of 298 steps gives what theirs does.

Sources: https://github.com/bill9800/speech_separation, model/lib/model_AO.py and utils.py (MIT); Ephrat et al.,
"Looking to Listen at the Cocktail Party", SIGGRAPH 2018; Williamson, Wang & Wang, "Complex Ratio Masking for Monaural
Speech Separation", TASLP 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.separators._voices.spectra import Spectra
from sepkit.separators.speakers.networks._shape import BaseShape

FFT_FRAMES, WINDOW_FRAMES, HOP_FRAMES = 512, 400, 160
BINS = FFT_FRAMES // 2 + 1
PIECE_STEPS = 298
AROUND_STEPS = PIECE_STEPS // 2
K, C = 10.0, 0.1
LARGEST = 0.999 * K
"""Of a compressed mask that is brought back: a mask of 76."""
NARROW = 8
"""Channels that the LSTM is given of each bin."""

ONE = (1, 1)
CONVOLUTIONS = (
    ((1, 7), ONE),
    ((7, 1), ONE),
    *(((5, 5), (dilation, 1)) for dilation in (1, 2, 4, 8, 16, 32)),
    *(((5, 5), (dilation, dilation)) for dilation in (1, 2, 4, 8, 16, 32)),
)
"""(kernel, distance), each in time and in frequency."""


@dataclass(frozen=True)
class Shape(BaseShape):
    """convolutions: the first so many of the 14; 3 make the simple variant."""

    convolutions: int = len(CONVOLUTIONS)
    channels: int = 96
    lstm: int = 400
    full: int = 600

    @property
    def reach_steps(self) -> int:
        """Of the convolutions and the LSTM."""
        layers = CONVOLUTIONS[: self.convolutions]
        return sum((kernel[0] - 1) // 2 * dilation[0] for kernel, dilation in layers) + PIECE_STEPS + AROUND_STEPS


class Network(nn.Module):
    """Each voice of a mono mix at 16 kHz; see the module's docstring."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.grid_frames = PIECE_STEPS * HOP_FRAMES
        self.reach_frames = shape.reach_steps * HOP_FRAMES + WINDOW_FRAMES
        beside = (FFT_FRAMES - WINDOW_FRAMES) // 2
        window = functional.pad(torch.hann_window(WINDOW_FRAMES, periodic=False), (beside, beside))
        self.spectra = Spectra(FFT_FRAMES, HOP_FRAMES, window)
        channels = [2] + [shape.channels] * shape.convolutions
        self.convolutions = nn.Sequential(
            *(_layer(channels[i], channels[i + 1], *CONVOLUTIONS[i]) for i in range(shape.convolutions)),
            _layer(shape.channels, NARROW, ONE, ONE),
        )
        self.lstm = nn.LSTM(BINS * NARROW, shape.lstm, batch_first=True, bidirectional=True)
        sizes = (shape.lstm, shape.full, shape.full, shape.full)
        self.full = nn.Sequential(*(_full(sizes[i], sizes[i + 1]) for i in range(3)))
        self.out = nn.Linear(shape.full, BINS * 2 * shape.speakers)

    def forward(self, mix: Tensor) -> Tensor:
        """(batch, frames) → (batch, speakers, frames)."""
        X = self.spectra.analyse(mix)
        O = self.masks(X).float().clamp(-LARGEST, LARGEST)  # noqa: E741  the source's letter
        M = torch.log((K + O) / (K - O)) / C
        return self.spectra.synthesise(torch.view_as_complex(M.contiguous()) * X[:, None], mix.shape[-1])

    def masks(self, X: Tensor) -> Tensor:
        """Compressed masks (batch, speakers, bins, steps, 2) of spectra (batch, bins, steps)."""
        x = self.convolutions(torch.view_as_real(X).permute(0, 3, 2, 1))  # (batch, 8, steps, bins)
        x = self._along(x.permute(0, 2, 3, 1).flatten(2))
        found: Tensor = self.out(self.full(x))
        return found.reshape(*x.shape[:2], BINS, 2, -1).permute(0, 4, 2, 1, 3)

    def _along(self, x: Tensor) -> Tensor:
        """The LSTM over (batch, steps, features), piece by piece, its two directions added."""
        found = []
        for start in range(0, x.shape[1], PIECE_STEPS):
            first = max(0, start - AROUND_STEPS)
            piece = x[:, first : start + PIECE_STEPS + AROUND_STEPS]
            found.append(self.lstm(piece)[0][:, start - first :][:, :PIECE_STEPS])
        both = torch.cat(found, 1)
        return both[..., : self.shape.lstm] + both[..., self.shape.lstm :]


def _layer(inside: int, outside: int, kernel: tuple[int, int], dilation: tuple[int, int]) -> nn.Sequential:
    convolution = nn.Conv2d(inside, outside, kernel, dilation=dilation, padding="same")
    return nn.Sequential(convolution, nn.BatchNorm2d(outside, eps=1e-3, momentum=0.01), nn.ReLU(inplace=True))


def _full(inside: int, outside: int) -> nn.Sequential:
    layer = nn.Linear(inside, outside)
    nn.init.kaiming_normal_(layer.weight)
    return nn.Sequential(layer, nn.ReLU())
