"""The original text-guided U-Net as a task to learn: the ideal ratio mask, told by the vectors of the labels' words.

The target is |S| / (|S| + |X − S|), 0 where both are silent, and the loss the mean absolute error of the mask.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.errors import ConfigError
from sepkit.models.prompted import bands
from sepkit.models.prompted.unet import Shape, UNet, read
from sepkit.models.prompts import table
from sepkit.training.loop import Batch
from sepkit.training.text import TextTask
from sepkit.training.text_config import TextConfig, UNetConfig

SILENCE = 1e-8
"""Magnitude of a bin, far below that of any sound."""


class UNetTask(TextTask):
    """By a mask for each bin."""

    def __init__(self, config: TextConfig, sizes: UNetConfig, labels: tuple[str, ...], baseline: bool = False) -> None:
        super().__init__(config, labels, baseline)
        self.words = torch.from_numpy(np.stack([_vector(label) for label in labels]))
        self.shape = Shape(self.words.shape[1], sizes.channels)
        self.network = UNet(self.shape).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def read(self, path: Path) -> tuple[Shape, dict[str, Tensor]]:
        """Of this network alone."""
        return read(path)

    def judged(self, network: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The error of the mask."""
        assert isinstance(network, UNet)
        mix, target, asked, _ = batch
        with torch.autocast(mix.device.type, enabled=False):
            X, S = bands.analyse(mix), bands.analyse(target)
            told = self.told(asked) @ self.words.to(asked.device)
        mask = network.mask(X, told)
        with torch.autocast(mix.device.type, enabled=False):
            loss = functional.l1_loss(mask, ideal(X, S))
            return bands.synthesise(X * mask, mix.shape[-1]), {"loss": loss}


def ideal(X: Tensor, S: Tensor) -> Tensor:
    """The ideal ratio mask of the target in a mix, spectra of one shape."""
    wanted, rest = S.abs(), (X - S).abs()
    return wanted / (wanted + rest).clamp_min(SILENCE)


def _vector(label: str) -> np.ndarray:
    """Of a label's words."""
    found = table.load().vector(label.replace("_", " "))
    if found is None:
        raise ConfigError(f"label '{label}': has no word that the table of prompts knows; name its folder in English")
    return found
