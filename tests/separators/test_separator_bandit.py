"""The member `bandit` against the original Bandit v2 and BandIt Plus, on random weights in their files' format.

The golden file is that of `scripts/golden_bandit.py`. The contract of all separators is that of `test_separators`.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from pydantic import ValidationError

from sepkit.errors import WeightsError
from sepkit.models import catalogue, weights
from sepkit.separators.bandit import Options, Separator, published
from sepkit.separators.bandit.bands import musical_bands
from sepkit.separators.bandit.kinds import FFT_FRAMES, PLUS, V2
from sepkit.separators.bandit.network import Bandit
from sepkit.separators.base import Mix, Place
from tests.separators import bandit_weights
from tests.separators.bandit_weights import KINDS, sound
from tests.separators.difference import difference_db
from tests.separators.test_separators import (  # noqa: F401  the contract, on the fixture `separator` below
    test_a_stretch_with_its_context_gives_what_the_whole_gives,
    test_same_mix_same_estimate_whatever_came_between,
    test_silence_gives_silence,
    test_unknown_options_are_refused,
)

GOLDEN = np.load(Path(__file__).with_name("bandit_golden.npz"))
EVERY = 16
SOURCES = ("speech", "music", "effects")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bandit")
    return {name: bandit_weights.write(folder / f"{name}.ckpt", kind) for name, kind in KINDS.items()}


def loaded(path: Path, **options: object) -> Separator:
    built = Separator(Options(weights=str(path), **options))
    built.load("cpu")
    built.begin(int(built.sample_rate or 0))
    return built


@pytest.fixture(scope="module", params=KINDS)
def separator(files, request) -> Separator:
    return loaded(files[request.param], segment_s=1)


@pytest.mark.parametrize("name", KINDS)
def test_names_shapes_and_precision_are_those_of_the_published_networks(name):
    stored = bandit_weights.numbers(KINDS[name], bandit_weights.PUBLISHED)
    assert {f"{key} {tuple(t.shape)} {t.dtype}" for key, t in stored.items()} == set(GOLDEN[f"{name}_names"])
    # As many bytes as its tensors have, each counted once, and less than a hundredth beside them.
    once = {tensor.data_ptr(): tensor.nbytes for tensor in stored.values()}
    for model, found in published.MODELS.items():
        if found.kind is KINDS[name]:
            assert 1 < found.size_bytes / sum(once.values()) < 1.01, model


@pytest.mark.parametrize("name", KINDS)
def test_each_source_equals_the_originals(name, files):
    """A segment of one second, which is what the original was given."""
    built = loaded(files[name], segment_s=1, overlap=0.0)
    found = built.separate(Mix(sound(1.0, KINDS[name].sample_rate)))
    for source, expected in zip(SOURCES, GOLDEN[name], strict=True):
        assert difference_db(found.sources[source][:, ::EVERY], expected) < -100
    assert np.array_equal(found.wanted, found.sources["speech"])
    built.give(())
    alone = built.separate(Mix(sound(1.0, KINDS[name].sample_rate)))
    assert alone.sources == {} == dict.fromkeys(built.sources) and np.array_equal(alone.wanted, found.wanted)


@pytest.mark.parametrize("rate", [44100, 48000])
def test_bands_hold_every_bin_and_lie_where_the_octaves_do(rate):
    """A band's centre is 1 / 63 of the range in pitch above the one before: here in octaves, without semitones."""
    bands = musical_bands(64, rate, FFT_FRAMES)
    assert set().union(*(range(*band) for band in bands)) == set(range(1025))
    octaves = np.log2(1024)
    lowest = max(np.log2(rate / FFT_FRAMES), np.log2(440) - 69 / 12) - np.log2(rate / FFT_FRAMES)
    for index in (5, 20, 40, 60):
        centre = 2 ** (lowest + (octaves - lowest) * index / 63)
        edges = np.floor(centre * 2 ** (-octaves / 64)), np.ceil(centre * 2 ** (octaves / 64)) + 1
        assert bands[index] == tuple(map(int, edges))


def test_channels_are_separated_each_alone(files):
    built = loaded(files["v2"], segment_s=1)
    stereo = sound(1.5, 48000, channels=2)
    both = built.separate(Mix(stereo)).sources
    for channel in range(2):
        alone = built.separate(Mix(stereo[channel : channel + 1])).sources
        for source in SOURCES:
            assert difference_db(both[source][channel : channel + 1], alone[source]) < -100


