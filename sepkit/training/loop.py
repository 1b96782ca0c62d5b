"""The loop that every network of sepkit is trained by: batches by index, averaged weights, checks, exact resume.

A *task* says what is learned: its network, the loss of a batch, the score of a validation example. Batch number s
holds the examples s·batch … (s+1)·batch − 1, so that a resumed run meets what the uninterrupted one would have met.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from sepkit.errors import ConfigError
from sepkit.models import memory
from sepkit.training import checkpoint, history, schedule
from sepkit.training.config import RunConfig
from sepkit.training.optimiser import optimisers

Batch = tuple[Tensor, ...]
Shown = Callable[[nn.Module, str], None]
"""Told of the averaged network and the device at each check, to show what it makes of something."""
NORM_BATCHES = 20
"""That the batch norms of the averaged weights are measured on, at each check."""


class Task(Protocol):
    """What is learned."""

    network: nn.Module

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Named parts of the loss of a batch, "loss" their weighted sum; runs the network."""
        ...

    def scores(self, network: nn.Module, batch: Batch) -> dict[str, list[float]]:
        """Named scores of validation examples; "loss" must be among them."""
        ...


Example = tuple[Any, ...]
"""Arrays of one size each, so that they stack to a batch."""


class Maker(Protocol):
    """Makes examples, each from its number alone; passes to other processes."""

    def example(self, index: int) -> Example:
        """Example number `index`."""
        ...


class _Examples(Dataset[Example]):
    """A run's examples, numbered from 0."""

    def __init__(self, maker: Maker, count: int) -> None:
        self.maker, self.count = maker, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Example:
        return self.maker.example(index)


