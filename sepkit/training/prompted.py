"""The member prompted's own network as a task to learn: the loss of the sound, and of which sounds are heard when."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from sepkit.models.prompted import bands
from sepkit.models.prompted.network import PromptedNet, Shape, read
from sepkit.training.loop import Batch
from sepkit.training.losses import scale_free_loss, spectral_losses, waveform_loss
from sepkit.training.text import TextTask
from sepkit.training.text_config import PromptedConfig, TextConfig


class PromptedTask(TextTask):
    """By gains of bands, told by one number a label."""

    def __init__(
        self, config: TextConfig, sizes: PromptedConfig, labels: tuple[str, ...], baseline: bool = False
    ) -> None:
        super().__init__(config, labels, baseline)
        self.shape = Shape(labels, sizes.channels, sizes.dilations)
        # A fifth faster than with the channels first.
        self.network = PromptedNet(self.shape).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def read(self, path: Path) -> tuple[Shape, dict[str, Tensor]]:
        """Of this network alone."""
        return read(path)

    def judged(self, network: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Waveform, spectra, and which sounds are heard when."""
        assert isinstance(network, PromptedNet)
        mix, target, asked, heard = batch
        weights = self.config.loss
        with torch.autocast(mix.device.type, enabled=False):
            X, S = bands.analyse(mix), bands.analyse(target)
        levels, tags = network.found(X)
        gains = network.gains(levels, tags, self.told(asked))
        likely = network.likely(tags)
        with torch.autocast(mix.device.type, enabled=False):
            V = X * gains
            estimate = bands.synthesise(V, mix.shape[-1])
            level = X.abs().square().mean((1, 2)).sqrt().clamp_min(1e-6)
            magnitude, spectrum = spectral_losses(V, S, level)
            losses = {
                "waveform": waveform_loss(estimate, target, mix, weights.floor_db),
                "scale_free": scale_free_loss(estimate, target, weights.floor_db),
                "magnitude": magnitude,
                "spectrum": spectrum,
                "sounds": _heard_loss(likely.float(), heard),
            }
            losses["loss"] = torch.stack([value * getattr(weights, name) for name, value in losses.items()]).sum()
        return estimate, losses

    def scores(self, network: nn.Module, batch: Batch) -> dict[str, list[float]]:
        """And how often the loudest tag is a sound that is there."""
        assert isinstance(network, PromptedNet)
        found = super().scores(network, batch)
        best = network.likely(network.found(bands.analyse(batch[0]))[1]).mean(1).argmax(-1)
        found["known"] = [float(heard[label].max()) for heard, label in zip(batch[3], best, strict=True)]
        return found


def _heard_loss(likely: Tensor, heard: Tensor) -> Tensor:
    """Binary cross entropy of logits (batch, tags, labels) against (batch, labels, tags), summed over labels."""
    each = functional.binary_cross_entropy_with_logits(likely, heard.transpose(1, 2), reduction="none")
    return each.sum(-1).mean()
