"""The RoFormer member against `bs-roformer` 0.3, of which the community's checkpoints are, on random weights."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from bs_roformer import BSRoformer, MelBandRoformer
from pydantic import ValidationError
from safetensors.torch import save_file

from sepkit.errors import ConfigError, WeightsError
from sepkit.models.weights import require, sha256
from sepkit.separators.base import Mix
from sepkit.separators.roformer import published
from sepkit.separators.roformer.description import read_description, shape_of
from sepkit.separators.roformer.separator import Options, Separator

RATE = 44100
CHUNK = 100 * 441
SIZES = {
    "dim": 16,
    "depth": 2,
    "stereo": True,
    "time_transformer_depth": 1,
    "freq_transformer_depth": 1,
    "dim_head": 8,
    "heads": 2,
    "stft_n_fft": 2048,
    "stft_hop_length": 441,
    "stft_win_length": 2048,
    "stft_normalized": False,
    "mask_estimator_depth": 2,
}
KINDS = {
    "mel": (MelBandRoformer, {"num_bands": 60, "sample_rate": RATE, "match_input_audio_length": True}),
    "bs": (BSRoformer, {"freqs_per_bands": (256, 256, 256, 257)}),
    "mel of two stems": (MelBandRoformer, {"num_bands": 60, "num_stems": 2, "match_input_audio_length": True}),
}
TUPLES = "multi_stft_resolutions_window_sizes: !!python/tuple [4096, 2048]"


def reference(kind: str) -> torch.nn.Module:
    """Upstream's network; of random weights, the norms' and the rotary frequencies too."""
    torch.manual_seed(len(kind))
    make, more = KINDS[kind]
    network = make(**SIZES, **more, flash_attn=False).eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("gamma", "freqs")):
                parameter.mul_(1 + 0.2 * torch.rand_like(parameter))
    return network


def description(kind: str, **changes: object) -> str:
    """The YAML as the community writes it, with a tag of Python's and what only training needs."""
    fields = {name: value for name, value in KINDS[kind][1].items() if name != "match_input_audio_length"}
    model = {**SIZES, **fields, "attn_dropout": 0.1, "flash_attn": True, "dim_freqs_in": 1025, **changes}
    lines = yaml.safe_dump({key: list(v) if isinstance(v, tuple) else v for key, v in model.items()})
    two = kind.endswith("two stems")
    rest = {
        "audio": {"sample_rate": RATE, "chunk_size": 1},
        "training": {"instruments": ["Vocals", "other"], "target_instrument": None if two else "Vocals", "lr": 1e-5},
        "inference": {"chunk_size": CHUNK, "num_overlap": 2},
    }
    return f"model:\n{_indented(lines)}  {TUPLES}\n{yaml.safe_dump(rest)}"


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def write(folder: Path, kind: str, wrapper: str | None = None, suffix: str = ".ckpt", **changes: object) -> Options:
    state = reference(kind).state_dict()
    weights = folder / f"model{suffix}"
    if suffix == ".safetensors":
        save_file({name: tensor.clone() for name, tensor in state.items()}, weights)
    else:
        torch.save({wrapper: state, "epoch": 3} if wrapper else state, weights)
    config = folder / "model.yaml"
    config.write_text(description(kind, **changes))
    return Options(config=str(config), weights=str(weights))


def member(options: Options) -> Separator:
    separator = Separator(options)
    separator.load("cpu")
    return separator


def song(frames: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2, frames)).astype(np.float32) * 0.1


def distance_db(found: np.ndarray, expected: np.ndarray) -> float:
    return float(10 * np.log10(np.sum((found - expected) ** 2) / np.sum(expected**2) + 1e-30))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("wrapper", "suffix"), [(None, ".ckpt"), ("state_dict", ".pt"), (None, ".safetensors")])
def test_equals_upstream(tmp_path, kind, wrapper, suffix):
    samples = song(CHUNK)
    whole = write(tmp_path, kind, wrapper, suffix).model_copy(update={"overlap": 0.0})
    found = member(whole).separate(Mix(samples)).wanted
    with torch.inference_mode():
        expected = reference(kind)(torch.from_numpy(samples)[None])[0].numpy()
    if kind.endswith("two stems"):
        expected = expected[0]
    assert found.shape == samples.shape
    assert distance_db(found[:, : expected.shape[-1]], expected) < -100


