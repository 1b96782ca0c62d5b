"""The member `mossformer2_ss` against ClearVoice 0.1.2 and the older MossFormer2, on random weights in their formats.

The golden file is that of `scripts/golden_parted.py`. The contract of all separators is that of `test_separators`.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sepkit.config.known_names import all_names
from sepkit.errors import ConfigError, WeightsError
from sepkit.models.licences import commercial
from sepkit.separators import mossformer2_ss
from sepkit.separators._voices.level import levelled
from sepkit.separators.base import Mix
from sepkit.separators.mossformer2_ss import Options, Separator, published
from sepkit.separators.mossformer2_ss.network import Voices, renamed
from tests.models.clap.clap_weights import shapes
from tests.separators import clearvoice_weights
from tests.separators import parted_weights as weights
from tests.separators.difference import difference_db
from tests.separators.test_separators import (  # noqa: F401  the contract, on the fixture `separator` below
    test_a_stretch_with_its_context_gives_what_the_whole_gives,
    test_same_mix_same_estimate_whatever_came_between,
    test_silence_gives_silence,
    test_unknown_options_are_refused,
)

GOLDEN = Path(__file__).with_name("parted_golden.npz")
EVERY = 16


def clearvoice(path: Path, stored: object = None) -> Path:
    return clearvoice_weights.folder(path, {"model": weights.mossformer2()} if stored is None else stored)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return clearvoice(tmp_path_factory.mktemp("clearvoice") / "MossFormer2_SS_16K")


def loaded(path: Path, source_hz: int = 16000, **options: object) -> Separator:
    built = Separator(Options(weights=str(path), **options))
    built.load("cpu")
    built.begin(source_hz)
    return built


@pytest.fixture(scope="module", params=[16000, 44100])
def separator(folder, request, monkeypatch_module) -> Separator:
    monkeypatch_module.setattr("tests.separators.test_separators.ANY_RATE_HZ", request.param)
    return loaded(folder, request.param, segment_s=2)


def test_equals_clearvoice_at_the_published_size():
    golden = np.load(GOLDEN)
    with torch.device("meta"):
        network = Voices(weights.SS, weights.TAPS)
    assert {f"{name} {shape}" for name, shape in shapes(network).items()} == set(golden["mossformer2_names"])
    network.load_state_dict(weights.mossformer2(weights.SS), assign=True)
    assert sum(each.numel() for each in network.parameters()) == published.PARAMETERS
    with torch.inference_mode():
        found = network.eval()(torch.from_numpy(weights.sound(0.5, 16000)))[0, :, ::EVERY].numpy()
    assert difference_db(found, golden["mossformer2"]) < -100


@pytest.mark.parametrize(("name", "voices"), [("mossformer2-wsj0mix-3spk", 3), ("mossformer2-whamr-2spk", 2)])
def test_older_folders_equal_the_older_network(name, voices, tmp_path):
    """With masks, and without them, as its name says."""
    folder = weights.older_folder(tmp_path / name, replace(weights.SLIM, voices=voices), config_name=name)
    network, rate, found_voices = Separator(Options(weights=str(folder), speakers=voices)).read()
    assert (rate, found_voices) == (8000, voices)
    with torch.inference_mode():
        found = network(torch.from_numpy(weights.sound(1.3, 8000)))[0, :, ::EVERY].numpy()
    assert difference_db(found, np.load(GOLDEN)[name]) < -100


def test_names_of_older_files_at_the_published_size_are_those_of_the_network():
    with torch.device("meta"):
        own = shapes(Voices(replace(weights.SS, voices=3), weights.TAPS))
    theirs = {}
    for line in np.load(GOLDEN)["older_names"].tolist():
        name, _, shape = line.partition(" ")
        part, _, inside = name.partition(".")
        theirs |= dict.fromkeys(renamed(part, {inside: torch.empty(0)}), shape)
    assert theirs == {name: str(shape) for name, shape in own.items()}


def test_the_voices_are_the_networks_own_each_at_its_level(folder):
    built, sound = loaded(folder), weights.sound(1.5, 16000)
    found = built.separate(Mix(sound))
    with torch.inference_mode():
        voices = built.read().network(torch.from_numpy(sound))[0]
    expected = levelled(voices, torch.from_numpy(sound)).numpy()
    for each, voice in zip(found.sources.values(), expected, strict=True):
        np.testing.assert_allclose(each[0], voice, atol=1e-6)


def trained(state: dict[str, torch.Tensor]) -> dict[str, object]:
    """As ClearVoice's training saves it, with its optimiser's state beside the network's."""
    weight = torch.nn.Parameter(torch.ones(2))
    optimiser = torch.optim.Adam([weight])
    weight.sum().backward()
    optimiser.step()
    return {"model": state, "optimizer": optimiser.state_dict(), "epoch": 3, "step": 40}


