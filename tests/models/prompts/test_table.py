"""The table of word pieces against the encoder that it is distilled from, as other libraries read and run that."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from sepkit.errors import WeightsError
from sepkit.models import weights
from sepkit.models.prompts import table

# Made by transformers and tokenizers of the encoder's own files: make_encoder.py beside this.
ENCODER = json.loads(Path(__file__).with_name("encoder.json").read_text("utf-8"))


def stored(name):
    with safe_open(table.WEIGHTS_PATH, framework="np") as file:
        return file.get_tensor(name)


def test_text_is_cut_as_the_encoder_cuts_it():
    pieces = stored("pieces").tobytes().decode().split("\n")
    for text, theirs in ENCODER["pieces"].items():
        # Punctuation and other scripts have no rows.
        kept = [piece for piece in theirs if piece.removeprefix("##").isalnum() and piece.isascii()]
        assert [pieces[number] for number in table.load().pieces(text)] == kept


def test_prompts_are_as_alike_as_the_encoder_says():
    vectors = np.stack([table.load().vector(prompt) for prompt in ENCODER["prompts"]])
    pairs = np.triu_indices(len(vectors), 1)
    ours, theirs = (vectors @ vectors.T)[pairs], np.array(ENCODER["cosines"])[pairs]
    assert np.corrcoef(ours, theirs)[0, 1] > 0.75  # measured 0.80
    assert np.abs(ours - theirs).mean() < 0.075  # measured 0.065


def test_a_vector_is_the_mean_of_its_rows():
    numbers = {piece: number for number, piece in enumerate(stored("pieces").tobytes().decode().split("\n"))}
    rows = stored("values").astype(np.float64) * stored("scales").astype(np.float64)[:, None]
    mean = rows[[numbers["yo"], numbers["##dell"], numbers["##ing"]]].sum(axis=0)
    assert table.load().vector("Yodelling!") == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


def test_text_of_no_known_piece_has_no_vector():
    assert table.load().vector("собака, 犬 …!") is None


def test_the_file_is_the_published_one():
    assert weights.sha256(table.WEIGHTS_PATH) == table.SHA256
    assert table.WEIGHTS_PATH.stat().st_size == table.SIZE_BYTES <= 5_000_000


def test_a_damaged_file_is_refused(tmp_path, monkeypatch):
    damaged = bytearray(table.WEIGHTS_PATH.read_bytes())
    damaged[-1] ^= 1
    path = tmp_path / "prompts.safetensors"
    path.write_bytes(damaged)
    monkeypatch.setattr(table, "WEIGHTS_PATH", path)
    with pytest.raises(WeightsError, match=r"prompts\.safetensors is damaged"):
        table.load.__wrapped__()


def test_neither_torch_nor_transformers_is_loaded():
    code = "import sys; from sepkit.models.prompts import understand; understand('dog'); "
    code += "print([name for name in ('torch', 'transformers', 'scipy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
