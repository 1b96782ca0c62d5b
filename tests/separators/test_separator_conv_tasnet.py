"""The member `conv_tasnet` against asteroid 0.7.0, on random weights in its format.

The golden file is that of `scripts/golden_parted.py`. The contract of all separators is that of `test_separators`.
"""

from __future__ import annotations

import os
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

from sepkit.config.known_names import all_names
from sepkit.errors import ConfigError, WeightsError
from sepkit.models.licences import commercial
from sepkit.separators import conv_tasnet
from sepkit.separators._voices.level import levelled
from sepkit.separators.base import Mix, Place
from sepkit.separators.conv_tasnet import Options, Separator, published
from sepkit.separators.conv_tasnet.network import ConvTasNet
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


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return weights.asteroid(tmp_path_factory.mktemp("asteroid") / "pytorch_model.bin")


def loaded(path: Path, source_hz: int = 8000, **options: object) -> Separator:
    built = Separator(Options(weights=str(path), **options))
    built.load("cpu")
    built.begin(source_hz)
    return built


@pytest.fixture(scope="module", params=[8000, 44100])
def separator(path, request, monkeypatch_module) -> Separator:
    monkeypatch_module.setattr("tests.separators.test_separators.ANY_RATE_HZ", request.param)
    return loaded(path, request.param, segment_s=2)


def test_equals_asteroid_at_the_published_size(tmp_path):
    path = weights.asteroid(tmp_path / "pytorch_model.bin", weights.PUBLISHED)
    network, rate, voices = Separator(Options(weights=str(path), sample_rate=16000)).read()
    golden = np.load(GOLDEN)
    assert {f"{name} {tuple(each.shape)}" for name, each in network.state_dict().items()} == set(
        golden["conv_tasnet_names"]
    )
    assert (rate, voices, sum(each.numel() for each in network.parameters())) == (16000, 2, 5_066_929)
    with torch.inference_mode():
        found = network(torch.from_numpy(weights.sound(1.3, 16000)))[0, :, ::EVERY].numpy()
    assert difference_db(found, golden["conv_tasnet"]) < -100


def test_without_skips_as_torchs_own_layers_have_it():
    """The version of the paper that has no sum of skips, its rules written out layer by layer."""
    torch.manual_seed(0)
    shape = replace(weights.NARROW, skip_chan=None, mask_act="sigmoid", encoder_activation="relu", n_src=3)
    network = ConvTasNet(shape).requires_grad_(False)
    network.load_state_dict(weights.numbers({name: tuple(t.shape) for name, t in network.state_dict().items()}))
    sound = torch.from_numpy(weights.sound(0.2, 8000))[:, :1595]

    def norm(x, layer):
        wide = (x - x.mean()) / (x.var(correction=0) + 1e-8).sqrt()
        return wide * layer.gamma[:, None] + layer.beta[:, None]

    W = torch.relu(torch.conv1d(sound[:, None], network.encoder["filterbank"]._filters, stride=8))
    x = network.masker.bottleneck[1](norm(W, network.masker.bottleneck[0]))
    for number, block in enumerate(network.masker.TCN):
        first, slope, one, apart, last, two = block.shared_block
        assert apart.dilation == (2 ** (number % 3),)
        x = x + block.res_conv(norm(last(apart(norm(slope(first(x)), one))), two))
    M = torch.sigmoid(network.masker.mask_net(x)).reshape(3, 32, -1)
    expected = torch.conv_transpose1d(M * W, network.decoder["filterbank"]._filters, stride=8)[:, 0]
    expected = torch.nn.functional.pad(expected, (0, 1595 - expected.shape[1]))
    torch.testing.assert_close(network(sound)[0], expected, atol=1e-5, rtol=1e-4)


def test_the_voices_are_the_networks_own_each_at_its_level(path):
    built, sound = loaded(path), weights.sound(1.5, 8000)
    found = built.separate(Mix(sound))
    with torch.inference_mode():
        voices = built.read().network(torch.from_numpy(sound))[0]
    expected = levelled(voices, torch.from_numpy(sound)).numpy()
    for each, voice in zip(found.sources.values(), expected, strict=True):
        np.testing.assert_allclose(each[0], voice, atol=1e-6)
    assert np.array_equal(found.wanted, sum(found.sources.values()))


