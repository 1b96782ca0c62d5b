"""The mean of two runs' weights, against numpy's, and what is refused."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file, save_file

from scripts.average_weights import main


def weights(path, seed, shape=(3,)):
    rng = np.random.default_rng(seed)
    tensors = {name: rng.standard_normal(size).astype(np.float32) for name, size in (("a", (4, 5)), ("b", (7,)))}
    save_file(tensors, path, metadata={"shape": json.dumps({"fine": shape})})
    return tensors


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_each_counts_as_its_share_says(tmp_path):
    first, second = weights(tmp_path / "a.safetensors", 1), weights(tmp_path / "b.safetensors", 2)
    done = run(f"{tmp_path / 'a.safetensors'}=1", f"{tmp_path / 'b.safetensors'}=3", "-o", tmp_path / "c.safetensors")
    assert done.exit_code == 0, done.output
    for name, found in load_file(tmp_path / "c.safetensors").items():
        np.testing.assert_allclose(found, np.average([first[name], second[name]], axis=0, weights=[1, 3]), atol=1e-6)


@pytest.mark.parametrize("share", ["", "0", "-1", "nan", "much"])
def test_a_share_that_is_none_is_refused(tmp_path, share):
    weights(tmp_path / "a.safetensors", 1)
    done = run(f"{tmp_path / 'a.safetensors'}={share}", "-o", tmp_path / "c.safetensors")
    assert done.exit_code == 1 and "a share above 0" in done.output
    assert not (tmp_path / "c.safetensors").exists()


def test_another_network_is_refused(tmp_path):
    weights(tmp_path / "a.safetensors", 1)
    weights(tmp_path / "b.safetensors", 2, shape=(4,))
    done = run(f"{tmp_path / 'a.safetensors'}=1", f"{tmp_path / 'b.safetensors'}=1", "-o", tmp_path / "c.safetensors")
    assert done.exit_code == 1 and "is of another network" in done.output
