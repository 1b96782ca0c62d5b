"""The compact network with a filter for each voice: `separators/compact/network.py` says how it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sepkit.separators.compact import network as compact

CHANNELS = 2 * compact.TAPS + 1
"""Of a filter: complex taps and a gate."""


@dataclass(frozen=True)
class Shape:
    """The sizes of a network; they stand in the metadata of its weights file."""

    speakers: int = 2
    channels: tuple[int, int, int] = (16, 32, 48)
    hidden: int = 96
    across: int = 128
    dilations: tuple[int, ...] = (1, 2, 4, 8, 12)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Shape:
        """From what `asdict` became on its way through JSON."""
        first, second, third = stored["channels"]
        across, dilations = stored["across"], tuple(stored["dilations"])
        return cls(stored["speakers"], (first, second, third), stored["hidden"], across, dilations)

    @property
    def compact(self) -> compact.Shape:
        """Without the voices."""
        return compact.Shape(self.channels, self.hidden, self.across, self.dilations)


class Network(nn.Module):
    """Each voice of a mono mix at 16 kHz."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.reach_frames = round(shape.compact.context_s * compact.SAMPLE_RATE)
        self.grid_frames = 2 * compact.HOP_FRAMES
        self.compact = compact.CompactNetwork(shape.compact)
        first = shape.channels[0]
        last = nn.ConvTranspose2d(first, shape.speakers * CHANNELS, (1, 8), stride=(1, 4), padding=(0, 2))
        self.compact.decoder[-1] = last.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, mix: Tensor) -> Tensor:
        """(batch, frames) → (batch, speakers, frames)."""
        with torch.autocast(mix.device.type, enabled=False):
            X = self.compact.analyse(mix)
        found = self.compact.decoded(mix, X).reshape(-1, CHANNELS, X.shape[1], X.shape[2])
        with torch.autocast(mix.device.type, enabled=False):
            spectra = X.repeat_interleave(self.shape.speakers, 0)
            V = compact.apply_filters(spectra, *compact.as_filters(found))
            return self.compact.synthesise(V, mix.shape[-1]).reshape(len(mix), self.shape.speakers, -1)
