"""The member `sepformer` against speechbrain 1.1.2, on random weights in its format.

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

from sepkit.config.known_names import all_names
from sepkit.errors import ConfigError, WeightsError
from sepkit.models.licences import commercial
from sepkit.separators import sepformer
from sepkit.separators._voices.level import levelled
from sepkit.separators.base import Mix
from sepkit.separators.sepformer import Options, Separator, published
from sepkit.separators.sepformer.description import read
from sepkit.separators.sepformer.network import SepFormer, chunked, laid_over
from tests.models.clap.clap_weights import shapes
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
def folder(tmp_path_factory) -> Path:
    return weights.speechbrain(tmp_path_factory.mktemp("speechbrain") / "sepformer-own")


def loaded(path: Path, source_hz: int = 8000, **options: object) -> Separator:
    built = Separator(Options(weights=str(path), **options))
    built.load("cpu")
    built.begin(source_hz)
    return built


@pytest.fixture(scope="module", params=[8000, 44100])
def separator(folder, request, monkeypatch_module) -> Separator:
    monkeypatch_module.setattr("tests.separators.test_separators.ANY_RATE_HZ", request.param)
    return loaded(folder, request.param, segment_s=2)


def test_equals_speechbrain_at_the_published_size():
    golden, numbers = np.load(GOLDEN), weights.sepformer(weights.WSJ0)
    with torch.device("meta"):
        network = SepFormer(weights.WSJ0)
    assert {f"{name} {shape}" for name, shape in shapes(network).items()} == set(golden["sepformer_names"])
    network.load_state_dict(numbers, assign=True)
    with torch.inference_mode():
        found = network.eval()(torch.from_numpy(weights.sound(1.3, 8000)))[0, :, ::EVERY].numpy()
    assert difference_db(found, golden["sepformer"]) < -100


@pytest.mark.parametrize("steps", [1, 10, 19, 20, 21, 40, 57])
def test_chunks_begin_half_a_chunk_before_and_hold_each_step_twice(steps):
    x = torch.arange(1.0, steps + 1)[None, :, None]
    chunks = chunked(x, 20)
    padded = np.concatenate([np.zeros(10), np.arange(1, steps + 1), np.zeros(60)])
    for number, chunk in enumerate(chunks[0, ..., 0].numpy()):
        assert np.array_equal(chunk, padded[10 * number : 10 * number + 20])
    assert torch.equal(laid_over(chunks, steps), 2 * x)


def test_the_folders_yaml_is_read_as_numbers_and_nothing_in_it_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = weights.speechbrain(tmp_path / "own", replace(weights.THIN, voices=3), 16000)
    path = folder / "hyperparams.yaml"
    harm = "harm: !apply:os.mkdir [was-run]\nmore: !new:pathlib.Path\n    args: [a]\nname: !name:os.system\n"
    path.write_text(path.read_text() + harm)
    assert read(path) == (replace(weights.THIN, voices=3), 16000)
    assert loaded(folder, speakers=3).sources == ("speaker_1", "speaker_2", "speaker_3")
    assert not (tmp_path / "was-run").exists()


def test_the_voices_are_the_networks_own_each_at_its_level(folder):
    built, sound = loaded(folder), weights.sound(1.5, 8000)
    found = built.separate(Mix(sound))
    with torch.inference_mode():
        voices = built.read().network(torch.from_numpy(sound))[0]
    expected = levelled(voices, torch.from_numpy(sound)).numpy()
    for each, voice in zip(found.sources.values(), expected, strict=True):
        np.testing.assert_allclose(each[0], voice, atol=1e-6)


WRITTEN = {
    "a chain that ends nowhere": (
        "sample_rate: 8000",
        "sample_rate: !ref <rate>",
        r"sample_rate is '<rate>'; .* one <key>",
    ),
    "a circle": ("sample_rate: 8000", "sample_rate: !ref <sample_rate>", r"sample_rate is .*; it refers to itself"),
    "arithmetic": (
        "K: 20",
        "K: !ref <kernel_size> * 2",
        r"MaskNet\.K is '<kernel_size> \* 2'; this member runs a value",
    ),
    "a number in words": ("K: 20", "K: twenty", r"MaskNet\.K is 'twenty'; this member runs a whole number"),
    "a rate that nobody has": ("sample_rate: 8000", "sample_rate: 80", r"sample_rate is 80; .* 4000 to 192000"),
    "an odd chunk": ("K: 20", "K: 21", r"MaskNet\.K is 21; this member runs an even number"),
    "another norm": ("norm: ln", "norm: gln", r"MaskNet\.norm is 'gln'; this member runs ln"),
    "one voice": ("num_spks: 2", "num_spks: 1", r"MaskNet\.num_spks is 1; this member runs a whole number, 2 to 3"),
    "other attention": ("nhead: 4", "nhead: 4\n    attention_type: RoPEMHA", r"SBtfintra\.attention_type is 'RoPEMHA'"),
    "norms behind": (
        "norm_before: True",
        "norm_before: False",
        r"SBtfintra\.norm_before is False; this member runs True",
    ),
    "other layers": (
        "SBTransformerBlock",
        "SBRNNBlock",
        r"MaskNet\.intra_model is 'SBRNNBlock'; .* SBTransformerBlock",
    ),
    "another network": ("dual_path.Dual_Path_Model", "ResourceEfficientSeparator", r"0 sections of Dual_Path_Model"),
    "another width": (
        "out_channels: !ref <out_channels>",
        "out_channels: 8",
        r"MaskNet\.out_channels is 8; .* 16, as the",
    ),
    "no YAML": ("num_spks: 2", "num_spks: [2", r"hyperparams\.yaml: no YAML"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_yaml_that_says_something_else_is_one_line_that_names_the_field(name, folder, tmp_path):
    old, new, words = WRITTEN[name]
    text = (folder / "hyperparams.yaml").read_text()
    assert old in text
    (tmp_path / "hyperparams.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=words) as caught:
        read(tmp_path / "hyperparams.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: &a [*a]", "\0"])
def test_files_that_are_no_such_yaml_are_refused(text, tmp_path):
    (tmp_path / "hyperparams.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"options.weights: .*hyperparams\.yaml") as caught:
        read(tmp_path / "hyperparams.yaml")
    assert "\n" not in str(caught.value)


def test_a_folder_that_lacks_a_file_and_a_file_in_its_place_are_named(folder, tmp_path):
    for name in ("hyperparams.yaml", "encoder.ckpt"):
        partial = weights.speechbrain(tmp_path / name)
        (partial / name).unlink()
        with pytest.raises((ConfigError, WeightsError), match=name):
            loaded(partial)
    with pytest.raises(ConfigError, match=r"masknet\.ckpt is a file; give the folder that has masknet\.ckpt, encoder"):
        loaded(folder / "masknet.ckpt")


def changed(path: Path, part: str, change) -> Path:
    weights.speechbrain(path)
    tensors = torch.load(path / f"{part}.ckpt", weights_only=True)
    change(tensors)
    torch.save(tensors, path / f"{part}.ckpt")
    return path


CUT = "dual_mdl.1.inter_mdl.mdl.layers.0.self_att.att.in_proj_weight"
STATES = {
    "one is missing": (
        "masknet",
        lambda t: t.pop(CUT),
        rf"masknet\.ckpt does not fit: of masknet\.\*, 1 tensors.*{CUT}",
    ),
    "one too many": ("decoder", lambda t: t.update(bias=torch.ones(1)), r"decoder\.ckpt .* 1 too many.*bias"),
    "another shape": (
        "encoder",
        lambda t: t.update({"conv1d.weight": torch.ones(2)}),
        r"encoder\.ckpt .* another shape",
    ),
    "no tensors": ("masknet", lambda t: t.update(epoch=3), r"masknet\.ckpt .* there is no 'state_dict' of tensors"),
}


@pytest.mark.parametrize("name", STATES)
def test_what_does_not_fit_is_one_line_that_names_it(name, tmp_path):
    part, change, words = STATES[name]
    with pytest.raises(WeightsError, match=words) as caught:
        loaded(changed(tmp_path / "bad", part, change))
    assert "\n" not in str(caught.value)


def test_parts_that_were_exchanged_are_refused(tmp_path):
    folder = weights.speechbrain(tmp_path / "bad")
    (folder / "encoder.ckpt").rename(folder / "x")
    (folder / "decoder.ckpt").rename(folder / "encoder.ckpt")
    (folder / "x").rename(folder / "decoder.ckpt")
    with pytest.raises(WeightsError, match=r"encoder\.ckpt does not fit: of encoder\.\*, 1 tensors are missing"):
        loaded(folder)


class Code:
    def __reduce__(self):
        return (Path.touch, (Path("was-run"),))


BROKEN = {"noise": bytes(range(256)) * 40, "code": pickle.dumps({"conv1d.weight": Code()}), "a page": b"<html></html>"}


@pytest.mark.parametrize("name", [*BROKEN, "cut short"])
def test_damaged_files_and_code_are_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = weights.speechbrain(tmp_path / "bad")
    whole = (folder / "masknet.ckpt").read_bytes()
    (folder / "masknet.ckpt").write_bytes(BROKEN.get(name, whole[: len(whole) // 2]))
    with pytest.raises(WeightsError, match=r"masknet\.ckpt cannot be read") as caught:
        loaded(folder)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "was-run").exists()


def test_a_digest_is_of_the_largest_file(folder):
    import hashlib

    right = hashlib.sha256((folder / "masknet.ckpt").read_bytes()).hexdigest()
    loaded(folder, sha256=right)
    with pytest.raises(WeightsError, match=r"masknet\.ckpt .* expected 0123456789abcdef"):
        loaded(folder, sha256="0123456789abcdef")


def test_segments_beyond_the_places_are_refused(folder):
    with pytest.raises(ConfigError, match=r"options.segment_s: 30 s have 3003 places, and the network knows 2500"):
        loaded(folder, segment_s=30)


def test_the_catalogue_has_each_model_by_the_names_that_speechbrain_knows():
    names = all_names()
    for file in sepformer.catalogue():
        assert file.url.startswith(f"https://huggingface.co/speechbrain/{file.model}/resolve/")
        assert commercial(file.licence_code, file.licence_weights) == ("not stated" if "wham" in file.model else "yes")
        for name in (file.model, f"speechbrain/{file.model}"):
            meant = names[name.casefold()]
            assert (meant.member, meant.known.model, meant.known.options) == (
                "sepformer",
                file.model,
                {"model": file.model},
            )
        assert Separator(Options(model=file.model)).sources == file.about.stems
        assert len(file.about.stems) == (3 if "3mix" in file.model else 2)


@pytest.mark.parametrize("voices", [2, 3])
def test_sizes_of_the_catalogue_are_those_of_the_networks(voices):
    """To a hundredth; a file of torch's is a little larger than its numbers."""
    with torch.device("meta"):
        network = SepFormer(replace(weights.WSJ0, voices=voices))
    sizes = {name: 4 * each.numel() for name, each in network.state_dict().items()}
    parts = {part: sum(sizes[name] for name in sizes if name.startswith(part)) for part in ("masknet", "encoder")}
    assert parts["masknet"] == pytest.approx(published.MASKS[voices].size_bytes, rel=0.01)
    assert parts["encoder"] == pytest.approx(published.FILTERS.size_bytes, rel=0.06)


