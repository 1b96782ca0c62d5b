"""Checkpoints in AudioSep's own format, of random numbers that are the same everywhere.

`scripts/golden_audiosep.py` gives the same numbers to uss.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from sepkit.models.clap import text
from sepkit.separators.audiosep import network
from tests.models.clap import clap_weights

PUBLISHED = network.Shape()
NARROW = network.Shape(bins=129, widths=(4, 4, 6, 6, 8, 8), asked=16)
"""Of 4 kHz, with the published network's strides and reach in seconds."""


def separator_shapes(shape: network.Shape) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return clap_weights.shapes(network.ResUNet(shape))


def separator(named: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, torch.Tensor]:
    """Numbers with which masks lie between open and closed and prompts matter; of the transforms only a window."""
    state = np.random.RandomState(seed)  # its numbers never change from version to version
    found = {}
    for name in sorted(named):
        shape = named[name]
        if "stft" in name:
            found[name] = torch.zeros(shape)
        elif name.endswith("num_batches_tracked"):
            found[name] = torch.tensor(1)
        else:
            found[name] = torch.from_numpy(_numbers(state, name, shape).astype(np.float32))
    real = found["base.stft.conv_real.weight"]
    real[0, 0] = torch.hann_window(real.shape[-1])
    return found


def _numbers(state: np.random.RandomState, name: str, shape: tuple[int, ...]) -> np.ndarray:
    drawn = state.standard_normal(shape)
    if name.endswith("running_var"):
        return 0.5 + np.abs(drawn) + 2 * ("bn0" in name)
    if name.endswith("running_mean"):
        return 0.2 * drawn + 2 * ("bn0" in name)
    if ".bn" in name:
        return 0.2 * drawn + name.endswith("weight")
    if name.startswith("film"):
        return 0.5 * drawn if name.endswith("weight") else 0.1 * drawn
    if name.endswith("bias"):
        return 0.1 * drawn
    fan_in = int(np.prod(shape[1:]))
    gain = 3.0 if "after_conv" in name else 1.0 if "shortcut" in name or "pre_conv" in name else 0.7
    return np.asarray(gain * drawn / np.sqrt(fan_in))


def write(path: Path, unet: network.Shape = NARROW, text: text.Shape = clap_weights.TINY, seed: int = 0) -> Path:
    """A checkpoint as Lightning writes one, with all of CLAP."""
    state = {f"ss_model.{name}": tensor for name, tensor in separator(separator_shapes(unet), seed).items()}
    state |= clap_weights.state("query_encoder.model.", text, seed=seed + 1)
    torch.save({"epoch": 3, "global_step": 4, "pytorch-lightning_version": "2.0.0", "state_dict": state}, path)
    return path
