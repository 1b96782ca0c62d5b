"""Checkpoints of published networks for two and three voices, of random numbers that are the same everywhere.

`scripts/golden_parted.py` gives the same numbers to the original networks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sepkit.separators.conv_tasnet.description import Shape
from sepkit.separators.conv_tasnet.network import ConvTasNet
from sepkit.separators.mossformer2.block import Sizes
from sepkit.separators.mossformer2.masks import Shape as MaskShape
from sepkit.separators.mossformer2_ss.network import OLDER, Voices
from sepkit.separators.sepformer.description import Shape as SepFormerShape
from sepkit.separators.sepformer.description import Transformer
from sepkit.separators.sepformer.network import SepFormer
from tests.models.clap.clap_weights import shapes
from tests.separators import clearvoice_weights

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
    return told | {"fb_name": "FreeFB", "sample_rate": 8000}


def asteroid(path: Path, shape: Shape = NARROW, **changes: Any) -> Path:
    """Its pytorch_model.bin."""
    state = conv_tasnet(shape)
    stored = {"model_name": "ConvTasNet", "state_dict": state, "model_args": model_args(shape)} | changes
    stored["infos"] = {"software_versions": {"torch_version": "1.7.0"}, "final_metrics": {"si_sdr": np.float64(1.5)}}
    torch.save(stored, path)
    return path


WSJ0 = SepFormerShape()
"""Of sepformer-wsj02mix."""
THIN = SepFormerShape(filters=16, chunk_steps=20, within=Transformer(2, 4, 24), across=Transformer(1, 2, 32))


def sepformer(shape: SepFormerShape = THIN) -> dict[str, torch.Tensor]:
    """By the names of the whole network; places are sines and cosines, as in the original."""
    with torch.device("meta"):
        found = numbers(shapes(SepFormer(shape)))
    places = torch.arange(shape.places, dtype=torch.float32)[:, None]
    turns = places * 10000.0 ** (-torch.arange(0, shape.filters, 2, dtype=torch.float32) / shape.filters)
    pe = torch.stack([turns.sin(), turns.cos()], 2).flatten(1)[None]
    return {name: pe.clone() if name.endswith(".pe") else each for name, each in found.items()}


HYPERPARAMS = """
# speechbrain's own is longer; what only a training needs is left out
seed: 1234
__set_seed: !apply:speechbrain.utils.seed_everything [!ref <seed>]
data_folder: !PLACEHOLDER
save_folder: !ref results/<seed>/save
num_spks: {voices}
sample_rate: {sample_rate}
N_encoder_out: {filters}
out_channels: !ref <N_encoder_out>
kernel_size: {taps}

Encoder: !new:speechbrain.lobes.models.dual_path.Encoder
    kernel_size: !ref <kernel_size>
    out_channels: !ref <N_encoder_out>

SBtfintra: !new:speechbrain.lobes.models.dual_path.SBTransformerBlock
    num_layers: {within.depth}
    d_model: !ref <out_channels>
    nhead: {within.heads}
    d_ffn: {within.wide}
    dropout: 0
    use_positional_encoding: True
    norm_before: True

SBtfinter: !new:speechbrain.lobes.models.dual_path.SBTransformerBlock
    num_layers: {across.depth}
    d_model: !ref <out_channels>
    nhead: {across.heads}
    d_ffn: {across.wide}
    dropout: 0
    use_positional_encoding: True
    norm_before: True

MaskNet: !new:speechbrain.lobes.models.dual_path.Dual_Path_Model
    num_spks: !ref <num_spks>
    in_channels: !ref <N_encoder_out>
    out_channels: !ref <out_channels>
    num_layers: {blocks}
    K: {chunk_steps}
    intra_model: !ref <SBtfintra>
    inter_model: !ref <SBtfinter>
    norm: ln
    linear_layer_after_inter_intra: False
    skip_around_intra: True

modules:
    encoder: !ref <Encoder>
    masknet: !ref <MaskNet>
"""


def speechbrain(path: Path, shape: SepFormerShape = THIN, sample_rate: int = 8000) -> Path:
    """Its folder."""
    path.mkdir(exist_ok=True)
    state = sepformer(shape)
    for part in ("encoder", "masknet", "decoder"):
        inside = {name.partition(".")[2]: each for name, each in state.items() if name.startswith(f"{part}.")}
        torch.save(inside, path / f"{part}.ckpt")
    sizes = {field.name: getattr(shape, field.name) for field in fields(shape)}
    (path / "hyperparams.yaml").write_text(HYPERPARAMS.format(**sizes, sample_rate=sample_rate))
    return path


SS = MaskShape(inputs=512, outputs=512)
"""Of MossFormer2_SS_16K."""
SLIM = MaskShape(inputs=16, outputs=16, trunk=Sizes(dim=16, depth=2, hidden=64))
"""What upstream's own class has where only its width and depth are told."""
TAPS = 16


def mossformer2(shape: MaskShape = SLIM) -> dict[str, torch.Tensor]:
    """By ClearVoice's names."""
    with torch.device("meta"):
        return clearvoice_weights.numbers(shapes(Voices(shape, TAPS)))


def older(shape: MaskShape = SLIM) -> dict[str, dict[str, torch.Tensor]]:
    """The same numbers by file, and by the names that the older files have."""
    found: dict[str, dict[str, torch.Tensor]] = {}
    for name, each in mossformer2(shape).items():
        front, _, inside = name.partition(".")
        for old, new in OLDER if front == "mask_net" else ():
            inside = inside.replace(new, old) if inside.startswith(new) else inside
        found.setdefault({"enc": "encoder", "mask_net": "masknet", "dec": "decoder"}[front], {})[inside] = each
    return found


def older_folder(path: Path, shape: MaskShape = SLIM, **told: Any) -> Path:
    """As https://huggingface.co/alibabasglab keeps it."""
    path.mkdir(exist_ok=True)
    for part, tensors in older(shape).items():
        torch.save(tensors, path / f"{part}.ckpt")
    config = {"config_name": "mossformer2-librimix-2spk", "sample_rate": 8000, "masknet_numspks": shape.voices} | told
    (path / "config.json").write_text(json.dumps(config))
    return path