def test_segments_are_run_once_whichever_stretch_meets_them(path, monkeypatch):
    built, sound = loaded(path, segment_s=2), weights.sound(8.0, 8000)
    whole = built.separate(Mix(sound)).sources
    runs = []
    heard = ConvTasNet.forward
    monkeypatch.setattr(ConvTasNet, "forward", lambda self, x: runs.append(x.shape[-1]) or heard(self, x))
    built.begin(8000)
    context = int(np.ceil(built.context_s * 8000))
    middle = 4 * 8000
    first = built.separate(Mix(sound[:, : middle + context], place=Place(0, (0, middle)))).sources
    begin = (middle - context) // built.grid_frames * built.grid_frames
    rest = Place(begin, (middle - begin, sound.shape[1] - begin), last=True)
    second = built.separate(Mix(sound[:, begin:], place=rest)).sources
    for name, expected in whole.items():
        joined = np.concatenate([first[name][:, :middle], second[name][:, middle - begin :]], axis=1)
        assert difference_db(joined, expected) < -100
    assert len(runs) == len(range(0, sound.shape[1] - 4000, 12000))
    told = built.passes(middle + context, Place(0, (0, middle))) | built.passes(sound.shape[1] - begin, rest)
    assert sorted(told.values()) == sorted(runs)


def test_a_voice_of_a_stereo_source_stays_where_it_stands(path):
    built, sound = loaded(path, 44100), weights.sound(1.0, 44100)
    found = built.separate(Mix(np.concatenate([1.5 * sound, 0.5 * sound]))).sources
    for voice in found.values():
        assert voice.any()
        np.testing.assert_allclose(voice[0], 3 * voice[1], atol=1e-5)


def test_the_rate_is_that_of_the_page_or_of_the_option_and_else_what_the_file_says(path, tmp_path):
    assert loaded(path).read().native_hz == 8000
    other = weights.asteroid(
        tmp_path / "other.bin", model_args=weights.model_args(weights.NARROW) | {"sample_rate": 1.6e4}
    )
    assert loaded(other).read().native_hz == 16000
    assert loaded(other, sample_rate=8000).read().native_hz == 8000
    wide = replace(weights.NARROW, kernel_size=32, stride=16)
    with pytest.raises(ConfigError, match=r"options.sample_rate: .*wide\.bin says 8000 Hz, as those of 16 kHz do too"):
        loaded(weights.asteroid(tmp_path / "wide.bin", wide))
    silent = weights.model_args(weights.NARROW)
    del silent["sample_rate"]
    with pytest.raises(ConfigError, match=r"silent\.bin does not say its rate; give the rate"):
        loaded(weights.asteroid(tmp_path / "silent.bin", model_args=silent))


def test_three_voices_where_the_file_gives_three(tmp_path):
    three = weights.asteroid(tmp_path / "three.bin", replace(weights.NARROW, n_src=3))
    found = loaded(three, speakers=3).separate(Mix(weights.sound(0.5, 8000)))
    assert list(found.sources) == ["speaker_1", "speaker_2", "speaker_3"]
    with pytest.raises(ConfigError, match=r"options.speakers: 2, but .*three\.bin gives 3 voices; name that number"):
        loaded(three)


def args(**changes: object) -> dict[str, object]:
    return {"model_args": weights.model_args(weights.NARROW) | changes}


def state(change) -> dict[str, object]:
    tensors = weights.conv_tasnet()
    change(tensors)
    return {"state_dict": tensors}


