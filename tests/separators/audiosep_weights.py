"""Checkpoints in AudioSep's own format, of random numbers that are the same everywhere; and a tokenizer for them.

`scripts/golden_audiosep.py` gives the same numbers to uss and transformers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from sepkit.separators.audiosep import network, query

PUBLISHED = network.Shape()
NARROW = network.Shape(bins=129, widths=(4, 4, 6, 6, 8, 8), asked=16)
"""Of 4 kHz, with the published network's strides and reach in seconds."""
SHALLOW = query.Shape(tokens=300, layers=3)
TINY = query.Shape(tokens=300, layers=1, width=64, inner=64, asked=16)


def shapes(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def separator_shapes(shape: network.Shape) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return shapes(network.ResUNet(shape))


def tower_shapes(shape: query.Shape) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return shapes(query.TextTower(shape))


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


def tower(named: Mapping[str, tuple[int, ...]], seed: int = 1) -> dict[str, torch.Tensor]:
    """Numbers with which attention is neither even nor on one token."""
    state = np.random.RandomState(seed)
    found = {}
    for name in sorted(named):
        drawn = state.standard_normal(named[name]).astype(np.float32)
        size = 0.8 / named[name][1] ** 0.5 if drawn.ndim == 2 else 0.05
        found[name] = torch.from_numpy(np.float32(size) * drawn + ("LayerNorm.weight" in name))
    return found


def write(path: Path, unet: network.Shape = NARROW, text: query.Shape = TINY, seed: int = 0) -> Path:
    """A checkpoint as Lightning writes one, with CLAP's other half and what older versions stored."""
    state = {f"ss_model.{name}": tensor for name, tensor in separator(separator_shapes(unet), seed).items()}
    for name, tensor in tower(tower_shapes(text), seed + 1).items():
        state[f"query_encoder.model.{name}"] = tensor
    state["query_encoder.model.text_branch.embeddings.position_ids"] = torch.arange(text.positions)[None]
    state["query_encoder.model.audio_branch.bn0.weight"] = torch.ones(64)
    state["query_encoder.model.logit_scale_a"] = torch.tensor(1.0)
    torch.save({"epoch": 3, "global_step": 4, "pytorch-lightning_version": "2.0.0", "state_dict": state}, path)
    return path


def write_tokenizer(path: Path) -> Path:
    """Byte-level, with RoBERTa's first tokens and framing; as many tokens as the towers here know."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TINY.tokens,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["dog bark", "a cat meows", "female speech"], trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.save(str(path))
    return path
