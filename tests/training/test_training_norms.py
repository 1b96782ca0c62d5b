"""Batch norms of averaged weights: their means and variances are those of the weights that they belong to."""

import numpy as np
import pytest
import torch

from sepkit.training import checkpoint
from sepkit.training.config import RunConfig
from sepkit.training.loop import NORM_BATCHES, Trainer

STEPS, BATCH = 6, 4


class Numbers:
    """Example i is a number that follows from i."""

    def example(self, index):
        return (np.float32([np.sin(7 * index) + index % 3]),)


class Task:
    """Learns to make zeros of them."""

    def __init__(self):
        torch.manual_seed(0)
        self.network = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.BatchNorm1d(1))

    def losses(self, network, batch):
        return {"loss": (network(batch[0]) - 1).square().mean() + network[0](batch[0]).square().mean()}

    def scores(self, network, batch):
        return {"loss": network(batch[0])[:, 0].tolist()}


def test_they_are_measured_under_the_averaged_weights(tmp_path):
    config = RunConfig(
        steps=STEPS, batch=BATCH, learning_rate=0.3, warm_up_steps=0, workers=0, check_every=STEPS, validation_mixes=2,
        precision="float32", average=0.9,
    )  # fmt: skip
    Trainer(config, Task(), Numbers(), Numbers(), tmp_path, "cpu").run()
    state = checkpoint.load(tmp_path / "last.pt", "cpu")["average"]
    weight, bias = (float(state[f"module.0.{name}"]) for name in ("weight", "bias"))
    behind = range(STEPS * BATCH, (STEPS + NORM_BATCHES) * BATCH)
    heard = np.array([Numbers().example(index)[0][0] for index in behind], float).reshape(NORM_BATCHES, BATCH)
    assert float(state["module.1.running_mean"]) == pytest.approx(weight * heard.mean() + bias, abs=1e-5)
    variance = weight**2 * heard.var(axis=1, ddof=1).mean()
    assert float(state["module.1.running_var"]) == pytest.approx(variance, rel=1e-4)