@pytest.mark.parametrize("wrap", [lambda s: s, trained, lambda s: {f"module.{k}": t for k, t in s.items()}])
def test_bare_wrapped_or_from_several_gpus_is_the_same_network(folder, tmp_path, wrap):
    sound = Mix(weights.sound(1.0, 16000))
    expected = loaded(folder).separate(sound).wanted
    other = clearvoice(tmp_path / "other", wrap(weights.mossformer2()))
    assert np.array_equal(loaded(other).separate(sound).wanted, expected)
    assert np.array_equal(loaded(other / "best.pt").separate(sound).wanted, expected)


def changed(change) -> dict[str, torch.Tensor]:
    state = weights.mossformer2()
    change(state)
    return state


CUT = "mask_net.mdl.intra_mdl.mossformerM.fsmn.1.gated_fsmn.fsmn.conv.conv2.weight"
ODD = "conv1d.weight"
STATES = {
    "one is missing": (lambda: changed(lambda t: t.pop(CUT)), rf"1 tensors are missing.*{CUT}"),
    "one too many": (lambda: changed(lambda t: t.update(strange=torch.ones(2))), r"1 too many.*strange"),
    "another shape": (lambda: changed(lambda t: t.update({CUT: torch.ones(2)})), "1 of another shape"),
    "speech enhancement": (lambda: clearvoice_weights.state(), "there is no tensor 'enc.conv1d.weight'"),
    "both names": (lambda: changed(lambda t: t.update({f"module.{CUT}": torch.ones(1)})), "both with 'module.'"),
    "numbers alone": (lambda: {"model": {"epoch": 3}}, "there is no 'model' of tensors"),
    "four voices": (
        lambda: weights.mossformer2(replace(weights.SLIM, voices=4)),
        r"it masks 16 of 16 filters of 16 taps for 4 voices, not all",
    ),
    "other dimensions": (lambda: changed(lambda t: t.update({"enc.conv1d.weight": torch.ones(2)})), "number of dimens"),
}


@pytest.mark.parametrize("name", STATES)
def test_what_does_not_fit_is_one_line_that_names_it(name, tmp_path):
    make, words = STATES[name]
    with pytest.raises(WeightsError, match=words) as caught:
        loaded(clearvoice(tmp_path / "bad", make()))
    assert "\n" not in str(caught.value)


TOLD = {
    "another network": (
        {"config_name": "mossformer2-own"},
        r"config_name is 'mossformer2-own'; this member knows mo",
    ),
    "another rate": ({"sample_rate": 16000}, r"sample_rate is 16000, and all of that name have 8000"),
}


@pytest.mark.parametrize("name", TOLD)
def test_an_older_folder_that_says_something_else_is_refused(name, tmp_path):
    told, words = TOLD[name]
    with pytest.raises(ConfigError, match=words) as caught:
        loaded(weights.older_folder(tmp_path / "bad", **told))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [None, "", "[]", "[" * 100_000, "{"])
