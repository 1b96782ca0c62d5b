"""The task "speakers" for any network: each voice on its own, in any order; what a batch is and how it is scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sepkit.errors import ConfigError
from sepkit.models import exported
from sepkit.models.weights import unreadable
from sepkit.separators.compact.network import CompactNetwork
from sepkit.separators.speakers import networks
from sepkit.training.compact import load_voice_activity_encoder
from sepkit.training.corpus import SAMPLE_RATE
from sepkit.training.loop import Batch
from sepkit.training.permutation import (
    SILENT,
    best,
    chosen,
    mask_pairs,
    ordered,
    si_sdr_pairs,
    spectrum_pairs,
    waveform_pairs,
)
from sepkit.training.speakers_config import SpeakersConfig


class SpeakersTask:
    """Network, loss and scores. A batch is (mix, targets): (batch, frames) and (batch, speakers, frames) at 16 kHz."""

    halved = False

    def __init__(self, config: SpeakersConfig) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.network = _built(config)
        for part in self.network.modules():
            if isinstance(part, CompactNetwork):
                load_voice_activity_encoder(part)

    def load(self, path: Path | None) -> None:
        """Begin from exported weights, whose kind and sizes must be these; without, from random ones."""
        if path is None:
            return
        sizes, tensors = exported.read(path, "speakers", dict, "cpu")
        if (
            sizes.get("kind") != self.config.kind
            or networks.shape_of(self.config.kind).from_json(sizes) != self.config.shape
        ):
            raise ConfigError(
                f"network: {path} holds {sizes}; give the same kind and sizes, or train from the beginning"
            )
        self.network.load_state_dict(tensors)

    def sizes(self) -> dict[str, Any]:
        """What must be known to build the network again."""
        return self.config.network

    def judged(self, network: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The estimates in the order of the targets; and named parts of the loss of each example, (batch,)."""
        mix, targets = batch
        estimates = network(mix)
        with torch.autocast(mix.device.type, enabled=False):
            estimates, weights = estimates.float(), self.config.loss
            pairs = self._pairs(estimates, targets, mix)
            loss, order = best(torch.stack([getattr(weights, name) * each for name, each in pairs.items()]).sum(0))
            losses = {name: chosen(each, order) for name, each in pairs.items()}
            return ordered(estimates, order), {"loss": loss.float()} | (losses if len(losses) > 1 else {})

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Of a batch; runs the network."""
        return {name: each.mean() for name, each in self.judged(network, batch)[1].items()}

    def scores(self, network: nn.Module, batch: Batch) -> dict[str, list[float]]:
        """Loss; of several voices the mean gain in SI-SDR; of one alone its SI-SDR, and what the other outputs have."""
        mix, targets = batch
        estimates, losses = self.judged(network, batch)
        found: dict[str, list[float]] = {"loss": losses["loss"].tolist(), "gain_db": [], "left_db": [], "alone_db": []}
        there = targets.square().sum(-1) >= SILENT
        for row in range(len(mix)):
            heard, x = there[row], mix[row : row + 1]
            s, e = targets[row][heard], estimates[row][heard]
            reached_db, before_db = (_si_sdr_db(each, s) for each in (e, x.expand_as(s)))
            if heard.sum() > 1:
                found["gain_db"].append(reached_db - before_db)
            elif heard.any():
                found["alone_db"].append(reached_db)
            if heard.any() and not heard.all():
                left = estimates[row][~heard].square().sum(-1).max() / x.square().sum()
                found["left_db"].append(float(10 * torch.log10(left + SILENT)))
        return found

    def _pairs(self, estimates: Tensor, targets: Tensor, mix: Tensor) -> dict[str, Tensor]:
        """The parts of the loss that count, each (batch, estimates, targets)."""
        floor_db = self.config.loss.floor_db
        ways: dict[str, Callable[[], Tensor]] = {
            "waveform": lambda: waveform_pairs(estimates, targets, mix, floor_db),
            "si_sdr": lambda: si_sdr_pairs(estimates, targets, mix, floor_db),
            "spectrum": lambda: spectrum_pairs(estimates, targets, mix),
            "masks": lambda: mask_pairs(estimates, targets, mix),
        }
        return {name: way() for name, way in ways.items() if getattr(self.config.loss, name)}


def _si_sdr_db(estimates: Tensor, targets: Tensor) -> float:
    """Mean over voices, each with its own, of (voices, frames)."""
    return -float(si_sdr_pairs(estimates[:, None], targets[:, None], estimates, 100.0).mean())


def _built(config: SpeakersConfig) -> nn.Module:
    """The network, which was seen to run: not all sizes go together, and each kind has rules of its own."""
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        try:
            networks.build(config.kind, config.shape)(torch.zeros(1, SAMPLE_RATE))
        except (AssertionError, ArithmeticError, IndexError, RuntimeError, ValueError) as error:
            sizes = ", ".join(f"{name}: {size}" for name, size in config.network.items() if name != "kind")
            raise ConfigError(
                f"network: no {config.kind} has these sizes together ({sizes}): {unreadable(error)}; leave out those "
                "that you changed, one after another"
            ) from error
    network: nn.Module = networks.build(config.kind, config.shape)
    return network
