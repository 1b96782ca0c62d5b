"""What is read as CLAP's checkpoint, AudioSep's or laion's, and what is refused with a line that names it."""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sepkit.errors import WeightsError
from sepkit.models.clap import Clap, checkpoint
from tests.models.clap import clap_weights
from tests.separators import audiosep_weights


def altered(path: Path, change):
    state = clap_weights.state("module.")
    change(state)
    torch.save({"state_dict": state}, path)
    return path


FIRST = "module.audio_branch.layers.0.blocks.0."
CHANGES = {
    "a strange one": (lambda state: state.update(optimizer=torch.ones(2)), "nothing uses its tensor optimizer"),
    "a strange tower": (
        lambda state: state.update({"module.visual.proj": torch.ones(2)}),
        r"nothing uses its tensor module\.visual\.proj",
    ),
    "a layer of fusion": (
        lambda state: state.update({"module.audio_branch.patch_embed.mel_conv2d.bias": torch.ones(2)}),
        r"module\..*1 too many.*patch_embed\.mel_conv2d",
    ),
    "a strange layer of text": (
        lambda state: state.update({"module.text_branch.more": torch.ones(2)}),
        r"module\..*1 too many.*text_branch\.more",
    ),
    "one absent": (lambda state: state.pop("module.audio_branch.norm.bias"), r"1 tensors are missing.*norm\.bias"),
    "no projection": (lambda state: state.pop("module.audio_projection.2.weight"), r"no tensor 'audio_projection\.2"),
    "no table": (
        lambda state: state.pop(f"{FIRST}attn.relative_position_bias_table"),
        r"no tensor .*relative_position_bias_table",
    ),
    "heads that do not share evenly": (
        lambda state: state.update({f"{FIRST}attn.relative_position_bias_table": torch.ones(225, 3)}),
        "16 numbers, which 3 heads",
    ),
    "more bands": (
        lambda state: state.update({"module.audio_branch.bn0.weight": torch.ones(128)}),
        r"1 of another shape.*bn0\.weight",
    ),
    "no dimensions": (
        lambda state: state.update({f"{FIRST}attn.relative_position_bias_table": torch.tensor(1.0)}),
        "another number of dimensions",
    ),
    "another window": (
        lambda state: state["module.audio_branch.spectrogram_extractor.stft.conv_real.weight"].zero_(),
        "another window than Hann's of 1024",
    ),
    "nothing of CLAP": (lambda state: state.clear(), r"begins with query_encoder\.model\. or module\."),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_checkpoint_that_does_not_fit_is_one_line_that_names_what(name, clap_files, tmp_path):
    change, expected = CHANGES[name]
    weights, tokenizer = clap_files
    with pytest.raises(WeightsError, match=expected) as caught:
        Clap(replace(weights, path=altered(tmp_path / "altered.pt", change)), tokenizer)
    assert "altered.pt" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_audioseps_checkpoint_gives_the_same_towers(clap, clap_files, tmp_path):
    """The same numbers under the names of either; and both are mapped, not read."""
    weights, tokenizer = clap_files
    inside = replace(weights, path=audiosep_weights.write(tmp_path / "audiosep.ckpt", seed=0))
    other, sound = Clap(inside, tokenizer), clap_weights.sound(1.0)[None]
    assert np.array_equal(other.of_words("dog bark"), clap.of_words("dog bark"))
    assert np.array_equal(other.of_sound(sound, 48000), clap.of_sound(sound, 48000))
    mapped = Path("/proc/self/maps")
    if mapped.exists():
        assert {"audiosep.ckpt", "laion.pt"} <= {Path(line).name for line in mapped.read_text().splitlines()}


def test_a_digest_is_checked(clap_files):
    weights, tokenizer = clap_files
    for files in ((replace(weights, sha256="0" * 64), tokenizer), (weights, replace(tokenizer, sha256="0" * 64))):
        with pytest.raises(WeightsError, match="damaged or not the published file"):
            Clap(*files)


def test_numbers_of_an_older_numpy_are_read_and_code_is_not(clap_files, tmp_path):
    """laion's files were saved with NumPy 1, whose numbers go by another module's name."""
    weights, _ = clap_files
    older, codes = tmp_path / "older.pt", 0
    with zipfile.ZipFile(weights.path) as source, zipfile.ZipFile(older, "w", zipfile.ZIP_STORED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("data.pkl"):
                codes = content.count(b"cnumpy._core.multiarray\nscalar")
                content = content.replace(b"cnumpy._core.", b"cnumpy.core.")
            target.writestr(name, content)
    assert codes == 1 or np.__version__.startswith("1.")
    text, audio = checkpoint.read(replace(weights, path=older))
    assert all(not parameter.requires_grad for tower in (text, audio) for parameter in tower.parameters())
    (tmp_path / "code").write_bytes(pickle.dumps(print))
    with pytest.raises(WeightsError, match="cannot be read"):
        checkpoint.read(replace(weights, path=tmp_path / "code"))
