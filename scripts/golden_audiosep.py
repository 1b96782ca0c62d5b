"""The golden file of tests/separators/test_separator_audiosep.py: what uss and transformers make of random weights.

    python -m venv golden && golden/bin/pip install -e . transformers && golden/bin/pip install --no-deps uss==0.0.4
    golden/bin/python -m scripts.golden_audiosep

uss (Kong et al., Apache-2.0, https://github.com/bytedance/uss) has AudioSep's separator, transformers its RoBERTa.
Both are given the numbers of tests/separators/audiosep_weights.py. It prints how far sepkit's own networks lie from
them, the text tower in its full size too, and stores inputs and outputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from sepkit.separators.audiosep import network, query
from tests.separators import audiosep_weights as weights

GOLDEN = Path(__file__).parents[1] / "tests" / "separators" / "audiosep_golden.npz"
RATE_HZ = 32000
SECONDS = 1.0
TOKENS = ([0, 2], [0, 17, 105, 2], [0, *range(4, 200, 3), 2])


def main() -> None:
    """Compute, compare, store."""
    stored: dict[str, Any] = {}
    with torch.inference_mode():
        stored |= separated()
        stored |= described(weights.SHALLOW, "shallow")
        described(query.Shape(), "full size")
    np.savez_compressed(GOLDEN, **stored)
    print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes")


def separated() -> dict[str, Any]:
    """A mix and a vector through uss's network."""
    from uss.models.resunet import ResUNet30

    theirs = ResUNet30(1, 1, weights.PUBLISHED.asked).eval()
    names = weights.shapes(theirs)
    assert names == weights.separator_shapes(weights.PUBLISHED)
    numbers = weights.separator(names)
    transforms = {name: tensor for name, tensor in theirs.state_dict().items() if "stft" in name}
    theirs.load_state_dict(numbers | transforms)
    state = np.random.RandomState(2)
    time_s = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in (110, 880, 5000)) * (1 + np.sin(2 * np.pi * 1.7 * time_s))
    mix = (0.05 * tones + 0.1 * state.standard_normal(time_s.size)).astype(np.float32)
    vector = functional.normalize(torch.from_numpy(state.standard_normal(512).astype(np.float32)), dim=0)
    found = theirs({"mixture": torch.from_numpy(mix)[None, None], "condition": vector[None]})["waveform"][0, 0].numpy()
    own = network.ResUNet(weights.PUBLISHED)
    own.load_state_dict(numbers)
    own.eval().fold()
    X = own.analyse(torch.from_numpy(mix)[None])
    mask = own.mask(X, own.told(vector))
    error = own.synthesise(X * mask, mix.size)[0].numpy() - found.astype(float)
    tenth, nine = np.quantile(mask.abs().numpy(), [0.1, 0.9])
    error_db = 10 * np.log10(np.mean(error**2) / np.mean(found.astype(float) ** 2))
    print(f"uss: {len(names)} entries, difference {error_db:.1f} dB; masks from {tenth:.2f} to {nine:.2f}")
    listed = np.array([f"{name} {shape}" for name, shape in sorted(names.items())])
    return {"names": listed, "mix": mix, "vector": vector.numpy(), "estimate": found}


def described(shape: query.Shape, name: str) -> dict[str, Any]:
    """Tokens through transformers' RoBERTa, filled up to 512 as upstream fills them, and through the projection."""
    from transformers import RobertaConfig, RobertaModel

    numbers = weights.tower(weights.tower_shapes(shape))
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
    own = query.TextTower(shape).eval()
    own.load_state_dict(numbers)
    pooled, vectors, errors = [], [], []
    for tokens in TOKENS:
        filled = torch.tensor([tokens + [1] * (query.MOST_TOKENS - len(tokens))])
        first = theirs(input_ids=filled, attention_mask=(filled != 1).long()).pooler_output[0]
        hidden = functional.relu(functional.linear(first, *_linear(numbers, 0)))
        vector = functional.normalize(functional.linear(hidden, *_linear(numbers, 2)), dim=0)
        errors.append(float((own(torch.tensor(tokens)) - vector).abs().max()))
        errors.append(float((own.text_branch(torch.tensor(tokens)) - first).abs().max()))
        pooled.append(first.numpy())
        vectors.append(vector.numpy())
    print(f"RoBERTa, {name}: largest error {max(errors):.1e}, vectors' products {np.inner(vectors[0], vectors[1]):.3f}")
    lengths = np.array([len(tokens) for tokens in TOKENS])
    return {"tokens": np.concatenate(TOKENS), "lengths": lengths, "pooled": pooled, "vectors": vectors}


def _linear(numbers: dict[str, torch.Tensor], index: int) -> tuple[torch.Tensor, torch.Tensor]:
    return numbers[f"text_projection.{index}.weight"], numbers[f"text_projection.{index}.bias"]


if __name__ == "__main__":
    main()