def test_the_command_line_runs_it(folder, tmp_path):
    """By a configuration; `--model` is the same as for `conv_tasnet`."""
    sound = np.repeat(weights.sound(1.0, 44100), 2, axis=0)
    soundfile.write(tmp_path / "mix.wav", sound.T, 44100, subtype="FLOAT")
    member = f"{{separator: sepformer, options: {{weights: {folder}}}}}"
    (tmp_path / "config.yaml").write_text(f"task: speakers\nmembers: [{member}]\n")
    words = ["speakers", tmp_path / "mix.wav", "-o", tmp_path / "out", "--config", tmp_path / "config.yaml"]
    done = subprocess.run([sys.executable, "-m", "sepkit", *map(str, words)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found = [soundfile.info(path) for path in sorted((tmp_path / "out").rglob("*speaker_?.wav"))]
    assert [(each.samplerate, each.channels, each.frames) for each in found] == 2 * [(44100, 2, 44100)]


def test_a_published_model_that_is_not_here_is_named_before_any_sound_is_read(tmp_path):
    words = ["speakers", "nowhere.wav", "-o", str(tmp_path / "out"), "--model", "speechbrain/sepformer-wsj02mix"]
    done = subprocess.run(
        [sys.executable, "-m", "sepkit", *words],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "TORCH_HOME": str(tmp_path)},
    )
    assert done.returncode != 0
    assert "sepkit models fetch sepformer-wsj02mix" in done.stderr
