"""The member `frcrn` against ClearVoice 0.1.2, on random weights in its format and of the published size.

The golden file is that of `scripts/golden_clearvoice.py`. What the members of ClearVoice share is held by
`test_separator_mossformer2`.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sepkit.errors import WeightsError
from sepkit.separators._clearvoice import edge_gains
from sepkit.separators.base import Mix
from sepkit.separators.frcrn import Options, Separator, network
from sepkit.separators.frcrn.network import FRCRN
from tests.models.clap.clap_weights import shapes
from tests.separators import clearvoice_weights as weights
from tests.separators.difference import difference_db
from tests.separators.test_separators import (  # noqa: F401  the contract, on the fixture `separator` below
    test_a_stretch_with_its_context_gives_what_the_whole_gives,
    test_same_mix_same_estimate_whatever_came_between,
    test_silence_gives_silence,
    test_unknown_options_are_refused,
)

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


@pytest.fixture(scope="module")
def separator(tmp_path_factory) -> Separator:
    """An eighth as wide as the published one, which takes a minute for these."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "CHANNELS", 16)
        patch.setattr(network, "SQUEEZED", 2)
        path = weights.folder(tmp_path_factory.mktemp("narrow") / "narrow", weights.frcrn())
        built = Separator(Options(weights=str(path), segment_s=2))
        built.load("cpu")
    built.begin(22050)
    return built


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


def changed(change) -> dict[str, torch.Tensor]:
    state = weights.frcrn()
    change(state)
    return state


CUT = "unet.fsmn.fsmn_re_L1.linear.bias"
STATES = {
    "one is missing": (lambda state: state.pop(CUT), r"1 tensors are missing.*fsmn_re_L1\.linear\.bias"),
    "one too many": (lambda state: state.update(strange=torch.ones(2)), r"1 too many.*strange"),
    "another shape": (lambda state: state.update({CUT: torch.ones(2)}), "1 of another shape"),
    "both names": (lambda state: state.update({f"module.{CUT}": torch.ones(128)}), "both with 'module.'"),
    "another family": (lambda state: (state.clear(), state.update(weights.state())), "tensors are missing"),
}


@pytest.mark.parametrize("name", STATES)
def test_what_does_not_fit_is_one_line_that_names_it(name, tmp_path):
    change, words = STATES[name]
    bad = weights.folder(tmp_path / "bad", {"model": changed(change)})
    with pytest.raises(WeightsError, match=words) as caught:
        Separator(Options(weights=str(bad))).load("cpu")
    assert "\n" not in str(caught.value)


class Code:
    def __reduce__(self):
        return (Path.touch, (Path("was-run"),))


@pytest.mark.parametrize("name", ["cut short", "code"])
def test_damaged_files_and_code_are_refused(name, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = (folder / "best.pt").read_bytes()
    bad = tmp_path / "bad.pt"
    bad.write_bytes(whole[: len(whole) // 2] if name == "cut short" else pickle.dumps({"model": Code()}))
    with pytest.raises(WeightsError, match=r"bad\.pt cannot be read") as caught:
        Separator(Options(weights=str(bad))).load("cpu")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "was-run").exists()


def test_the_command_line_runs_it_by_the_name_that_clearvoice_has(folder, tmp_path):
    sound = np.repeat(weights.sound(1.0, 44100), 2, axis=0)
    soundfile.write(tmp_path / "mix.wav", sound.T, 44100, subtype="FLOAT")
    (tmp_path / "config.yaml").write_text(
        f"task: speech\nmembers: [{{separator: FRCRN_SE_16K, options: {{weights: {folder}}}}}]\n"
    )
    words = ["run", tmp_path / "mix.wav", "-o", tmp_path / "out", "--config", tmp_path / "config.yaml"]
    done = subprocess.run([sys.executable, "-m", "sepkit", *map(str, words)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found = [soundfile.info(path) for path in sorted((tmp_path / "out").rglob("*speech*.wav"))]
    assert [(each.samplerate, each.channels, each.frames) for each in found] == [(44100, 2, 44100)]
