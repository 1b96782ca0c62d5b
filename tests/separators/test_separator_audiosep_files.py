"""What is read as AudioSep's checkpoint, and what is refused with a line that names it."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from sepkit.errors import WeightsError
from sepkit.models.weights import torch_checkpoints
from sepkit.separators.audiosep import checkpoint
from sepkit.separators.audiosep.separator import Options, Separator, catalogue
from sepkit.separators.base import Mix


def load(options: Options) -> Separator:
    separator = Separator(options)
    separator.load("cpu")
    separator.begin(8000)
    return separator


def altered(folder: Path, tmp_path: Path, change) -> Options:
    stored = torch.load(folder / "narrow.ckpt", weights_only=True)
    change(stored["state_dict"])
    torch.save(stored, tmp_path / "altered.ckpt")
    return Options(prompt="dog bark", weights=str(tmp_path / "altered.ckpt"))


WORDS = "query_encoder.model.text_branch.embeddings.word_embeddings.weight"
CHANGES = {
    "a strange one": (lambda state: state.update(optimizer=torch.ones(2)), "nothing uses its tensor optimizer"),
    "a strange layer": (
        lambda state: state.update({"ss_model.base.rnn.weight": torch.ones(2)}),
        r"ss_model.*1 too many.*base\.rnn\.weight",
    ),
    "a strange layer of text": (
        lambda state: state.update({"query_encoder.model.text_branch.more": torch.ones(2)}),
        r"query_encoder.*1 too many.*text_branch\.more",
    ),
    "one absent": (lambda state: state.pop("ss_model.base.pre_conv.bias"), r"1 tensors are missing.*pre_conv\.bias"),
    "no norm": (lambda state: state.pop("ss_model.base.bn0.weight"), r"no tensor 'base\.bn0\.weight'"),
    "another shape": (
        lambda state: state.update({"ss_model.base.after_conv.bias": torch.ones(4)}),
        r"1 of another shape.*after_conv\.bias",
    ),
    "another window": (lambda state: state["ss_model.base.stft.conv_real.weight"].zero_(), "another window than Hann"),
    "no dimensions": (
        lambda state: state.update({"ss_model.base.bn0.weight": torch.tensor(1.0)}),
        "another number of dimensions",
    ),
    "narrow tokens": (
        lambda state: state.update(
            {"query_encoder.model.text_branch.embeddings.word_embeddings.weight": torch.ones(300, 60)}
        ),
        "have 60 numbers; each head of the attention takes 64",
    ),
    "odd bins": (lambda state: state.update({"ss_model.base.bn0.weight": torch.ones(100)}), "100 bins.*64·n"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_checkpoint_that_does_not_fit_is_one_line_that_names_what(name, audiosep_folder, audiosep_options, tmp_path):
    change, expected = CHANGES[name]
    with pytest.raises(WeightsError, match=expected) as caught:
        load(altered(audiosep_folder, tmp_path, change))
    assert "altered.ckpt" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_checkpoints_are_refused(audiosep_options, tmp_path):
    for name, content in {"text": b"no weights", "code": pickle.dumps(print)}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WeightsError, match="cannot be read"):
            load(audiosep_options.model_copy(update={"weights": str(tmp_path / name)}))
    torch.save([1, 2], tmp_path / "list.ckpt")
    with pytest.raises(WeightsError, match="no 'state_dict'"):
        load(audiosep_options.model_copy(update={"weights": str(tmp_path / "list.ckpt")}))
    with pytest.raises(WeightsError, match="damaged or not the published file"):
        load(audiosep_options.model_copy(update={"sha256": "0" * 64}))


def test_nan_is_an_error_that_names_the_file(audiosep_folder, audiosep_options, tmp_path):
    poisoned = altered(audiosep_folder, tmp_path, lambda state: state["ss_model.base.after_conv.bias"].fill_(torch.nan))
    with pytest.raises(WeightsError, match=r"NaN or Inf; check .*altered\.ckpt"):
        load(poisoned).separate(Mix(np.ones((1, 800), np.float32)))


def test_the_published_files_are_as_the_issue_has_them():
    weights_file, tokenizer = catalogue()
    assert weights_file.path == torch_checkpoints() / "audiosep_base_4M_steps.ckpt"
    assert (weights_file.size_bytes, weights_file.sha256[:8]) == (1_264_844_076, "f8cda01b")
    assert (len(weights_file.sha256), len(tokenizer.sha256), tokenizer.sha256[:8]) == (64, 64, "847bbeab")
    assert weights_file.licence_weights == "not stated separately"


def test_tensors_of_the_text_tower_stay_in_the_file(audiosep_options):
    file, _ = Separator(audiosep_options).weights()
    networks = checkpoint.read(file)
    mapped = Path("/proc/self/maps")
    if mapped.exists():
        assert "narrow.ckpt" in mapped.read_text()
    assert all(not parameter.requires_grad for net in networks for parameter in net.parameters())
