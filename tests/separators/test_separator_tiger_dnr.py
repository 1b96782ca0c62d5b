"""The member `tiger_dnr` against TIGER's own code, on random weights in its file's format.

The golden file is that of `scripts/golden_tiger.py`. The contract of all separators is that of `test_separators`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file

from sepkit.errors import WeightsError
from sepkit.models import catalogue
from sepkit.separators.base import Mix, Place
from sepkit.separators.tiger_dnr import Options, Separator
from sepkit.separators.tiger_dnr import catalogue as published
from sepkit.separators.tiger_dnr.network import Shape, Tiger
from tests.separators import tiger_weights as weights
from tests.separators.bandit_weights import sound
from tests.separators.difference import difference_db
from tests.separators.test_separators import (  # noqa: F401  the contract, on the fixture `separator` below
    test_a_stretch_with_its_context_gives_what_the_whole_gives,
    test_same_mix_same_estimate_whatever_came_between,
    test_silence_gives_silence,
    test_unknown_options_are_refused,
)

GOLDEN = np.load(Path(__file__).with_name("tiger_golden.npz"))
EVERY = 16
RATE = 44100
SOURCES = ("speech", "music", "effects")


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return weights.write(tmp_path_factory.mktemp("tiger") / "model.safetensors")


def loaded(path: Path, given: tuple[str, ...] = SOURCES, **options: object) -> Separator:
    built = Separator(Options(weights=str(path), **options))
    built.give(given)
    built.load("cpu")
    built.begin(RATE)
    return built


@pytest.fixture(scope="module")
def separator(file) -> Separator:
    return loaded(file, segment_s=1)


def test_names_shapes_and_size_are_those_of_the_published_file():
    named = weights.named(Shape())
    assert {f"{name} {shape}" for name, shape in named.items()} == set(GOLDEN["names"])
    needed = 4 * sum(int(np.prod(shape)) for shape in named.values())
    assert 1 < published()[0].size_bytes / needed < 1.02  # beside the tensors their names


def test_each_source_equals_tigers(file):
    """A segment of one second, which is what the original was given."""
    found = loaded(file, segment_s=1, overlap=0.0).separate(Mix(sound(1.0, RATE)))
    for source, expected in zip(SOURCES, GOLDEN["found"], strict=True):
        assert difference_db(found.sources[source][0, ::EVERY], expected) < -100
    assert np.array_equal(found.wanted, found.sources["speech"])


def test_where_the_speech_is_enough_its_network_alone_is_run(file):
    mix = Mix(sound(1.5, RATE, channels=2))
    alone, all_three = loaded(file, (), segment_s=1), loaded(file, segment_s=1)
    found = alone.separate(mix)
    assert found.sources == {} and alone.sources == ()
    assert np.array_equal(found.wanted, all_three.separate(mix).wanted)
    assert alone.describe() == "1 network, segments of 1 s"
    assert all_three.describe() == "3 networks, segments of 1 s"


def test_segments_are_run_once_whichever_stretch_meets_them(file, monkeypatch):
    built, mix = loaded(file, segment_s=1), sound(4.0, RATE)
    whole = built.separate(Mix(mix)).sources
    runs = []
    heard = Tiger.forward
    monkeypatch.setattr(Tiger, "forward", lambda self, x: runs.append(x.shape[-1]) or heard(self, x))
    built.begin(RATE)
    stride, context, middle = built.grid_frames, RATE, 2 * RATE
    first = built.separate(Mix(mix[:, : middle + context], place=Place(0, (0, middle), again=2 * context))).sources
    begin = (middle - context) // stride * stride
    rest = Place(begin, (middle - begin, mix.shape[1] - begin), last=True)
    second = built.separate(Mix(mix[:, begin:], place=rest)).sources
    for source in SOURCES:
        joined = np.concatenate([first[source][:, :middle], second[source][:, middle - begin :]], axis=1)
        assert difference_db(joined, whole[source]) < -100
    assert len(runs) == len(range(0, mix.shape[1], stride))


GAMMA = "music.separator.frame_path.2.gamma"


def changed(change) -> dict[str, torch.Tensor]:
    state = weights.numbers(weights.named(weights.NARROW))
    change(state)
    return state


STATES = {
    "one is missing": (lambda: changed(lambda s: s.pop(GAMMA)), rf"1 tensors are missing.*{GAMMA}"),
    "one too many": (lambda: changed(lambda s: s.update(strange=torch.ones(2))), r"1 too many.*strange"),
    "another shape": (lambda: changed(lambda s: s.update({GAMMA: torch.ones(2)})), rf"1 of another shape.*{GAMMA}"),
    "another family": (lambda: {"unet.encoder0.conv.conv_re.weight": torch.ones(2)}, "there is no tensor"),
}


@pytest.mark.parametrize("name", STATES)
def test_what_does_not_fit_is_one_line_that_names_it(name, tmp_path):
    make, words = STATES[name]
    save_file(make(), tmp_path / "bad.safetensors")
    with pytest.raises(WeightsError, match=words) as caught:
        loaded(tmp_path / "bad.safetensors")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["noise", "nothing", "cut short", "HTML"])
def test_damaged_files_are_refused(content, file, tmp_path):
    whole = file.read_bytes()
    broken = {"noise": bytes(range(256)) * 40, "nothing": b"", "cut short": whole[: len(whole) // 2], "HTML": b"<html>"}
    (tmp_path / "bad.safetensors").write_bytes(broken[content])
    with pytest.raises(WeightsError, match=r"bad\.safetensors cannot be read") as caught:
        loaded(tmp_path / "bad.safetensors")
    assert "\n" not in str(caught.value)


def test_the_names_of_elsewhere_find_it_and_a_digest_of_another_file_is_refused(file, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found = catalogue.find("JusperLee/TIGER-DnR")
    assert (found.name, found.trust, found.about.stems) == ("tiger-dnr", "SHA-256", SOURCES)
    with pytest.raises(WeightsError, match="expected 0123456789abcdef"):
        loaded(file, sha256="0123456789abcdef")


def test_the_command_line_runs_it(file, tmp_path):
    """A remix with all gains at 0 dB is the source."""
    mix = sound(1.0, 48000, channels=2)
    soundfile.write(tmp_path / "mix.wav", mix.T, 48000, subtype="FLOAT")
    (tmp_path / "config.yaml").write_text(
        f"task: dialogue\nmembers: [{{separator: tiger_dnr, options: {{weights: {file}, segment_s: 1}}}}]\n"
        "fuse: {rule: mean, mask: none}\n"
    )
    words = ["dialogue", tmp_path / "mix.wav", "-o", tmp_path / "out", "--config", tmp_path / "config.yaml"]
    command = [sys.executable, "-m", "sepkit", *map(str, words), "--gain", "speech", "0"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    remix, rate = soundfile.read(tmp_path / "out/mix__remix.wav")
    assert rate == 48000
    np.testing.assert_allclose(remix.T, mix, atol=1e-6)
    total = sum(soundfile.read(tmp_path / f"out/mix__{source}.wav")[0] for source in SOURCES)
    np.testing.assert_allclose(total.T, mix, atol=1e-6)
