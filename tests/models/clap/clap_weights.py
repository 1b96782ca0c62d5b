"""CLAP's part of checkpoints, of random numbers that are the same everywhere; a tokenizer and a sound for them.

`scripts/golden_clap.py` gives the same numbers to transformers and laion-clap.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import librosa
import numpy as np
import torch

from sepkit.models.clap import audio, text

SHALLOW = text.Shape(tokens=300, layers=3)
TINY = text.Shape(tokens=300, layers=1, width=64, inner=64, asked=16)
NARROW = audio.Shape(width=16, depths=(2, 1, 3, 2), heads=(1, 2, 2, 4), asked=16)
"""Of one block and of several, shifted ones among them, and of a last level that is one window."""
CLASSES = 527


def shapes(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def text_shapes(shape: text.Shape) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return shapes(text.TextTower(shape))


def audio_shapes(shape: audio.Shape) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return shapes(audio.AudioTower(shape))


def text_numbers(named: Mapping[str, tuple[int, ...]], seed: int = 1) -> dict[str, torch.Tensor]:
    """Numbers with which attention is neither even nor on one token."""
    state = np.random.RandomState(seed)
    found = {}
    for name in sorted(named):
        drawn = state.standard_normal(named[name]).astype(np.float32)
        size = 0.8 / named[name][1] ** 0.5 if drawn.ndim == 2 else 0.05
        found[name] = torch.from_numpy(np.float32(size) * drawn + ("LayerNorm.weight" in name))
    return found


def audio_numbers(named: Mapping[str, tuple[int, ...]], seed: int = 2) -> dict[str, torch.Tensor]:
    """Likewise, after a norm of levels in dB; the mel filters are librosa's, as upstream's are."""
    state = np.random.RandomState(seed)
    found = {}
    for name in sorted(named):
        drawn = state.standard_normal(named[name])
        if name.endswith("melW"):
            drawn = librosa.filters.mel(sr=48000, n_fft=1024, n_mels=64, fmin=50, fmax=14000).T
        elif "bn0.running" in name:
            drawn = 200 + 50 * np.abs(drawn) if name.endswith("var") else 5 * drawn - 25
        elif "norm" in name or "bn0" in name:
            drawn = 0.2 * drawn + name.endswith("weight")
        elif name.endswith("bias"):
            drawn = 0.1 * drawn
        elif drawn.ndim > 1 and not name.endswith("table"):
            drawn = drawn / np.prod(named[name][1:]) ** 0.5
        found[name] = torch.from_numpy(np.asarray(drawn, np.float32))
    found["audio_branch.bn0.num_batches_tracked"] = torch.tensor(7)
    return found


def unheard(shape: audio.Shape) -> dict[str, torch.Tensor]:
    """What a file has of HTSAT beside the tower's tensors: of the transform a window, of the rest zeros."""
    front = "audio_branch."
    found = {f"{front}tscam_conv.weight": torch.zeros(CLASSES, shape.widths()[-1], 2, 3)}
    found |= {f"{front}tscam_conv.bias": torch.zeros(CLASSES), f"{front}head.bias": torch.zeros(CLASSES)}
    found[f"{front}head.weight"] = torch.zeros(CLASSES, CLASSES)
    for part in ("real", "imag"):
        found[f"{front}spectrogram_extractor.stft.conv_{part}.weight"] = torch.zeros(513, 1, 1024)
    found[f"{front}spectrogram_extractor.stft.conv_real.weight"][0, 0] = torch.hann_window(1024)
    for level, depth in enumerate(shape.depths):
        for block in range(depth):
            place = f"{front}layers.{level}.blocks.{block}."
            found[f"{place}attn.relative_position_index"] = torch.zeros(64, 64, dtype=torch.long)
            if block % 2 and level < 3:
                found[f"{place}attn_mask"] = torch.zeros((64 >> level) ** 2 // 64, 64, 64)
    return found


def state(front: str, words: text.Shape = TINY, sounds: audio.Shape = NARROW, seed: int = 1) -> dict[str, torch.Tensor]:
    """All tensors of CLAP, with what its training alone uses."""
    found = text_numbers(text_shapes(words), seed) | audio_numbers(audio_shapes(sounds), seed + 1) | unheard(sounds)
    found["text_branch.embeddings.position_ids"] = torch.arange(words.positions)[None]
    found["logit_scale_a"] = found["logit_scale_t"] = torch.tensor(2.66)
    for side in ("audio", "text"):
        for layer in (0, 3):
            found[f"{side}_transform.sequential.{layer}.weight"] = torch.zeros(sounds.asked, sounds.asked)
            found[f"{side}_transform.sequential.{layer}.bias"] = torch.zeros(sounds.asked)
    return {front + name: tensor for name, tensor in found.items()}


def write(path: Path, turned: bool = False) -> Path:
    """A checkpoint as laion's training writes one, its learning rate a number of NumPy's.

    turned: what words mean is the opposite; cosines of these weights are negative, and then are positive.
    """
    optimizer = {"state": {}, "param_groups": [{"lr": np.float64(1e-4), "params": [0]}]}
    tensors = state("module.")
    if turned:
        for name in ("weight", "bias"):
            tensors[f"module.text_projection.2.{name}"] *= -1
    torch.save({"epoch": 15, "name": "clap", "state_dict": tensors, "optimizer": optimizer}, path)
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


def sound(seconds: float, seed: int = 3) -> np.ndarray:
    """Chirps and noise whose level changes, (frames,) at 48 kHz."""
    time_s = np.arange(round(seconds * 48000)) / 48000
    noise = np.random.RandomState(seed).standard_normal(time_s.size) * (0.02 + 0.1 * (np.sin(3 * time_s) > 0.3))
    chirps = sum(np.sin(2 * np.pi * (hz * time_s + 40 * np.sin(2 * time_s))) for hz in (180, 900, 4700))
    found: np.ndarray = (noise + 0.1 * chirps * np.sin(1.3 * time_s) ** 2).astype(np.float32)
    return found
