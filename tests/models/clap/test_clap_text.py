"""CLAP's text tower on random weights, against transformers (a golden file); its tokenizer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sepkit.errors import WeightsError
from sepkit.models.clap import text, tokens
from tests.models.clap import clap_weights as weights

GOLDEN = Path(__file__).with_name("clap_golden.npz")
"""Written by scripts/golden_clap.py with transformers and laion-clap 1.1.7."""


def test_text_tower_is_that_of_transformers():
    golden = np.load(GOLDEN)
    tower = text.TextTower(weights.SHALLOW).eval()
    tower.load_state_dict(weights.text_numbers(weights.text_shapes(weights.SHALLOW)))
    prompts = np.split(golden["tokens"], np.cumsum(golden["lengths"])[:-1])
    assert len(prompts) == 3
    for prompt, pooled, vector in zip(prompts, golden["pooled"], golden["text_vectors"], strict=True):
        with torch.inference_mode():
            given = torch.from_numpy(prompt)
            np.testing.assert_allclose(tower.text_branch(given), pooled, atol=1e-5)
            np.testing.assert_allclose(tower(given), vector, atol=1e-5)


def test_full_tower_has_robertas_size():
    """124,645,632 parameters: `RobertaModel` of roberta-base, as its model card and transformers count them."""
    counted = sum(int(np.prod(shape)) for shape in weights.text_shapes(text.Shape()).values())
    projection = 768 * 512 + 512 + 512 * 512 + 512
    assert counted - projection == 124_645_632


def test_a_tokenizer_that_does_not_fit_is_refused(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(WeightsError, match="no tokenizer"):
        tokens.read_tokenizer(tmp_path / "tokenizer.json", text.TextTower(weights.TINY))
    known = weights.write_tokenizer(tmp_path / "tokenizer.json")
    with pytest.raises(WeightsError, match=r"know 100 tokens, .* has 2\d\d"):
        tokens.read_tokenizer(known, text.TextTower(replace(weights.TINY, tokens=100)))