def test_segments_are_joined_by_triangles(tmp_path):
    """Over three segments: upstream's network on each, weights and sums written out."""
    samples, network = song(2 * CHUNK), reference("mel")
    total, weights = np.zeros_like(samples), np.zeros(samples.shape[1])
    triangle = np.minimum(np.arange(1, CHUNK + 1), np.arange(CHUNK, 0, -1)) / (CHUNK / 2)
    for start in range(0, samples.shape[1], CHUNK // 2):
        length = min(CHUNK, samples.shape[1] - start)
        first = start - (CHUNK - length) // 2
        seen = np.zeros((2, CHUNK), np.float32)
        inside = samples[:, first : first + CHUNK]
        seen[:, : inside.shape[1]] = inside
        with torch.inference_mode():
            stem = network(torch.from_numpy(seen)[None])[0].numpy()
        total[:, start : start + length] += triangle[:length] * stem[:, start - first :][:, :length]
        weights[start : start + length] += triangle[:length]
    found = member(write(tmp_path, "mel")).separate(Mix(samples)).wanted
    assert distance_db(found, total / weights) < -100


def test_a_stretch_on_the_grid_equals_the_whole(tmp_path):
    ours, samples = member(write(tmp_path, "bs")), song(5 * CHUNK)
    context = round(ours.context_s * RATE)
    whole = ours.separate(Mix(samples)).wanted
    begin = ours.grid_frames
    stretch = ours.separate(Mix(samples[:, begin : begin + 2 * context + 9000])).wanted
    inside = slice(context, context + 9000)
    assert distance_db(stretch[:, inside], whole[:, begin:][:, inside]) < -100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stereo": False}, "model.stereo: False is not supported"),
        ({"linear_transformer_depth": 1}, "model.linear_transformer_depth: 1 is not supported"),
        ({"num_bands": None}, r"model needs num_bands \(Mel-Band RoFormer\) or freqs_per_bands"),
        ({"dim": 0}, r"not a RoFormer's YAML \(.*model.dim"),
        ({"num_stems": 3}, "training.instruments names vocals, other, but model.num_stems is 3"),
        ({"stft_n_fft": 1024, "stft_win_length": 1024}, "does not fit its YAML"),
        ({"stft_n_fft": 1024}, "stft_hop_length, stft_win_length and stft_n_fft must rise"),
        ({"num_bands": 1000}, "its bands do not hold each of 1025 bins"),
        ({"dim_head": 7}, "model.dim_head .*multiple of 2"),
        ({"stft_n_fft": 10**9, "stft_win_length": 10**9}, "model.stft_n_fft .*less than or equal to 16384"),
    ],
)
def test_a_yaml_that_cannot_be_run_says_which_field(tmp_path, changes, message):
    with pytest.raises((ConfigError, WeightsError), match=message) as caught:
        member(write(tmp_path, "mel", **changes))
    assert "\n" not in str(caught.value)


def test_another_stem_is_refused_with_those_there_are(tmp_path):
    options = write(tmp_path, "mel of two stems").model_copy(update={"stem": "drums"})
    with pytest.raises(ConfigError, match=r"options.stem: 'drums' .*choose one of vocals, other"):
        member(options)


def test_the_second_stem_is_the_second(tmp_path):
    samples, options = song(CHUNK), write(tmp_path, "mel of two stems")
    found = member(options.model_copy(update={"stem": "other", "overlap": 0.0})).separate(Mix(samples)).wanted
    with torch.inference_mode():
        expected = reference("mel of two stems")(torch.from_numpy(samples)[None])[0, 1].numpy()
    assert distance_db(found, expected) < -100


def test_weights_of_another_model_are_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"does not fit its YAML: \d+ tensors are missing.*give the YAML"):
        member(write(tmp_path, "mel", depth=3))
    with pytest.raises(WeightsError, match="of another shape"):
        member(write(tmp_path, "mel", dim=32))


