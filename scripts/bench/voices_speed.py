"""What each network for several voices costs on one core: to train, and to run. Random weights, noise."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import click
import torch
from torch import Tensor, nn

from scripts.bench.measuring import table
from sepkit.separators.speakers import networks
from sepkit.training.loop import in_bfloat16

RATE_HZ = 16000
RUN_S = 10.0


class Row(NamedTuple):
    """A network, and a batch that fits into memory: so many mixes of so many seconds."""

    kind: str
    sizes: dict[str, Any]
    batch: int = 8
    seconds: float = 4.0

    @property
    def name(self) -> str:
        """With the sizes that are not as they are by default."""
        return " ".join([self.kind, *(f"{name} {size}" for name, size in self.sizes.items())])


ROWS = (
    Row("band_split", {}),
    Row("band_split", {"bands": 24, "channels": 48, "hidden": 48}),
    Row("conv_tasnet", {}),
    Row("tiger", {}, batch=1, seconds=1.6),
    Row("crm", {"convolutions": 3}, batch=1),
    Row("crm", {}, batch=1, seconds=1.6),
)


def voices_speed(rounds: int) -> str:
    """Each in turn, the least of so many rounds. Rows appear as they are measured: the last ones take minutes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = []
    try:
        for row in ROWS:
            rows.append(_measured(row, rounds))
            click.echo(rows[-1], err=True)
    finally:
        torch.set_num_threads(threads)
    headings = ("parameters", "trained on", "audio-s a CPU-s", "CPU-s a second, run", "reach, s")
    return table(["Network", *headings], rows)


def trained(row: Row, rounds: int) -> tuple[float, nn.Module]:
    """Seconds of sound that a CPU-second trains on, in the training's precision; and the network."""
    torch.manual_seed(0)
    network: nn.Module = networks.build(row.kind, networks.shape_of(row.kind)(**row.sizes))
    optimizer = torch.optim.Adam(network.parameters())
    mix = 0.1 * torch.randn(row.batch, round(row.seconds * RATE_HZ))
    with torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16("auto", "cpu")):  # as the training itself
        return row.batch * row.seconds / _least(lambda: _step(network, optimizer, mix), rounds), network


def _measured(row: Row, rounds: int) -> tuple[str | float, ...]:
    speed, network = trained(row, rounds)
    window = 0.1 * torch.randn(1, round(RUN_S * RATE_HZ))
    network.eval()
    with torch.inference_mode():
        run_s = _least(lambda: network(window), rounds)
    parameters = sum(each.numel() for each in network.parameters())
    given = f"{row.batch} × {row.seconds:g} s"
    reach_frames = getattr(network, "reach_frames", 0)
    return row.name, f"{parameters:,}", given, speed, run_s / RUN_S, reach_frames / RATE_HZ


def _step(network: nn.Module, optimizer: torch.optim.Optimizer, mix: Tensor) -> None:
    """Forward, backward, Adam."""
    optimizer.zero_grad()
    (network(mix).float() - mix[:, None] / 2).square().mean().backward()
    optimizer.step()


def _least(work: Callable[[], object], rounds: int) -> float:
    """CPU-seconds."""
    taken = []
    for _ in range(rounds):
        begin_s = time.process_time()
        work()
        taken.append(time.process_time() - begin_s)
    return min(taken)
