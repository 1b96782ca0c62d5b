"""Bags of small random networks in Demucs's own file format, and a song to separate."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from demucs.states import save_with_checksum, serialize_model
from omegaconf import OmegaConf

from sepkit.separators.demucs.separator import Options, Separator

try:
    import diffq
except ImportError:  # the extra "quantised", compiled from source on Python 3.11 and newer
    diffq = None

RATE = 44100
STEMS = ["drums", "bass", "other", "vocals"]
TRANSFORMER = {"channels": 8, "t_layers": 2, "t_heads": 2, "segment": Fraction(2)}


def save(folder: Path, name: str, network: torch.nn.Module, quantizer: object = None) -> None:
    """As upstream's own tools write a repository: half precision, digits of the SHA-256 in the name."""
    package = serialize_model(network, OmegaConf.create({"epochs": 1}), quantizer)
    save_with_checksum(package, folder / f"{name}.th")


def build(kind: type[torch.nn.Module], seed: int, **options: object) -> torch.nn.Module:
    torch.manual_seed(seed)
    return kind(sources=STEMS, **options)


def song(seconds: float, seed: int = 0) -> np.ndarray:
    """A stereo mix with tones, level changes and an offset, so that mean and deviation matter."""
    generator = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in (110, 440, 1760)) * (1 + np.sin(2 * np.pi * 0.7 * time_s))
    return (0.05 * tones + 0.1 * generator.standard_normal((2, time_s.size)) + 0.02).astype(np.float32)


def member(**options: object) -> Separator:
    separator = Separator(Options(**options))
    separator.load("cpu")
    return separator


def statistics(samples: np.ndarray) -> dict[str, float]:
    mono = torch.from_numpy(samples).mean(0)
    return {"mean": float(mono.mean()), "std": float(mono.std())}


def distance_db(found: np.ndarray, expected: np.ndarray) -> float:
    """Energy of the difference against that of the expected signal."""
    error = np.sum((found.astype(np.float64) - expected) ** 2)
    return 10 * np.log10(max(error, 1e-300) / np.sum(expected.astype(np.float64) ** 2))
