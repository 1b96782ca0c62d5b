"""How the learning rate goes: from step to step along a cosine, or lower where the validation loss does not fall.

Place: in the loop, which tells of every step and of every check; the scheduler's state is part of a checkpoint.
"""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from sepkit.training.config import RunConfig

Scheduler = LambdaLR | ReduceLROnPlateau


def scheduler(optimiser: Optimizer, config: RunConfig) -> Scheduler:
    """A linear rise and half a cosine; or, where `plateau` is given, what that says."""
    if config.plateau is None:
        return LambdaLR(optimiser, lambda step: _part(step, config))
    falls = config.plateau
    # Any fall counts: a threshold in parts of the loss would have no sense where that is negative.
    lowest = config.last_learning_rate
    return ReduceLROnPlateau(optimiser, "min", falls.factor, falls.patience, threshold=0.0, min_lr=lowest)


def stepped(each: Scheduler) -> None:
    """A step of the optimiser is done."""
    if isinstance(each, LambdaLR):
        each.step()


def checked(each: Scheduler, loss: float) -> None:
    """The validation loss is known."""
    if isinstance(each, ReduceLROnPlateau):
        each.step(loss)


def _part(step: int, config: RunConfig) -> float:
    """Of the peak: a linear rise, then half a cosine."""
    if step < config.warm_up_steps:
        return (step + 1) / config.warm_up_steps
    progress = min(1.0, (step - config.warm_up_steps) / max(1, config.steps - config.warm_up_steps))
    last = config.last_learning_rate / config.learning_rate
    return last + (1 - last) * (0.5 + 0.5 * math.cos(math.pi * progress))
