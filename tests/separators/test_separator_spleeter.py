"""The member `spleeter` against Spleeter 2.4.2 itself, on random weights in its format.

The golden file is that of `scripts/golden_spleeter.py`. How a checkpoint is read is held by `test_spleeter_checkpoint`;
the contract of all separators is that of `test_separators`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner
from pydantic import ValidationError

from sepkit import Pipeline
from sepkit.audio.samples import Audio
from sepkit.cli import main
from sepkit.config import parse_config
from sepkit.errors import WeightsError
from sepkit.models.weights import require, sha256
from sepkit.separators.base import Mix, Place
from sepkit.separators.spleeter import Options, Separator, catalogue, names, published
from sepkit.separators.spleeter.network import SEGMENT_FRAMES, STRIDE_FRAMES, Spleeter
from tests.separators import spleeter_weights as weights
from tests.separators.difference import difference_db
from tests.separators.test_separators import (  # noqa: F401  the contract, on the fixture `separator` below
    test_any_length_and_any_samples_give_finite_ones_of_the_same_shape,
    test_same_mix_same_estimate_whatever_came_between,
    test_silence_gives_silence,
    test_unknown_options_are_refused,
)

GOLDEN = np.load(Path(__file__).with_name("spleeter_golden.npz"))
EVERY = 499
RATE_HZ = 44100
CASES = {
    "2stems": ("2stems", weights.WIDE, "zeros"),
    "4stems": ("4stems", weights.NARROW, "zeros"),
    "5stems": ("5stems", weights.NARROW, "average"),
    "2stems-16kHz": ("2stems-16kHz", weights.NARROW, "average"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Where a checkpoint of a model is, made when it is first asked for."""
    made, root = {}, tmp_path_factory.mktemp("spleeter")

    def folder(model: str, filters: tuple[int, ...] = weights.NARROW) -> Path:
        key = published.model_of(model), filters
        if key not in made:
            arrays = weights.numbers(*key) | {"global_step": np.array(7, np.int64)}
            made[key] = weights.folder(root / f"{len(made)}", weights.files(arrays))
        return made[key]

    return folder


def loaded(path: Path, **options: object) -> Separator:
    built = Separator(Options(weights=str(path), **options))
    built.load("cpu")
    built.begin(RATE_HZ)
    return built


@pytest.fixture(scope="module")
def separator(folders) -> Separator:
    return loaded(folders("5stems"), model="5stems")


@pytest.mark.parametrize("model", weights.STEMS)
def test_names_and_shapes_are_those_of_spleeters_variables(model):
    with torch.device("meta"):
        network = Spleeter(published.MODELS[model], weights.WIDE, 1024, "zeros")
    own = network.state_dict()
    shapes = {
        f"{name} {tuple(own[ours].permute(*np.argsort(axes).tolist()).shape)}"
        for name, (ours, axes) in network.names().items()
    }
    assert shapes == set(GOLDEN[f"{model} names"])
    assert {f"{name} {shape}" for name, shape in weights.shapes(model).items()} == shapes
    assert len(own) == len(shapes)


@pytest.mark.parametrize(("model", "size_bytes"), [("2stems", 78_614_080), ("4stems", 157_228_152)])
def test_the_published_data_is_as_long_as_the_tensors_and_the_number_of_the_step(model, size_bytes):
    """Witness: the lengths of model.data-00000-of-00001 in Deezer's archives."""
    with torch.device("meta"):
        own = Spleeter(published.MODELS[model], weights.WIDE, 1024, "zeros").state_dict()
    assert 4 * sum(tensor.numel() for tensor in own.values()) + 8 == size_bytes


@pytest.mark.parametrize("name", CASES)
def test_equals_spleeter(name, folders):
    model, filters, extension = CASES[name]
    built = loaded(folders(model, filters), model=model, mask_extension=extension)
    found = built.separate(Mix(weights.sound()))
    assert tuple(found.sources) == weights.STEMS[published.model_of(model)]
    for stem, samples in found.sources.items():
        assert difference_db(samples[:, ::EVERY], GOLDEN[f"{name} {stem}"]) < -110, stem
    assert np.array_equal(found.wanted, found.sources["vocals"])


@pytest.mark.parametrize("model", ["4stems", "5stems-16kHz"])
def test_by_the_average_the_stems_sum_to_the_mix(model, folders):
    mix = weights.sound(14.0)
    found = loaded(folders(model), model=model, mask_extension="average", stem="bass").separate(Mix(mix))
    assert difference_db(sum(found.sources.values()), mix) < -110
    assert np.array_equal(found.wanted, found.sources["bass"])


@pytest.mark.parametrize(("model", "edge_hz"), [("2stems", 11025), ("2stems-16kHz", 16538)])
def test_by_zeros_nothing_is_left_above_what_the_networks_hear(model, edge_hz, folders):
    found = loaded(folders(model), model=model).separate(Mix(weights.sound())).wanted[0]
    X = np.fft.rfft(found * np.hanning(found.size))
    above = np.fft.rfftfreq(found.size, 1 / RATE_HZ) > edge_hz + 50
    assert 10 * np.log10(np.sum(np.abs(X[above]) ** 2) / np.sum(np.abs(X[~above]) ** 2)) < -60


