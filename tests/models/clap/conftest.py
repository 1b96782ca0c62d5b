"""Small weights of CLAP as laion stores them, and a tokenizer, made once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sepkit.models.clap import Clap, published
from sepkit.models.weights import WeightFile
from tests.models.clap import clap_weights


@pytest.fixture(scope="session")
def clap_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[WeightFile, WeightFile]:
    folder: Path = tmp_path_factory.mktemp("clap")
    weights, tokenizer = (replace(file, sha256="") for file in published())
    return (
        replace(weights, path=clap_weights.write(folder / "laion.pt")),
        replace(tokenizer, path=clap_weights.write_tokenizer(folder / "tokenizer.json")),
    )


@pytest.fixture(scope="session")
def clap(clap_files: tuple[WeightFile, WeightFile]) -> Clap:
    return Clap(*clap_files)
