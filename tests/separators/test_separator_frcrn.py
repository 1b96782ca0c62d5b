"""The member `frcrn` against ClearVoice 0.1.2, on random weights in its format and of the published size.

The golden file is that of `scripts/golden_clearvoice.py`. What the members of ClearVoice share is held by
`test_separator_mossformer2`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sepkit.errors import WeightsError
from sepkit.separators._clearvoice import edge_gains
from sepkit.separators.base import Mix
from sepkit.separators.frcrn import Options, Separator
from sepkit.separators.frcrn.network import FRCRN
from tests.models.clap.clap_weights import shapes
from tests.separators import clearvoice_weights as weights

GOLDEN = np.load(Path(__file__).with_name("clearvoice_golden.npz"))
EVERY = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return weights.folder(tmp_path_factory.mktemp("clearvoice") / "FRCRN_SE_16K", weights.frcrn())


@pytest.fixture(scope="module")
def member(folder) -> Separator:
    built = Separator(Options(weights=str(folder)))
    built.load("cpu")
    return built


def difference_db(found: np.ndarray, expected: np.ndarray) -> float:
    return float(10 * np.log10(np.sum((found - expected.astype(float)) ** 2) / np.sum(expected.astype(float) ** 2)))


def test_names_and_shapes_are_those_of_the_published_network():
    with torch.device("meta"):
        named = shapes(FRCRN())
    assert {f"{name} {shape}" for name, shape in named.items()} == set(GOLDEN["frcrn_names"])


def test_equals_clearvoice(member):
    member.begin(16000)
    found = member.separate(Mix(weights.sound(1.0, 16000))).wanted[0, ::EVERY]
    assert difference_db(found, GOLDEN["frcrn"]) < -100


def test_what_lies_above_follows_the_gain_at_the_edge_and_never_grows():
    noise = np.random.default_rng(0).standard_normal((1, 16000)).astype(np.float32)
    np.testing.assert_allclose(edge_gains(0.3 * noise, noise, 16000), 0.3, rtol=1e-5)
    np.testing.assert_allclose(edge_gains(2 * noise, noise, 16000), 1.0)
    np.testing.assert_allclose(edge_gains(noise, 0 * noise, 16000), 1.0)
    np.testing.assert_allclose(edge_gains(0 * noise, noise, 16000), 0.0)


def test_a_layer_that_is_missing_is_named(tmp_path):
    state = weights.frcrn()
    del state["unet.fsmn.fsmn_re_L1.linear.bias"]
    with pytest.raises(WeightsError, match=r"1 tensors are missing.*fsmn_re_L1\.linear\.bias"):
        Separator(Options(weights=str(weights.folder(tmp_path / "bad", state)))).load("cpu")
