"""A folder of small Demucs bags, made once, and what is patched for a whole file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from demucs.demucs import Demucs
from demucs.hdemucs import HDemucs
from demucs.htdemucs import HTDemucs

from sepkit.separators.audiosep import separator as audiosep
from tests.models.clap import clap_weights
from tests.separators import audiosep_weights
from tests.separators.demucs_bags import TRANSFORMER, build, diffq, save


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    """What is patched for all tests of a file."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    for seed in range(2):
        save(folder, f"transformer{seed}", build(HTDemucs, seed, **TRANSFORMER))
        save(folder, f"hybrid{seed}", build(HDemucs, seed, channels=8, segment=3))
    save(folder, "waveform", build(Demucs, 0, channels=8, lstm_layers=1, segment=2.5))
    if diffq:
        quantised = build(HDemucs, 2, channels=8, segment=3)
        save(folder, "quantised", quantised, diffq.DiffQuantizer(quantised, group_size=8, min_size=0.01))
    poisoned = build(HTDemucs, 0, **TRANSFORMER)
    for parameter in poisoned.parameters():
        torch.nn.init.constant_(parameter, torch.nan)
    save(folder, "poisoned", poisoned)
    bags = {
        "one_hot": "models: [transformer0, transformer1]\nweights: [[1, 1, 1, 0], [0, 0, 0, 1]]\n",
        "mean": "models: [hybrid0, hybrid1]\nsegment: 2\n",
        "weighted": "models: [hybrid0, transformer1]\nweights: [[1, 1, 1, .3], [0, 0, 0, 2]]\nsegment: 1.5\n",
        "half_poisoned": "models: [poisoned, transformer1]\nweights: [[1, 1, 1, 0], [0, 0, 0, 1]]\n",
        "no_say": "models: [transformer0]\nweights: [[1, 1, 1, 0]]\n",
        "uneven": "models: [transformer0, hybrid0]\n",
        "short_row": "models: [transformer0]\nweights: [[1, 1]]\n",
        "absent_network": "models: [nowhere]\n",
        "long_name": f"models: [{'a/' * 3000}]\n",
        "not_a_bag": "modles: [transformer0]\n",
    }
    for name, text in bags.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture(scope="session")
def audiosep_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint of AudioSep's, and a tokenizer."""
    folder = tmp_path_factory.mktemp("audiosep")
    audiosep_weights.write(folder / "narrow.ckpt")
    clap_weights.write_tokenizer(folder / "tokenizer.json")
    return folder


@pytest.fixture
def audiosep_options(audiosep_folder: Path, monkeypatch: pytest.MonkeyPatch) -> audiosep.Options:
    """For them; the tokenizer is where the published one would be."""
    checkpoint, tokenizer = audiosep.catalogue()
    here = replace(tokenizer, path=audiosep_folder / "tokenizer.json", sha256="")
    monkeypatch.setattr(audiosep, "catalogue", lambda: (checkpoint, here))
    return audiosep.Options(prompt="dog bark", weights=str(audiosep_folder / "narrow.ckpt"))
