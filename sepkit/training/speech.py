"""The task "speech" for any network: speech out of music, singing and noise; what a batch is and how it is scored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sepkit.training.config import TrainConfig
from sepkit.training.loop import Batch


class SpeechTask(ABC):
    """Network, loss and scores.

    A batch is (mix, speech, sung): two of (batch, frames) at 16 kHz, and (batch,), 1 where singing counts as speech.
    """

    config: TrainConfig
    network: nn.Module
    shape: Any
    """The network's sizes, a dataclass that goes into the metadata of its weights."""
    halved: bool = False

    @abstractmethod
    def load(self, path: Path | None) -> None:
        """Begin from exported weights; None: from where the network begins by itself."""

    @abstractmethod
    def judged(self, network: nn.Module, mix: Tensor, speech: Tensor, sung: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The estimate in `heard` sound, and named parts of the loss, "loss" their weighted sum."""

    def weighted(self, waveform: Tensor, magnitude: Tensor, spectrum: Tensor) -> dict[str, Tensor]:
        """The parts of the loss and their sum, as the configuration weighs them."""
        weights = self.config.loss
        total = weights.waveform * waveform + weights.magnitude * magnitude + weights.spectrum * spectrum
        return {"loss": total, "waveform": waveform, "magnitude": magnitude, "spectrum": spectrum}

    def heard(self, samples: Tensor) -> Tensor:
        """(batch, frames) at 16 kHz as the network takes it."""
        return samples

    def sizes(self) -> dict[str, Any]:
        """What must be known to build the network again."""
        return asdict(self.shape)

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Of a batch; runs the network."""
        mix, speech, sung = batch
        return self.judged(network, self.heard(mix), self.heard(speech), sung)[1]

    def scores(self, network: nn.Module, batch: Batch) -> dict[str, list[float]]:
        """Loss; the gain in SI-SDR where there is speech and background; what is left where there is no speech."""
        mix, speech = (self.heard(part) for part in batch[:2])
        scores: dict[str, list[float]] = {"loss": [], "gain_db": [], "sung_gain_db": [], "left_db": [], "clean_db": []}
        for row in range(len(mix)):
            x, s, sung = mix[row : row + 1], speech[row : row + 1], batch[2][row : row + 1]
            estimate, losses = self.judged(network, x, s, sung)
            scores["loss"].append(float(losses["loss"]))
            background = float((x - s).square().sum())
            if float(s.square().sum()) < 1e-9:
                if background > 1e-3:
                    scores["left_db"].append(float(10 * torch.log10(estimate.square().sum() / x.square().sum() + 1e-9)))
            elif background < 1e-9:
                scores["clean_db"].append(si_sdr_db(estimate, s))
            else:
                scores["sung_gain_db" if sung else "gain_db"].append(si_sdr_db(estimate, s) - si_sdr_db(x, s))
        return scores


def si_sdr_db(estimate: Tensor, speech: Tensor) -> float:
    """Scale-invariant SDR of (1, frames)."""
    estimate, speech = estimate - estimate.mean(), speech - speech.mean()
    projected = (estimate * speech).sum() / speech.square().sum().clamp_min(1e-12) * speech
    error = (estimate - projected).square().sum().clamp_min(1e-12)
    return float(10 * torch.log10(projected.square().sum().clamp_min(1e-12) / error))