def test_an_older_folder_needs_its_config(text, tmp_path):
    folder = weights.older_folder(tmp_path / "bad")
    (folder / "config.json").unlink()
    if text is not None:
        (folder / "config.json").write_text(text)
    with pytest.raises(ConfigError, match=r"options.weights: .*config\.json"):
        loaded(folder)


def test_three_voices_are_asked_for_by_their_number(tmp_path):
    folder = weights.older_folder(tmp_path / "three", replace(weights.SLIM, voices=3))
    found = loaded(folder, 8000, speakers=3).separate(Mix(weights.sound(0.5, 8000)))
    assert list(found.sources) == ["speaker_1", "speaker_2", "speaker_3"]
    with pytest.raises(ConfigError, match=r"options.speakers: 2, but .* gives 3 voices"):
        loaded(folder)


class Code:
    def __reduce__(self):
        return (Path.touch, (Path("was-run"),))


BROKEN = {"noise": bytes(range(256)) * 40, "code": pickle.dumps({"model": Code()}), "a page": b"<html></html>"}


@pytest.mark.parametrize("name", [*BROKEN, "cut short"])
def test_damaged_files_and_code_are_refused(name, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = (folder / "best.pt").read_bytes()
    (tmp_path / "bad.pt").write_bytes(BROKEN.get(name, whole[: len(whole) // 2]))
    with pytest.raises(WeightsError, match=r"bad\.pt cannot be read") as caught:
        loaded(tmp_path / "bad.pt")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "was-run").exists()


def test_what_is_absent_is_named(folder, tmp_path):
    with pytest.raises(WeightsError, match="last_best_checkpoint cannot be read"):
        loaded(tmp_path)
    other = clearvoice(tmp_path / "renamed")
    (other / "best.pt").rename(other / "other.pt")
    with pytest.raises(WeightsError, match=r"best\.pt .* is not in"):
        loaded(other)
    with pytest.raises(WeightsError, match="expected 0123456789abcdef"):
        loaded(folder, sha256="0123456789abcdef")


def test_the_catalogue_has_each_model_by_the_names_that_it_has_elsewhere():
    names = all_names()
    assert {file.model for file in mossformer2_ss.catalogue()} == set(published.VOICES)
    for file in mossformer2_ss.catalogue():
        assert file.url.startswith(f"https://huggingface.co/alibabasglab/{file.model}/resolve/")
        older = file.model in published.OLDER
        assert commercial(file.licence_code, file.licence_weights) == ("not stated" if older else "yes")
        for name in (file.model, f"alibabasglab/{file.model}"):
            meant = names[name.casefold()]
            assert (meant.member, meant.known.model, meant.known.options) == (
                "mossformer2_ss",
                file.model,
                {"model": file.model},
            )
        assert Separator(Options(model=file.model)).sources == file.about.stems


@pytest.mark.parametrize("of", ["clearvoice", "older"])
def test_the_command_line_runs_it(of, folder, tmp_path):
    own = folder if of == "clearvoice" else weights.older_folder(tmp_path / "older")
    sound = np.repeat(weights.sound(1.0, 44100), 2, axis=0)
    soundfile.write(tmp_path / "mix.wav", sound.T, 44100, subtype="FLOAT")
    member = json.dumps({"separator": "mossformer2_ss", "options": {"weights": str(own)}})
    (tmp_path / "config.yaml").write_text(f"task: speakers\nmembers: [{member}]\n")
    words = ["speakers", tmp_path / "mix.wav", "-o", tmp_path / "out", "--config", tmp_path / "config.yaml"]
    done = subprocess.run([sys.executable, "-m", "sepkit", *map(str, words)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found = [soundfile.info(path) for path in sorted((tmp_path / "out").rglob("*speaker_?.wav"))]
    assert [(each.samplerate, each.channels, each.frames) for each in found] == 2 * [(44100, 2, 44100)]
