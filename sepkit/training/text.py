"""A sound by its prompt as a task to learn: the loss of the sound asked for, and of which sounds are heard when."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.errors import ConfigError
from sepkit.models.prompted import bands
from sepkit.models.prompted.network import PromptedNet, Shape, read
from sepkit.training.loop import Batch
from sepkit.training.losses import spectral_losses, waveform_loss
from sepkit.training.speech import si_sdr_db
from sepkit.training.text_config import TextConfig


class TextTask:
    """Network, loss and scores. A batch is (mix, target, asked, heard); see `text_mixes`.

    baseline: the network is told nothing, which is what a text-agnostic one is.
    """

    def __init__(self, config: TextConfig, labels: tuple[str, ...], baseline: bool = False) -> None:
        torch.manual_seed(config.seed)
        self.config, self.baseline = config, baseline
        self.shape = Shape(labels, config.network.channels, config.network.dilations)
        # A fifth faster than with the channels first.
        self.network: nn.Module = PromptedNet(self.shape).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def load(self, path: Path | None) -> None:
        """Begin from exported weights, whose sounds and sizes must be these; without, from random ones."""
        if path is None:
            return
        shape, tensors = read(path)
        if shape != self.shape:
            raise ConfigError(
                f"network: {path} holds other sizes or sounds; give the same, or train from the beginning"
            )
        self.network.load_state_dict(tensors)

    def sizes(self) -> dict[str, Any]:
        """What must be known to build the network again."""
        return asdict(self.shape)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Named parts of the loss; runs the network."""
        return self._judged(self.network, batch)[1]

    def _judged(self, network: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(network, PromptedNet)
        mix, target, asked, heard = batch
        weights = self.config.loss
        with torch.autocast(mix.device.type, enabled=False):
            X, S = bands.analyse(mix), bands.analyse(target)
        levels, tags = network.found(X)
        gains = network.gains(levels, tags, torch.zeros_like(asked) if self.baseline else asked)
        likely = network.likely(tags)
        with torch.autocast(mix.device.type, enabled=False):
            V = X * gains
            estimate = bands.synthesise(V, mix.shape[-1])
            level = X.abs().square().mean((1, 2)).sqrt().clamp_min(1e-6)
            magnitude, spectrum = spectral_losses(V, S, level)
            losses = {
                "waveform": waveform_loss(estimate, target, mix, weights.floor_db),
                "magnitude": magnitude,
                "spectrum": spectrum,
                "sounds": _heard_loss(likely.float(), heard),
            }
            losses["loss"] = torch.stack([value * getattr(weights, name) for name, value in losses.items()]).sum()
        return estimate, losses

    def scores(self, network: nn.Module, batch: Batch) -> dict[str, list[float]]:
        """Loss; the gain in SI-SDR where there is the sound; how often the loudest tag is a sound that is there."""
        found: dict[str, list[float]] = {"loss": [], "gain_db": [], "known": []}
        assert isinstance(network, PromptedNet)
        for row in range(len(batch[0])):
            mix, target, asked, heard = (part[row : row + 1] for part in batch)
            estimate, losses = self._judged(network, (mix, target, asked, heard))
            found["loss"].append(float(losses["loss"]))
            if float(target.square().sum()) > 1e-9 and float((mix - target).square().sum()) > 1e-9:
                found["gain_db"].append(si_sdr_db(estimate, target) - si_sdr_db(mix, target))
            best = int(network.likely(network.found(bands.analyse(mix))[1]).mean(1).argmax())
            found["known"].append(float(heard[0, best].max()))
        return found


def _heard_loss(likely: Tensor, heard: Tensor) -> Tensor:
    """Binary cross entropy of logits (batch, tags, labels) against (batch, labels, tags), summed over labels."""
    each = functional.binary_cross_entropy_with_logits(likely, heard.transpose(1, 2), reduction="none")
    return each.sum(-1).mean()
