"""TIGER-DnR's file, of random numbers that are the same everywhere; `scripts/golden_tiger.py` uses the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from sepkit.separators.tiger_dnr.network import Shape, Tiger
from tests.models.clap.clap_weights import shapes

NARROW = Shape(dim=12, hidden=16)
"""Of the published number of scales and heads, which upstream's class has by default."""


def named(shape: Shape) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return shapes(Tiger(shape))


def numbers(of: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """By name and shape."""
    state = np.random.RandomState(3)  # its numbers never change from version to version
    found = {}
    for name in sorted(of):
        drawn = state.standard_normal(of[name])
        if "act.weight" in name or (len(of[name]) == 1 and of[name][0] == 1):
            drawn = 0.25 + 0.05 * drawn
        elif name.endswith(("bias", "beta")):
            drawn = 0.1 * drawn
        elif name.endswith("gamma") or len(of[name]) == 1:
            drawn = 1 + 0.1 * drawn
        else:
            drawn = drawn / np.sqrt(np.prod(of[name][1:]))
        found[name] = torch.from_numpy(drawn.astype(np.float32))
    return found


def write(path: Path, **changes: torch.Tensor) -> Path:
    """A narrow file as it is published."""
    save_file(numbers(named(NARROW)) | changes, path)
    return path