def test_segments_are_run_once_whichever_stretch_meets_them(folders, monkeypatch):
    """Stretches begin anywhere, not where segments do."""
    built, sound = loaded(folders("2stems")), weights.sound(50.0)
    whole = built.separate(Mix(sound)).sources
    runs, forward = [], Spleeter.forward
    monkeypatch.setattr(Spleeter, "forward", lambda self, x: runs.append(len(x)) or forward(self, x))
    built.begin(RATE_HZ)
    context, ends = int(np.ceil(built.context_s * RATE_HZ)), (600_000, 1_300_001, sound.shape[1])
    start, parts = 0, []
    for end in ends:
        begin, stop = max(0, start - context), min(sound.shape[1], end + context)
        place = Place(begin, (start - begin, end - begin), 2 * context, last=end == ends[-1])
        found = built.separate(Mix(sound[:, begin:stop], place=place)).sources["accompaniment"]
        parts.append(found[:, start - begin : end - begin])
        start = end
    assert difference_db(np.concatenate(parts, axis=1), whole["accompaniment"]) < -110
    assert sum(runs) == -(-(sound.shape[1] + SEGMENT_FRAMES - STRIDE_FRAMES + 1024) // STRIDE_FRAMES)


@pytest.mark.parametrize("rate_hz", [44100, 48000])
def test_windows_give_what_the_whole_gives(rate_hz, folders):
    """Through all of sepkit, at the member's rate and at another."""
    sound = Audio(weights.sound(45.0)[:, : 40 * rate_hz], rate_hz)

    def speech(body_s: float) -> np.ndarray:
        section = f"{{separator: spleeter, options: {{weights: {folders('2stems')}}}}}"
        config = f"members: [{section}]\ndenoise: null\npost_mask: null\nequalise: null\n"
        return Pipeline(parse_config(f"{config}windows: {{body_s: {body_s}}}")).run(sound).speech.samples

    assert difference_db(speech(10), speech(60)) < -60


def test_the_published_archives_are_found_by_spleeters_names(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert {known.name for known in names()} == {
        f"spleeter:{count}stems{band}" for count in (2, 4, 5) for band in ("", "-16kHz")
    }
    for known in names():
        (file,) = Separator(Options(**known.options)).weights()
        assert known.model == file.model and file in catalogue()
        with pytest.raises(WeightsError, match=rf"is not in .*run 'sepkit models fetch {file.model}' or copy https://"):
            require([file])


@pytest.mark.parametrize("model", ["spleeter:2stems", "Spleeter:2stems-16kHz"])
def test_run_takes_a_published_model_by_its_name(tmp_path, monkeypatch, model):
    """An archive of small random networks stands where the published one would; only its digest and size are ours."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    path = published.file("2stems").path
    path.parent.mkdir(parents=True)
    weights.archive(path, weights.files(weights.numbers("2stems", weights.NARROW)))
    soundfile.write(tmp_path / "mix.wav", weights.sound(3.0).T, RATE_HZ, subtype="FLOAT")
    words = ["run", str(tmp_path / "mix.wav"), "-o", str(tmp_path / "out"), "--model", model]
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 2 and "2stems.tar.gz is damaged or not the published file" in refused.output
    monkeypatch.setitem(published.MODELS, "2stems", published.MODELS["2stems"]._replace(sha256=sha256(path)))
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    found = soundfile.info(tmp_path / "out" / "mix__speech_only.wav")
    assert (found.samplerate, found.channels, found.frames) == (RATE_HZ, 2, 3 * RATE_HZ)


def test_the_command_line_runs_a_folder(folders, tmp_path):
    soundfile.write(tmp_path / "mix.wav", weights.sound(2.0)[0], 48000)
    (tmp_path / "config.yaml").write_text(
        "members: [{separator: 'spleeter:4stems', options: {stem: drums, mask_extension: average, "
        f"weights: {folders('4stems')}}}}}]\ndenoise: null\n"
    )
    words = ["run", tmp_path / "mix.wav", "-o", tmp_path / "out", "--config", tmp_path / "config.yaml"]
    done = subprocess.run([sys.executable, "-m", "sepkit", *map(str, words)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found = soundfile.info(tmp_path / "out" / "mix__speech_only.wav")
    assert (found.samplerate, found.channels, found.frames) == (48000, 1, 2 * RATE_HZ)


def test_nan_is_an_error_that_names_the_file(tmp_path):
    arrays = weights.numbers("2stems", weights.NARROW)
    arrays["conv2d_6/bias"][:] = np.nan
    built = loaded(weights.folder(tmp_path / "bad", weights.files(arrays)))
    with pytest.raises(WeightsError, match=r"NaN or Inf; check .*model\.index"):
        built.separate(Mix(weights.sound(1.0)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stem": "drums"}, "stem 'drums' is not what 2stems gives; choose one of vocals, accompaniment"),
        ({"model": "3stems"}, "2stems"),
        ({"mask_extension": "ones"}, "'zeros' or 'average'"),
        ({"sha256": "0" * 8}, "sha256 is for weights of your own"),
    ],
)
def test_options_name_what_there_is(options, said):
    with pytest.raises(ValidationError, match=said):
        Options(**options)


def test_a_plan_says_what_is_run(folders):
    built = loaded(folders("5stems"), model="5stems", stem="piano")
    assert built.describe() == "5stems, piano of 5 stems: segments of 12 s"
    assert len(built.passes(30 * RATE_HZ, Place(0, (0, 30 * RATE_HZ), last=True))) == 3