CUT = "masker.TCN.3.shared_block.3.weight"
CHANGED = {
    "one is missing": (lambda: state(lambda t: t.pop(CUT)), rf"1 tensors are missing.*{CUT}"),
    "one too many": (lambda: state(lambda t: t.update(strange=torch.ones(2))), r"1 too many.*strange"),
    "another shape": (lambda: state(lambda t: t.update({CUT: torch.ones(2)})), "1 of another shape"),
    "no tensors": (lambda: {"state_dict": {"epoch": 3}}, "there is no 'state_dict' of tensors"),
    "another network": (lambda: {"model_name": "DPRNNTasNet"}, r"model_name is 'DPRNNTasNet'; it must be"),
    "no sizes": (lambda: {"model_args": None}, "there is no model_args"),
    "another norm": (lambda: args(norm_type="cgLN"), r"model_args.norm_type is 'cgLN'; this member runs gLN"),
    "a size that is no number": (lambda: args(hid_chan="512"), r"model_args.hid_chan is '512'; it must be a whole"),
    "a size without end": (lambda: args(n_filters=10**9), r"model_args.n_filters is 1000000000; it must be a whole"),
    "blocks without end": (lambda: args(n_repeats=30), r"has 3 × 30 blocks; at most 64"),
    "a word that nobody knows": (lambda: args(padding=3), r"model_args.padding is nothing that a ConvTasNet has"),
    "causal": (lambda: args(causal=True), r"model_args.causal is True; this member runs False"),
    "one voice": (lambda: args(n_src=1), r"model_args.n_src is 1; this member parts 2 or 3 voices"),
    "masks of another width": (lambda: args(out_chan=16), r"model_args.out_chan is 16; it must be n_filters, 32"),
    "an even filter": (lambda: args(conv_kernel_size=4), r"model_args.conv_kernel_size is 4; it must be odd"),
    "a stride beyond": (lambda: args(stride=17), r"model_args.stride is 17; it must be 1 to kernel_size, 16"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_does_not_fit_is_one_line_that_names_it(name, tmp_path):
    make, words = CHANGED[name]
    with pytest.raises(WeightsError, match=words) as caught:
        loaded(weights.asteroid(tmp_path / "bad.bin", **make()))
    assert "\n" not in str(caught.value)


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
def test_damaged_files_and_code_are_refused(name, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = path.read_bytes()
    (tmp_path / "bad.bin").write_bytes(BROKEN.get(name, whole[: len(whole) // 2]))
    with pytest.raises(WeightsError, match=r"bad\.bin cannot be read") as caught:
        loaded(tmp_path / "bad.bin")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "was-run").exists()


def test_a_network_that_gives_no_numbers_is_said(tmp_path):
    tensors = {name: each * torch.nan for name, each in weights.conv_tasnet().items()}
    built = loaded(weights.asteroid(tmp_path / "nan.bin", state_dict=tensors))
    with pytest.raises(WeightsError, match=r"the network gave NaN or Inf; check .*nan\.bin"):
        built.separate(Mix(weights.sound(0.5, 8000)))


def test_a_digest_of_another_file_and_an_absent_one_are_refused(path, tmp_path):
    with pytest.raises(WeightsError, match="expected 0123456789abcdef"):
        loaded(path, sha256="0123456789abcdef")
    with pytest.raises(WeightsError, match=r"none\.bin .* is not in"):
        loaded(tmp_path / "none.bin")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "ConvTasNet"}, r"unknown model 'ConvTasNet'; choose one of ConvTasNet_Libri2Mix_sepclean_16k, "),
        ({"model": "ConvTasNet_Libri2Mix_sepclean_8k", "weights": "x"}, "leave out weights, or leave out model"),
        ({"sha256": "01234567"}, "sha256 is for weights of your own"),
        ({"speakers": 3}, r"speakers: 3, but ConvTasNet_Libri2Mix_sepclean_16k gives 2 voices; choose one of "),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, words):
    with pytest.raises(ValidationError, match=words):
        Options(**options)


def test_the_catalogue_has_each_model_by_the_names_that_asteroid_knows():
    names = all_names()
    for file in conv_tasnet.catalogue():
        assert file.url.startswith(f"https://huggingface.co/JorisCos/{file.model}/resolve/")
        assert commercial(file.licence_code, file.licence_weights) == ("no" if "noisy" in file.model else "yes")
        for name in (file.model, f"JorisCos/{file.model}"):
            meant = names[name.casefold()]
            assert (meant.member, meant.known.model, meant.known.options) == (
                "conv_tasnet",
                file.model,
                {"model": file.model},
            )
        voices = 3 if "Libri3Mix" in file.model else 2
        assert (
            Separator(Options(model=file.model)).sources
            == file.about.stems
            == tuple(f"speaker_{number}" for number in range(1, voices + 1))
        )
        assert file.about.sample_rate == (16000 if file.model.endswith("16k") else 8000)


def test_sizes_of_the_catalogue_are_those_of_the_networks():
    for voices, parameters in published.PARAMETERS.items():
        with torch.device("meta"):
            network = ConvTasNet(replace(weights.PUBLISHED, n_src=voices))
        assert sum(each.numel() for each in network.parameters()) == parameters


def test_the_command_line_runs_it(path, tmp_path):
    """The published name, whose file lies where it would be fetched to."""
    name = "ConvTasNet_Libri2Mix_sepclean_8k"
    here = tmp_path / "torch" / "hub" / "checkpoints" / name
    here.mkdir(parents=True)
    (here / "pytorch_model.bin").write_bytes(path.read_bytes())
    sound = np.repeat(weights.sound(1.0, 44100), 2, axis=0)
    soundfile.write(tmp_path / "mix.wav", sound.T, 44100, subtype="FLOAT")
    words = ["speakers", tmp_path / "mix.wav", "-o", tmp_path / "out", "--model", f"JorisCos/{name}"]
    done = subprocess.run(
        [sys.executable, "-m", "sepkit", *map(str, words)],
        capture_output=True,
        check=False,
        env={**os.environ, "TORCH_HOME": str(tmp_path / "torch")},
    )
    assert done.returncode == 0, done.stderr.decode()
    found = [soundfile.info(path) for path in sorted((tmp_path / "out").rglob("*speaker_?.wav"))]
    assert [(each.samplerate, each.channels, each.frames) for each in found] == 2 * [(44100, 2, 44100)]