@pytest.mark.parametrize("kind", KINDS)
def test_the_tensors_are_counted_without_building_them(tmp_path, kind):
    options = write(tmp_path, kind)
    assert shape_of(read_description(Path(options.config)), "").tensors == len(reference(kind).state_dict())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depth": 60000}, r"does not fit its YAML: it describes \d{6,} tensors, \d+ are there"),
        ({"time_transformer_depth": 60000}, "does not fit its YAML"),
        ({"mask_estimator_depth": 60000}, "does not fit its YAML"),
        ({"dim": 60000}, "of another shape"),
        ({"heads": 60000}, "of another shape"),
    ],
)
def test_sizes_are_compared_before_memory_is_taken(tmp_path, changes, message):
    """Each of these would take hours, or more memory than there is."""
    options = write(tmp_path, "mel", **changes)
    with pytest.raises(WeightsError, match=message) as caught:
        member(options)
    assert len(str(caught.value)) < 500


def test_half_precision_is_read_as_single(tmp_path):
    options, samples = write(tmp_path, "mel").model_copy(update={"overlap": 0.0}), song(CHUNK)
    whole = member(options).separate(Mix(samples)).wanted
    state = torch.load(options.weights, weights_only=True)
    torch.save({name: tensor.half() for name, tensor in state.items()}, options.weights)
    assert distance_db(member(options).separate(Mix(samples)).wanted, whole) < -40


class Payload:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


def test_damaged_or_hostile_files_are_refused(tmp_path):
    options = write(tmp_path, "mel")
    path = Path(options.weights)
    with pytest.raises(WeightsError, match="SHA-256 begins with"):
        member(options.model_copy(update={"sha256": "0" * 8}))
    path.write_bytes(pickle.dumps(Payload(tmp_path / "mark")))
    with pytest.raises(WeightsError, match="cannot be read"):
        member(options)
    torch.save({"state_dict": Payload(tmp_path / "mark")}, path)
    with pytest.raises(WeightsError, match=r"cannot be read .*names code, which is not run") as caught:
        member(options)
    assert "weights_only" not in str(caught.value)
    torch.save([1, 2], path)
    with pytest.raises(WeightsError, match="holds no tensors by name"):
        member(options)
    path.unlink()
    with pytest.raises(WeightsError, match=r"model\.ckpt"):
        member(options)
    assert not (tmp_path / "mark").exists()


def test_nan_is_an_error_that_names_the_file(tmp_path):
    options = write(tmp_path, "bs")
    state = torch.load(options.weights, weights_only=True)
    torch.save({name: torch.full_like(tensor, torch.nan) for name, tensor in state.items()}, options.weights)
    with pytest.raises(WeightsError, match=r"NaN or Inf; check .*model.ckpt"):
        member(options).separate(Mix(song(CHUNK)))


def test_a_published_model_is_read_from_its_own_files(tmp_path, monkeypatch):
    """The files of a small model stand where the published ones would; only their digests and sizes are ours."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    own = write(tmp_path, "mel")
    name = "mel-band-roformer-kim"
    yaml, checkpoint = published.files(name)
    with pytest.raises(WeightsError, match=f"MelBandRoformer.ckpt .913 MB. is not in .*sepkit models fetch {name}"):
        require(Separator(Options(model=name)).weights())
    yaml.path.parent.mkdir(parents=True)
    yaml.path.write_bytes(Path(own.config).read_bytes())
    checkpoint.path.write_bytes(Path(own.weights).read_bytes())
    with pytest.raises(WeightsError, match=r"config_vocals_mel_band_roformer_kj.yaml is damaged or not the published"):
        member(Options(model=name))
    ours = tuple(replace(file, sha256=sha256(file.path)) for file in (yaml, checkpoint))
    monkeypatch.setattr(published, "files", lambda model: ours)
    mix = Mix(song(CHUNK))
    assert np.array_equal(member(Options(model=name)).separate(mix).wanted, member(own).separate(mix).wanted)


def test_the_published_sizes_are_those_of_the_network():
    """Witness: as many bytes as the tensors of the published YAML's network need, and less than 1 % beside them."""
    bytes_of = {"mel-band-roformer-kim": 912_812_688, "bs-roformer-viperx-1297": 639_035_184}
    for name, needed in bytes_of.items():
        assert 1 < published.files(name)[1].size_bytes / needed < 1.01


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "give config and weights of a model, or model: one of mel-band"),
        ({"config": "a.yaml"}, "give config and weights"),
        ({"model": "kim"}, "unknown model 'kim'; choose one of mel-band"),
        ({"model": "mel-band-roformer-kim", "sha256": "0" * 8}, "leave out config, weights and sha256"),
    ],
)
def test_options_name_one_model(options, said):
    with pytest.raises(ValidationError, match=said):
        Options(**options)