def test_segments_are_run_once_whichever_stretch_meets_them(files, monkeypatch):
    built, mix = loaded(files["plus"], segment_s=1), sound(4.0, 44100)
    whole = built.separate(Mix(mix)).sources
    runs = []
    heard = Bandit.forward
    monkeypatch.setattr(Bandit, "forward", lambda self, x: runs.append(x.shape[-1]) or heard(self, x))
    built.load("cpu")
    built.begin(44100)
    stride, context, middle = built.grid_frames, 44100, 2 * 44100
    first = built.separate(Mix(mix[:, : middle + context], place=Place(0, (0, middle), again=2 * context))).sources
    begin = (middle - context) // stride * stride
    rest = Place(begin, (middle - begin, mix.shape[1] - begin), last=True)
    second = built.separate(Mix(mix[:, begin:], place=rest)).sources
    for source in SOURCES:
        joined = np.concatenate([first[source][:, :middle], second[source][:, middle - begin :]], axis=1)
        assert difference_db(joined, whole[source]) < -100
    assert len(runs) == len(range(0, mix.shape[1], stride))


@pytest.mark.parametrize("rate", [44100, 48000])
def test_it_hears_as_much_at_once_as_it_was_trained_on(files, rate):
    name, seconds = {48000: ("v2", 8), 44100: ("plus", 6)}[rate]
    built = loaded(files[name])
    assert (built.sample_rate, built.context_s, built.grid_frames) == (rate, seconds, seconds * rate // 2)
    assert f"segments of {seconds} s" in built.describe()


def test_a_trainings_own_file_is_the_same_network(files, tmp_path):
    """As on Zenodo: the network beside the losses, and beside what a training goes on from."""
    mix = Mix(sound(1.0, 48000))
    expected = loaded(files["v2"], segment_s=1).separate(mix).wanted
    state = {f"model.{name}": tensor for name, tensor in bandit_weights.numbers(V2).items()}
    state["loss_handler.loss.window"] = torch.ones(3)
    torch.save({"state_dict": state, "epoch": 3, "optimizer_states": [{}]}, tmp_path / "own.ckpt")
    assert np.array_equal(loaded(tmp_path / "own.ckpt", segment_s=1).separate(mix).wanted, expected)
    state["teacher.weight"] = torch.ones(3)
    torch.save({"state_dict": state}, tmp_path / "own.ckpt")
    with pytest.raises(WeightsError, match=r"'teacher\.weight' stands beside 'model\.\*'"):
        loaded(tmp_path / "own.ckpt")


V2_NORM = "mask_estim.sfx.norm_mlp.3.norm.weight"


def changed(name: str, change) -> dict[str, torch.Tensor]:
    state = bandit_weights.numbers(KINDS[name])
    change(state)
    return state


def renamed(state: dict[str, torch.Tensor], old: str, new: str) -> None:
    state[new] = state.pop(old)


STATES = {
    "one is missing": (
        lambda: changed("plus", lambda s: s.pop("bsrnn.mask_estim.music.freq_weights/5")),
        r"1 tensors are missing.*mask_estim\.music\.freq_weights/5",
    ),
    "one too many": (lambda: changed("v2", lambda s: s.update(strange=torch.ones(2))), r"1 too many.*strange"),
    "another shape": (
        lambda: changed("plus", lambda s: s.update({"bsrnn.tf_model.seqband.1.fc.bias": torch.ones(2)})),
        r"1 of another shape.*seqband\.1\.fc\.bias",
    ),
    "renamed": (
        lambda: changed("plus", lambda s: renamed(s, "stft.window", "stft.windows")),
        r"1 too many.*stft\.windows",
    ),
    "two numbers under two names": (
        lambda: changed("v2", lambda s: s.update({V2_NORM: s[V2_NORM] + 1})),
        r"has another name too, and holds something else there",
    ),
    "another family": (lambda: {"unet.encoder0.conv.conv_re.weight": torch.ones(2)}, "there is no tensor"),
    "numbers alone": (lambda: {"state_dict": {"epoch": 3}}, "there is no 'state_dict' of tensors"),
    "stems of another training": (
        lambda: {name.replace("effects", "other"): each for name, each in bandit_weights.numbers(PLUS).items()},
        r"tensors are missing.*mask_estim\.effects",
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_what_does_not_fit_is_one_line_that_names_it(name, tmp_path):
    make, words = STATES[name]
    torch.save(make(), tmp_path / "bad.ckpt")
    with pytest.raises(WeightsError, match=words) as caught:
        loaded(tmp_path / "bad.ckpt")
    assert "\n" not in str(caught.value)
    assert "bad.ckpt does not fit" in str(caught.value)


class Code:
    def __reduce__(self):
        return (Path.touch, (Path("was-run"),))


BROKEN = {
    "noise": bytes(range(256)) * 40,
    "code": pickle.dumps({"state_dict": Code()}),
    "an HTML page": b"<!DOCTYPE html><html></html>",
    "nothing": b"",
}


@pytest.mark.parametrize("name", [*BROKEN, "cut short"])
def test_damaged_files_and_code_are_refused(name, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = files["plus"].read_bytes()
    (tmp_path / "bad.ckpt").write_bytes(BROKEN.get(name, whole[: len(whole) // 2]))
    with pytest.raises(WeightsError, match=r"bad\.ckpt cannot be read") as caught:
        loaded(tmp_path / "bad.ckpt")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "was-run").exists()


def test_a_digest_of_another_file_and_nan_are_refused(files, tmp_path):
    with pytest.raises(WeightsError, match="expected 0123456789abcdef"):
        loaded(files["v2"], sha256="0123456789abcdef")
    bias = "bsrnn.tf_model.seqband.0.fc.bias"
    path = bandit_weights.write(tmp_path / "nan.ckpt", PLUS, **{bias: torch.full((16,), torch.nan)})
    with pytest.raises(WeightsError, match=r"NaN or Inf; check .*nan\.ckpt"):
        loaded(path, segment_s=1).separate(Mix(sound(1.0, 44100)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "give model: one of bandit-v2-multi"),
        ({"model": "bandit"}, "unknown model 'bandit'; choose one of bandit-v2-multi"),
        ({"model": "bandit-plus", "sha256": "0" * 8}, "leave out weights and sha256"),
    ],
)
def test_options_name_one_model(options, said):
    with pytest.raises(ValidationError, match=said):
        Options(**options)


@pytest.mark.parametrize(
    ("name", "model", "trust"),
    [
        ("checkpoint-multi_fixed.ckpt", "bandit-v2-multi", "SHA-256"),
        ("checkpoint-eng_state_dict.ckpt", "bandit-v2-eng", "no SHA-256 is published: --trust"),
        ("checkpoint-fao.ckpt", "bandit-v2-fao", "no SHA-256 is published: --trust"),
        ("model_bandit_plus_dnr_sdr_11.47.chpt", "bandit-plus", "SHA-256"),
    ],
)
def test_the_names_of_elsewhere_find_them(name, model, trust, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found = catalogue.find(name)
    assert (found.name, found.trust, found.about.stems) == (model, trust, SOURCES)


def test_the_command_line_runs_a_published_model_by_name(files, tmp_path, monkeypatch):
    """A narrow file stands where the published one would; only its digest is ours."""
    home = tmp_path / "home"
    monkeypatch.setenv("TORCH_HOME", str(home))
    path = published.file("bandit-v2-eng").path
    path.parent.mkdir(parents=True)
    path.write_bytes(files["v2"].read_bytes())
    stereo = np.repeat(sound(1.0, 44100), 2, axis=0)
    soundfile.write(tmp_path / "mix.wav", stereo.T, 44100, subtype="FLOAT")
    words = ["run", tmp_path / "mix.wav", "-o", tmp_path / "out", "--model", "checkpoint-eng_state_dict.ckpt"]
    done = subprocess.run([sys.executable, "-m", "sepkit", *map(str, words)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    (speech,) = (tmp_path / "out").glob("*speech*.wav")
    info = soundfile.info(speech)
    assert (info.samplerate, info.channels, info.frames) == (44100, 2, 44100)


def test_a_published_file_that_is_absent_or_another_says_what_to_do(files, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = published.file("bandit-plus")
    with pytest.raises(WeightsError, match=r"chpt \(149 MB\) is not in .*sepkit models fetch bandit-plus"):
        weights.require([file])
    file.path.parent.mkdir(parents=True)
    file.path.write_bytes(files["plus"].read_bytes())
    with pytest.raises(WeightsError, match="is damaged or not the published file"):
        Separator(Options(model="bandit-plus")).load("cpu")
    ours = replace(file, sha256=weights.sha256(file.path))
    monkeypatch.setattr(published, "file", lambda model: ours)
    Separator(Options(model="bandit-plus")).load("cpu")
