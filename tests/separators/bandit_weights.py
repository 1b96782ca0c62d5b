"""Checkpoints of Bandit's two published kinds, of random numbers that are the same everywhere.

`scripts/golden_bandit.py` gives the same numbers to the original networks. The names are written out here as the files
have them, layer by layer; that they are so is held by the golden file.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from sepkit.separators.bandit.bands import musical_bands
from sepkit.separators.bandit.kinds import FFT_FRAMES, PLUS, V2, Kind

KINDS = {"v2": V2, "plus": PLUS}
BANDS = 64


class Sizes(NamedTuple):
    dim: int = 128
    hidden: int = 256
    depth: int = 8
    inner: int = 512


PUBLISHED = Sizes()
NARROW = Sizes(dim=16, hidden=24, depth=2, inner=32)


def numbers(kind: Kind, sizes: Sizes = NARROW) -> dict[str, torch.Tensor]:
    """By name; of v2 some layers have two, and both are one tensor."""
    state = np.random.RandomState(len(kind.name))  # its numbers never change from version to version
    v2 = kind is V2
    found: dict[str, torch.Tensor] = {}

    def add(names: list[str], shapes: dict[str, tuple[int, ...]], norm: bool = False) -> None:
        for parameter, shape in shapes.items():
            drawn = state.standard_normal(shape)
            if len(shape) == 1:
                drawn = (1.0 if norm and parameter == "weight" else 0.0) + 0.1 * drawn
            else:
                drawn = drawn / np.sqrt(shape[1])
            tensor = torch.from_numpy(drawn.astype(np.float32))
            found.update({f"{name}.{parameter}": tensor for name in names})

    def linear(names: list[str], out: int, into: int) -> None:
        add(names, {"weight": (out, into), "bias": (out,)})

    def norm(names: list[str], width: int) -> None:
        add(names, {"weight": (width,), "bias": (width,)}, norm=True)

    front = "" if v2 else "bsrnn."
    for each in ("stft", "istft"):
        found[f"{each}.window"] = torch.hann_window(FFT_FRAMES)
    widths = [stop - start for start, stop in musical_bands(BANDS, kind.sample_rate, FFT_FRAMES)]
    for band, width in enumerate(widths):
        at = f"{front}band_split.norm_fc_modules.{band}."
        norm([at + ("combined.0" if v2 else "norm")], 2 * width)
        linear([at + ("combined.1" if v2 else "fc")], sizes.dim, 2 * width)
    for turn in range(2 * sizes.depth):
        at = f"{front}tf_model.seqband.{2 * turn if v2 else turn}."
        norm([at + "norm"], sizes.dim)
        gates = 3 * sizes.hidden
        for way in ("", "_reverse"):
            shapes = {f"weight_ih_l0{way}": (gates, sizes.dim), f"weight_hh_l0{way}": (gates, sizes.hidden)}
            add([at + "rnn"], shapes | {f"bias_ih_l0{way}": (gates,), f"bias_hh_l0{way}": (gates,)})
        linear([at + "fc"], sizes.dim, 2 * sizes.hidden)
    # Of all stems the same, in double precision, as upstream's.
    shares = [torch.from_numpy(0.2 + 0.8 * state.uniform(size=width)) for width in widths]
    for stem in kind.stems:
        for band, width in enumerate(widths):
            at = f"{front}mask_estim.{stem}.norm_mlp.{band}."
            twice = [("norm", "combined.0"), ("hidden.0", "combined.1.0"), ("output.0", "combined.2.0")]
            alone, hidden, output = ([at + name for name in (pair if v2 else pair[:1])] for pair in twice)
            norm(alone, sizes.dim)
            linear(hidden, sizes.inner, sizes.dim)
            linear(output, 4 * width, sizes.inner)
            found[f"{front}mask_estim.{stem}.freq_weights/{band}"] = shares[band]
    return found


def sound(seconds: float, sample_rate: int, channels: int = 1) -> np.ndarray:
    """(channels, frames): tones that come and go, and noise."""
    random, time_s = np.random.RandomState(1), np.arange(round(seconds * sample_rate)) / sample_rate
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in (110, 880, 5000)) * (1 + np.sin(2 * np.pi * 1.7 * time_s))
    noise = random.standard_normal((channels, time_s.size))
    return (0.05 * tones + 0.05 * noise).astype(np.float32)


def write(path: Path, kind: Kind, **changes: torch.Tensor) -> Path:
    """A narrow checkpoint as it is published. changes: other tensors by name."""
    torch.save(numbers(kind) | changes, path)
    return path
