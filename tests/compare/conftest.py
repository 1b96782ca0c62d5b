"""A set of short mixes, compared once for all tests of this room."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepkit.compare import CompareJob, run_compare
from tests.compare.sets import BOTH, LEVELS, NN, RATE, configs


@pytest.fixture(scope="session")
def original(tmp_path_factory) -> Path:
    """Six excerpts of 1 s at two levels, a beat that repeats under noise that does not, and two of the beat alone."""
    folder = tmp_path_factory.mktemp("compare") / "set"
    rng = np.random.default_rng(0)
    time_s = np.arange(RATE) / RATE
    rows = ["name,condition,level_db"]
    for condition, level_db in LEVELS:
        for index in range(2 if level_db is None else 6):
            beat = np.sin(2 * np.pi * (300 + 20 * index) * time_s) * (time_s % 0.25 < 0.12)
            speech = rng.standard_normal(RATE) * np.sin(2 * np.pi * (1.3 + 0.2 * index) * time_s) ** 2
            speech *= 0 if level_db is None else 0.05 * 10 ** (level_db / 20) / np.sqrt(np.mean(speech**2))
            background = 0.05 * beat / np.sqrt(np.mean(beat**2))
            name = f"{condition}_{level_db}_{index}"
            rows.append(f"{name},{condition},{'' if level_db is None else level_db}")
            for part, samples in (("mix", speech + background), ("speech", speech), ("background", background)):
                (folder / part).mkdir(parents=True, exist_ok=True)
                soundfile.write(folder / part / f"{name}.wav", samples, RATE, subtype="FLOAT")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    for name, text in (("nn", NN), ("<script>alert(1)<", BOTH)):
        (folder.parent / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture(scope="session")
def compared(original) -> tuple[Path, str]:
    """Where everything was written, and what was printed."""
    out = original.parent / "out"
    return out, run_compare(CompareJob(configs(original), original, out, fusion_rules=True))


@pytest.fixture
def copied(original, compared, tmp_path) -> CompareJob:
    """The same comparison, done, to be changed."""
    shutil.copytree(original.parent, tmp_path / "copy")
    folder = tmp_path / "copy/set"
    return CompareJob(configs(folder), folder, tmp_path / "copy/out", fusion_rules=True)
