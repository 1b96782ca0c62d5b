"""Checkpoints of published networks for two and three voices, of random numbers that are the same everywhere.

`scripts/golden_parted.py` gives the same numbers to the original networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sepkit.separators.conv_tasnet.description import Shape
from sepkit.separators.conv_tasnet.network import ConvTasNet
from tests.models.clap.clap_weights import shapes

PUBLISHED = Shape(n_src=2, kernel_size=32, stride=16, mask_act="relu")
"""Of ConvTasNet_Libri2Mix_sepclean_16k."""
NARROW = Shape(n_src=2, n_filters=32, n_blocks=3, n_repeats=2, bn_chan=16, hid_chan=24, skip_chan=16, mask_act="relu")


def numbers(named: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, torch.Tensor]:
    """By name and shape, with norms and biases away from where they begin."""
    state = np.random.RandomState(seed)  # its numbers never change from version to version
    return {name: torch.from_numpy(_drawn(state, name, named[name]).astype(np.float32)) for name in sorted(named)}


def _drawn(state: np.random.RandomState, name: str, shape: tuple[int, ...]) -> np.ndarray:
    drawn = state.standard_normal(shape)
    if name.endswith(("bias", "beta")):
        return 0.1 * drawn
    if shape == (1,):  # a slope
        return 0.25 + 0.05 * drawn
    if len(shape) == 1:
        return 1.0 + 0.1 * drawn
    return np.asarray(drawn / np.sqrt(np.prod(shape[1:])))


def sound(seconds: float, sample_rate: int) -> np.ndarray:
    """(1, frames): tones that come and go, and noise."""
    random, time_s = np.random.RandomState(1), np.arange(round(seconds * sample_rate)) / sample_rate
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in (110, 880, 2500)) * (1 + np.sin(2 * np.pi * 1.7 * time_s))
    return (0.05 * tones + 0.05 * random.standard_normal(time_s.size)).astype(np.float32)[None]


def conv_tasnet(shape: Shape = NARROW) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        return numbers(shapes(ConvTasNet(shape)))


def model_args(shape: Shape) -> dict[str, Any]:
    """As asteroid writes them: the widths are told twice, and the rate is what the filters were made with."""
    told = asdict(shape) | {"in_chan": shape.n_filters, "out_chan": shape.n_filters, "stride": shape.hop_frames}
    return told | {"sample_rate": 8000.0}


def asteroid(path: Path, shape: Shape = NARROW, **changes: Any) -> Path:
    """Its pytorch_model.bin."""
    state = conv_tasnet(shape)
    stored = {"model_name": "ConvTasNet", "state_dict": state, "model_args": model_args(shape)} | changes
    stored["infos"] = {"software_versions": {"torch_version": "1.7.0"}, "final_metrics": {"si_sdr": np.float64(1.5)}}
    torch.save(stored, path)
    return path
