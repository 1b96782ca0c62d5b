"""What a training saved: torch's two formats of files, and what is said of files in neither."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from sepkit.errors import WeightsError
from sepkit.models import checkpoint
from sepkit.models.weights import own_file

NUMBERS = np.random.RandomState(0).standard_normal((3, 4)).astype(np.float32)


def read(path):
    return checkpoint.read(own_file(str(path), "net", "https://example.org", "MIT"))


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_both_formats_of_torch_hold_the_same(tmp_path, zipped):
    stored = {"state_dict": {"a.weight": torch.from_numpy(NUMBERS)}, "lr": np.float64(0.5)}
    torch.save(stored, tmp_path / "net.ckpt", _use_new_zipfile_serialization=zipped)
    found = read(tmp_path / "net.ckpt")
    np.testing.assert_array_equal(found["a.weight"].numpy(), NUMBERS)


class Code:
    def __reduce__(self):
        return (Path.touch, (Path("was-run"),))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "content",
    [b"hello\n", b"RIFF\x24\0\0\0WAVEfmt ", b"", bytes(range(256)) * 40, pickle.dumps({"state_dict": Code()})],
)
def test_of_a_file_that_is_no_checkpoint_it_is_said_in_words_of_ones_own(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.ckpt").write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        read(tmp_path / "net.ckpt")
    assert "net.ckpt cannot be read (" in str(caught.value) and str(caught.value).endswith(
        "; bring the right file there"
    )
    assert "it is no checkpoint, or damaged" in str(caught.value) or "it is damaged, or" in str(caught.value)
    assert "torch.save" not in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "was-run").exists()