class Trainer:
    """One run in one folder: `last.pt`, `best.pt`, those of `keep_every`, `history.json`, `history.png`."""

    def __init__(
        self,
        config: RunConfig,
        task: Task,
        maker: Maker,
        validation: Maker,
        folder: Path,
        device: str,
        shown: Shown | None = None,
    ) -> None:
        self.shown = shown
        self.config, self.task, self.maker, self.folder, self.device = config, task, maker, folder, device
        self.validation = validation
        self.step = 0
        self.history: list[dict[str, Any]] = []
        self.best = math.inf
        if config.threads:
            torch.set_num_threads(config.threads)
        self.network = task.network.to(device)
        self.average = torch.optim.swa_utils.AveragedModel(
            self.network,
            multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(config.average),  # type: ignore[no-untyped-call]
        )
        self.optimisers = optimisers(self.network, config)
        self.schedulers = tuple(schedule.scheduler(each, config) for each in self.optimisers)
        self.bfloat16 = in_bfloat16(config.precision, device)

    def resume(self) -> None:
        """Go on from `last.pt`; any checkpoint of the run can be copied there."""
        path = self.folder / "last.pt"
        state = checkpoint.load(path, self.device)
        with checkpoint.fitting(path):
            self.task.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
                optimiser.load_state_dict(kept)
            for scheduler, kept in zip(self.schedulers, state["schedulers"], strict=True):
                scheduler.load_state_dict(kept)
            checkpoint.restore_random_states(state["random"])
            self.step, self.history = int(state["step"]), list(state["history"])
            if (self.folder / "best.pt").is_file():  # else the next check finds the best, and there is one to export
                self.best = float(state["best"])

    def run(self) -> None:
        """Train to the last step; what was reached is kept whatever interrupts it."""
        if self.step >= self.config.steps:
            raise ConfigError(f"steps: {self.config.steps} are done already; give more with --steps")
        checked_at = self.step
        try:
            with memory.kept():
                for entry in self._until_checks():
                    self._check(entry)
                    checked_at = self.step
        finally:
            if self.step > checked_at:
                self._save("last.pt")

    def _until_checks(self) -> Iterator[dict[str, Any]]:
        """Take the steps that are left; yields an entry of the history whenever a check is due."""
        config = self.config
        sums: dict[str, float] = {}
        segment_s = config.mixes.segment_s * config.batch
        bar = tqdm(total=config.steps, initial=self.step, unit="step", smoothing=0.05, mininterval=2.0)
        start, start_step = time.monotonic(), self.step
        for batch in self._batches():
            losses = self._learn(tuple(part.to(self.device, non_blocking=True) for part in batch))
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
            self.step += 1
            bar.update()
            since = self.step - start_step
            rate = since * segment_s / (time.monotonic() - start)
            means = {name: value / since for name, value in sums.items()}
            bar.set_postfix({name: f"{value:.3f}" for name, value in means.items()} | {"audio s/s": f"{rate:.0f}"})
            if self.step % config.check_every == 0 or self.step == config.steps:
                entry = {"step": self.step, "learning_rate": self.schedulers[0].get_last_lr()[0], "audio_s_per_s": rate}
                yield {**entry, "train": means}
                sums, start, start_step = {}, time.monotonic(), self.step
            if config.keep_every and self.step % config.keep_every == 0:  # after a check, which it then knows of
                self._save(f"step_{self.step:06d}.pt")
        bar.close()

    def _batches(self) -> DataLoader[Example]:
        """The batches that are still to come."""
        config = self.config
        first, last = self.step * config.batch, config.steps * config.batch
        sampler = [list(range(start, start + config.batch)) for start in range(first, last, config.batch)]
        return DataLoader(
            _Examples(self.maker, last),
            batch_sampler=sampler,
            num_workers=config.workers,
            prefetch_factor=4 if config.workers else None,
            worker_init_fn=_single_threaded if config.workers else None,
            pin_memory=self.device.startswith("cuda"),
        )

    def _learn(self, batch: Batch) -> dict[str, float]:
        """One step of the weights."""
        self.network.train()
        with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.bfloat16):
            losses = self.task.losses(self.network, batch)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_gradient)
        if torch.isfinite(norm):
            for optimiser in self.optimisers:
                optimiser.step()
        else:  # one bad batch must not end a run of hours
            tqdm.write(f"step {self.step}: the gradient is not finite; the step is left out")
        self.network.zero_grad(set_to_none=True)
        for scheduler in self.schedulers:
            schedule.stepped(scheduler)
        self.average.update_parameters(self.network)
        return {name: float(value.detach()) for name, value in losses.items()}

    def _check(self, entry: dict[str, Any]) -> None:
        """Score the averaged weights on the validation mixes, and keep what was reached."""
        self._measure_norms()
        scores = self._score()
        self.history.append({**entry, "validation": scores})
        better = scores["loss"] < self.best
        self.best = min(self.best, scores["loss"])
        for scheduler in self.schedulers:
            schedule.checked(scheduler, scores["loss"])
        if better:
            self._save("best.pt")
        self._save("last.pt")
        checkpoint.write_json(self.folder / "history.json", self.history)
        if self.config.tensorboard:
            history.to_tensorboard(self.history[-1], self.folder / "tensorboard")
        history.plot(self.history, self.folder / "history.png")
        if self.shown:
            self.shown(self.average.module.eval(), self.device)
        text = "  ".join(f"{name} {value:.2f}" for name, value in scores.items())
        tqdm.write(f"step {self.step}: {text}{'  (best so far)' if better else ''}")

    def _measure_norms(self) -> None:
        """Means and variances of the batch norms under the averaged weights: those of no step are theirs.

        They are measured on examples behind the last of the run. Without that, the score of a network with many batch
        norms swings from check to check, and lies 1 dB lower.
        """
        network, config = self.average.module, self.config
        norms = [layer for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
        if not norms:
            return
        momenta = [layer.momentum for layer in norms]
        for layer in norms:
            layer.reset_running_stats()
            layer.momentum = None  # of all batches alike
        network.train()
        with torch.no_grad(), torch.random.fork_rng():
            for first in range(config.steps * config.batch, (config.steps + NORM_BATCHES) * config.batch, config.batch):
                batch = self._stacked(self.maker, range(first, first + config.batch))
                with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.bfloat16):
                    self.task.losses(network, batch)
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum

    def _stacked(self, maker: Maker, indices: Iterable[int]) -> Batch:
        """Those examples as a batch."""
        examples = [maker.example(index) for index in indices]
        return tuple(torch.from_numpy(np.stack(part)).to(self.device) for part in zip(*examples, strict=True))

    def _score(self) -> dict[str, float]:
        config = self.config
        network = self.average.module.eval()
        found: dict[str, list[float]] = {}
        with torch.inference_mode():
            for first in range(0, config.validation_mixes, config.batch):
                indices = range(first, min(first + config.batch, config.validation_mixes))
                for name, values in self.task.scores(network, self._stacked(self.validation, indices)).items():
                    found.setdefault(name, []).extend(values)
        return {name: float(np.mean(values)) for name, values in found.items() if values}

    def _save(self, name: str) -> None:
        checkpoint.save(
            self.folder / name,
            {
                "step": self.step,
                "best": self.best,
                "network": self.task.network.state_dict(),
                "average": self.average.state_dict(),
                "optimisers": [each.state_dict() for each in self.optimisers],
                "schedulers": [each.state_dict() for each in self.schedulers],
                "random": checkpoint.random_states(),
                "history": self.history,
                "config": self.config.model_dump_json(),
            },
        )


def in_bfloat16(precision: str, device: str) -> bool:
    """Whether matrix products run in bfloat16: by default where the hardware has units for it."""
    if precision != "auto":
        return precision == "bfloat16"
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Without AVX-512 BF16 a processor emulates it, more slowly than it computes in float32.
    return device == "cpu" and bool(torch.cpu.get_capabilities().get("avx512_bf16", False))


def _single_threaded(_: int) -> None:
    torch.set_num_threads(1)
