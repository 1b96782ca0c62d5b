"""Checkpoints of ClearVoice's models, of random numbers that are the same everywhere.

`scripts/golden_clearvoice.py` gives the same numbers to upstream's own networks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from sepkit.separators.frcrn.network import FRCRN
from sepkit.separators.mossformer2.block import Sizes
from sepkit.separators.mossformer2.enhancer import Enhancer
from sepkit.separators.mossformer2.masks import Shape
from sepkit.separators.mossformergan.network import MossFormerGAN
from tests.models.clap.clap_weights import shapes

NARROW = Shape(trunk=Sizes(dim=16, depth=2, hidden=64))
"""What upstream's own class has where only its width and depth are told."""
SECONDS = 2.2
"""More steps than a group of attention has."""
GAN_SECONDS = 1.003
"""No whole number of steps."""


def network(shape: Shape = NARROW) -> Enhancer:
    with torch.device("meta"):
        return Enhancer(shape)


def numbers(named: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, torch.Tensor]:
    """By name and shape, with norms' statistics and biases away from where they begin."""
    state = np.random.RandomState(seed)  # its numbers never change from version to version
    return {name: torch.from_numpy(_drawn(state, name, named[name]).astype(np.float32)) for name in sorted(named)}


def _drawn(state: np.random.RandomState, name: str, shape: tuple[int, ...]) -> np.ndarray:
    drawn = state.standard_normal(shape)
    if name.endswith(("freqs", "inv_freq")):
        return 10000.0 ** (-np.arange(shape[0]) / shape[0])
    if name.endswith("running_var"):
        return 0.5 + np.abs(drawn)
    if name.endswith(("bias", "beta", "running_mean")):
        return 0.1 * drawn
    if len(shape) == 1 or name.endswith("gamma"):  # scales and slopes
        return np.asarray((0.25 if name.endswith("prelu.weight") else 1.0) + 0.1 * drawn)
    if name.endswith("num_batches_tracked"):
        return np.ones(())
    gain = 3.0 if "conv1_decoder" in name else 0.5 if name.startswith("unet") else 1.0
    return np.asarray(gain * drawn / np.sqrt(np.prod(shape[1:])))


def state(shape: Shape = NARROW) -> dict[str, torch.Tensor]:
    return numbers(shapes(network(shape)))


def sound(seconds: float, sample_rate: int = 48000) -> np.ndarray:
    """(1, frames): tones that come and go, and noise."""
    random, time_s = np.random.RandomState(1), np.arange(round(seconds * sample_rate)) / sample_rate
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in (110, 880, 5000)) * (1 + np.sin(2 * np.pi * 1.7 * time_s))
    return (0.05 * tones + 0.05 * random.standard_normal(time_s.size)).astype(np.float32)[None]


def folder(path: Path, stored: object = None, name: str = "best.pt") -> Path:
    """As ClearVoice keeps a model."""
    path.mkdir(exist_ok=True)
    torch.save({"model": state(), "epoch": 3} if stored is None else stored, path / name)
    (path / "last_best_checkpoint").write_text(f"{name}\n")
    return path


def frcrn() -> dict[str, torch.Tensor]:
    """Of the published size, since its layers have no other; the transform's matrices are not used. A layer that a list
    of the network names too is the same layer.
    """
    with torch.device("meta"):
        named = shapes(FRCRN())
    drawn = numbers({name: () if "stft" in name else shape for name, shape in named.items()})
    drawn = {name: torch.zeros(named[name]) if "stft" in name else each for name, each in drawn.items()}
    for name in named:
        if listed := LISTED.match(name):
            kind, number, rest = listed.group(2, 3, 4)
            drawn[name] = drawn[f"{listed[1]}{SINGULAR.get(kind, kind)}{number}{rest}"]
        elif name.endswith("num_batches_tracked"):
            drawn[name] = torch.tensor(1)
    return drawn


SINGULAR = {
    "encoders": "encoder",
    "decoders": "decoder",
    "se_layers_enc": "se_layer_enc",
    "se_layers_dec": "se_layer_dec",
}
LISTED = re.compile(r"(unet2?\.)(encoders|decoders|se_layers_enc|se_layers_dec|fsmn_enc|fsmn_dec)\.(\d)(\..*)")


def mossformergan() -> dict[str, torch.Tensor]:
    """Of the published size. Slopes below zero are far from 1, so that what they do counts, and so does the mask."""
    with torch.device("meta"):
        drawn = numbers(shapes(MossFormerGAN()))
    drawn = {name: 0.25 * tensor if SLOPE.search(name) else tensor for name, tensor in drawn.items()}
    drawn = {name: 0.5 * tensor if LAYER.search(name) else tensor for name, tensor in drawn.items()}
    return drawn | {"mask_decoder.final_conv.weight": torch.ones(1, 1, 1, 1)}


LAYER = re.compile(r"^blocks\..*(linear|project|conv\w*|mdl\.1|_Q_\d\.0|_K_\d\.0)\.weight$")
SLOPE = re.compile(r"(prelu\d|prelu_out|dense_encoder\.conv_[12]\.2|attn_\w+\.1)\.weight$")
