"""The golden file of tests/models/clap: what transformers and laion-clap make of random weights.

    python -m venv golden && golden/bin/pip install -e . transformers
    golden/bin/pip install --no-deps laion-clap==1.1.7
    golden/bin/python -m scripts.golden_clap

laion-clap (Wu et al., CC0, https://github.com/LAION-AI/CLAP) has CLAP's audio tower, transformers its RoBERTa. Both
are given the numbers of tests/models/clap/clap_weights.py. It prints how far sepkit's own towers lie from them in their
full size and in a small one, and stores outputs of the small ones, and the names of the full audio tower's tensors.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import sys
import types
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sepkit.models.clap import audio, text, tokens
from tests.models.clap import clap_weights as weights

GOLDEN = Path(__file__).parents[1] / "tests" / "models" / "clap" / "clap_golden.npz"
TOKENS = ([0, 2], [0, 17, 105, 2], [0, *range(4, 200, 3), 2])
SECONDS = (10.0, 3.7, 0.2)
EVERY = 20
"""Of the mel spectrum's steps so many apart are stored."""


def main() -> None:
    """Compute, compare, store."""
    with torch.inference_mode():
        stored = described(weights.SHALLOW, "shallow")
        described(text.Shape(), "full size")
        stored |= heard(weights.NARROW, "narrow")
        stored["names"] = heard(audio.Shape(), "full size")["names"]
    np.savez_compressed(GOLDEN, **stored)
    print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes")


def described(shape: text.Shape, name: str) -> dict[str, Any]:
    """Tokens through transformers' RoBERTa, filled up to 512 as upstream fills them, and through the projection."""
    from transformers import RobertaConfig, RobertaModel

    numbers = weights.text_numbers(weights.text_shapes(shape))
    config = RobertaConfig(
        vocab_size=shape.tokens,
        num_hidden_layers=shape.layers,
        max_position_embeddings=shape.positions,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
    )
    theirs = RobertaModel(config).eval()
    front = "text_branch."
    theirs.load_state_dict({key[len(front) :]: value for key, value in numbers.items() if key.startswith(front)})
    own = text.TextTower(shape).eval()
    own.load_state_dict(numbers)
    pooled, vectors, errors = [], [], []
    for each in TOKENS:
        filled = torch.tensor([each + [1] * (tokens.MOST_TOKENS - len(each))])
        first = theirs(input_ids=filled, attention_mask=(filled != 1).long()).pooler_output[0]
        vector = _projected(first, numbers, "text")
        errors.append(float((own(torch.tensor(each)) - vector).abs().max()))
        errors.append(float((own.text_branch(torch.tensor(each)) - first).abs().max()))
        pooled.append(first.numpy())
        vectors.append(vector.numpy())
    print(f"RoBERTa, {name}: largest error {max(errors):.1e}, vectors' products {np.inner(vectors[0], vectors[1]):.3f}")
    lengths = np.array([len(each) for each in TOKENS])
    return {"tokens": np.concatenate(TOKENS), "lengths": lengths, "pooled": pooled, "text_vectors": vectors}


def heard(shape: audio.Shape, name: str) -> dict[str, Any]:
    """Sounds through laion-clap's filling and HTSAT, and through the projection."""
    theirs, filled = _laion(shape)
    numbers = weights.audio_numbers(weights.audio_shapes(shape))
    front = "audio_branch."
    given = {key[len(front) :]: value for key, value in numbers.items() if key.startswith(front)}
    theirs.load_state_dict({key: given.get(key, value) for key, value in theirs.state_dict().items()})
    own = audio.AudioTower(shape).eval()
    own.load_state_dict(numbers)
    mels, vectors, distances_db = [], [], []
    for seconds in SECONDS:
        sound = weights.sound(seconds)
        clip = filled({}, torch.from_numpy(sound), audio.CLIP_FRAMES, "rand_trunc", "repeatpad", None)["waveform"][None]
        mel = theirs.logmel_extractor(theirs.spectrogram_extractor(clip))[0, 0]
        vector = _projected(theirs({"waveform": clip}, device="cpu")["embedding"][0], numbers, "audio")
        (own_clip,) = map(torch.from_numpy, audio.clips(sound))
        distances_db.append((_distance_db(own.audio_branch.mel(own_clip), mel), _distance_db(own(own_clip), vector)))
        mels.append(mel[::EVERY].numpy())
        vectors.append(vector.numpy())
    mel_db, vector_db = np.max(distances_db, axis=0)
    print(
        f"HTSAT, {name}: {sum(each.numel() for each in numbers.values())} numbers, "
        f"mel spectra {mel_db:.1f} dB, vectors {vector_db:.1f} dB apart; product {np.inner(*vectors[:2]):.3f}"
    )
    names = [f"{key} {tuple(value.shape)}" for key, value in sorted(theirs.state_dict().items())]
    return {"mels": mels, "audio_vectors": vectors, "names": np.array(names)}


def _laion(shape: audio.Shape) -> tuple[Any, Any]:
    """laion-clap's network, and its function that fills a clip.

    Its files import much that neither of them uses, and fetch tokenizers: the network's module is loaded without the
    package, and the function is taken out of its file.
    """
    spec = importlib.util.find_spec("laion_clap")
    assert spec and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    for unused in ("torchvision", "torchvision.ops", "torchvision.ops.misc", "h5py"):
        sys.modules.setdefault(unused, MagicMock())
    package = types.ModuleType("clap_module")
    package.__path__ = [str(folder / "clap_module")]
    sys.modules["clap_module"] = package
    htsat = importlib.import_module("clap_module.htsat")
    settings = json.loads((folder / "clap_module" / "model_configs" / "HTSAT-base.json").read_text())["audio_cfg"]
    network = htsat.HTSAT_Swin_Transformer(
        embed_dim=shape.width, depths=shape.depths, num_heads=shape.heads, config=types.SimpleNamespace(**settings)
    )
    source = ast.parse((folder / "training" / "data.py").read_text())
    source.body = [each for each in source.body if getattr(each, "name", "") == "get_audio_features"]
    names = {"torch": torch, "np": np, "F": functional, "suppress": suppress}
    exec(compile(source, "data.py", "exec"), names)
    return network.eval(), names["get_audio_features"]


def _projected(found: Tensor, numbers: Mapping[str, Tensor], side: str) -> Tensor:
    """Two linear layers, and length 1."""
    front = f"{side}_projection."
    hidden = functional.relu(functional.linear(found, numbers[f"{front}0.weight"], numbers[f"{front}0.bias"]))
    return functional.normalize(
        functional.linear(hidden, numbers[f"{front}2.weight"], numbers[f"{front}2.bias"]), dim=0
    )


def _distance_db(found: Tensor, expected: Tensor) -> float:
    """Energy of the difference against that of what is expected."""
    error, whole = (float(each.double().square().sum()) for each in (found - expected, expected))
    return 10 * float(np.log10(error / whole))


if __name__ == "__main__":
    main()
