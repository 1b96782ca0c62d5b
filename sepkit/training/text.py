"""The task "text" for any network: the sound that a prompt names; what a batch is and how it is scored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sepkit.errors import ConfigError
from sepkit.training.loop import Batch
from sepkit.training.speech import si_sdr_db
from sepkit.training.text_config import TextConfig


class TextTask(ABC):
    """Network, loss and scores. A batch is (mix, target, asked, heard); see `text_mixes`.

    baseline: the network is told nothing, which is what a text-agnostic one is.
    """

    network: nn.Module
    shape: Any
    """The network's sizes, a dataclass that goes into the metadata of its weights."""
    halved: bool = True

    def __init__(self, config: TextConfig, labels: tuple[str, ...], baseline: bool) -> None:
        torch.manual_seed(config.seed)
        self.config, self.labels, self.baseline = config, labels, baseline

    @abstractmethod
    def read(self, path: Path) -> tuple[Any, dict[str, Tensor]]:
        """The sizes and tensors of a file of exported weights."""

    @abstractmethod
    def judged(self, network: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The estimate (batch, frames), and named parts of the loss, "loss" their weighted sum."""

    def load(self, path: Path | None) -> None:
        """Begin from exported weights, whose sounds and sizes must be these; without, from random ones."""
        if path is None:
            return
        shape, tensors = self.read(path)
        if shape != self.shape:
            raise ConfigError(
                f"network: {path} holds other sizes or sounds; give the same, or train from the beginning"
            )
        self.network.load_state_dict(tensors)

    def sizes(self) -> dict[str, Any]:
        """What must be known to build the network again."""
        return asdict(self.shape)

    def told(self, asked: Tensor) -> Tensor:
        """What the network is told of (batch, labels): as it is, or of a baseline nothing."""
        return torch.zeros_like(asked) if self.baseline else asked

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Of a batch; runs the network."""
        return self.judged(network, batch)[1]

    def scores(self, network: nn.Module, batch: Batch) -> dict[str, list[float]]:
        """Loss; the gain in SI-SDR where there is the sound and another."""
        found: dict[str, list[float]] = {"loss": [], "gain_db": []}
        for row in range(len(batch[0])):
            mix, target, *others = (part[row : row + 1] for part in batch)
            estimate, losses = self.judged(network, (mix, target, *others))
            found["loss"].append(float(losses["loss"].detach()))
            if float(target.square().sum()) > 1e-9 and float((mix - target).square().sum()) > 1e-9:
                found["gain_db"].append(si_sdr_db(estimate, target) - si_sdr_db(mix, target))
        return found
