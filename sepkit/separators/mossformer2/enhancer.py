"""MossFormer2_SE_48K: one mask for the spectrum of a mono sound, from its mel bands.

    x ─┬ features ─ MaskNet ─ M ≥ 0
       └ STFT ─ X ─ M·X ─ the way back            frames of 1920, 384 apart, under Hamming's window

Source: see the package.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.separators.mossformer2 import fbank
from sepkit.separators.mossformer2.block import Memory
from sepkit.separators.mossformer2.fbank import FRAME, HOP
from sepkit.separators.mossformer2.masks import MaskNet, Shape

FRONT = "mossformer."
"""What stands before the names in the checkpoint."""


class Enhancer(nn.Module):
    """See the module's docstring."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.mossformer = MaskNet(shape, Memory)

    @staticmethod
    def shape(tensors: Mapping[str, Tensor]) -> Shape:
        """Of a checkpoint's network."""
        return Shape.of(tensors, FRONT)

    def ready(self) -> Enhancer:
        """Once loaded: with what is known without a checkpoint."""
        self.register_buffer("window", fbank.window())
        self.register_buffer("bands", fbank.bands())
        return self

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 1, frames) at 48 kHz → the same. The last step is filled up with zeros."""
        frames, window = x.shape[-1], self.get_buffer("window")
        missing = max(FRAME - frames, (FRAME - frames) % HOP)
        sound = functional.pad(x[:, 0], (0, missing))
        with torch.autocast(x.device.type, enabled=False):
            heard = fbank.features(sound, window, self.get_buffer("bands"))
            X = torch.stft(sound, FRAME, HOP, window=window, center=False, return_complex=True)
        M = self.mossformer(heard, voices=1)[:, 0].transpose(1, 2).float()
        found = torch.istft(M * X, FRAME, HOP, window=window, center=False, length=sound.shape[-1])
        return found[:, None, :frames]
