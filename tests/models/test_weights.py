"""Files of weights: what is said when one is absent or damaged."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest
import torch

from sepkit.errors import WeightsError
from sepkit.models import weights
from sepkit.models.weights import WeightFile

CONTENT = b"abc"
# FIPS 180-2, appendix B.1: the SHA-256 of "abc".
DIGEST = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def weight_file(path: Path, url: str | None = "https://example.org/net.th", sha256: str = DIGEST[:8]) -> WeightFile:
    return WeightFile("net", path, 84_141_911, sha256, "a paper", "MIT", "MIT", url)


def test_sha256_is_the_standards(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(CONTENT)
    assert weights.sha256(path) == DIGEST
    path.write_bytes(bytes(3 * 1024 * 1024 + 1))
    assert weights.sha256(path) == hashlib.sha256(bytes(3 * 1024 * 1024 + 1)).hexdigest()


def test_a_file_is_hashed_once_until_it_changes(tmp_path):
    path = tmp_path / "net.th"
    path.write_bytes(CONTENT)
    before = weights._digest.cache_info().misses
    for _ in range(3):
        weights.verify(weight_file(path))
    assert weights._digest.cache_info().misses == before + 1
    path.write_bytes(b"abd!")
    with pytest.raises(WeightsError, match="SHA-256 begins with"):
        weights.verify(weight_file(path))


def test_require_lists_every_absent_file_a_line_each(tmp_path):
    (tmp_path / "here.th").write_bytes(CONTENT)
    absent = [weight_file(tmp_path / "one.th"), weight_file(tmp_path / "two.th", url=None)]
    weights.require([weight_file(tmp_path / "here.th")])
    with pytest.raises(WeightsError) as caught:
        weights.require([weight_file(tmp_path / "here.th"), *absent, absent[0]])
    first, second = str(caught.value).splitlines()
    for part in (
        "net:",
        "one.th",
        "84 MB",
        str(tmp_path),
        "sepkit models fetch net",
        "example.org",
    ):
        assert part in first
    assert "two.th" in second
    assert "reinstall" in second
    assert second.endswith("--config pilot needs no download")
    for task, name in (("edit", "edit"), ("bands", "pilot")):  # a task of one's own has no shipped configuration
        with pytest.raises(WeightsError, match=f"--config {name} needs no download$"):
            weights.require(absent, task)
    with pytest.raises(WeightsError, match=r"or choose a smaller model: see 'sepkit models list --task dialogue'$"):
        weights.require(absent, "dialogue")


def test_what_is_fetched_with_trust_alone_is_told_so(tmp_path):
    for sha256, asked in ((DIGEST, "net"), ("", "net --trust")):
        with pytest.raises(WeightsError, match=f"run 'sepkit models fetch {asked}' or copy https://example.org"):
            weights.require([weight_file(tmp_path / "one.th", sha256=sha256)])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("absent.ckpt", r"absent\.ckpt \(a file of your own\) is not in {folder}; name one that is there"),
        ("inner", r"{folder}/inner is a folder; name a file of weights"),
        ("pipe", r"{folder}/pipe is a device or a pipe; name a file of weights"),
    ],
)
def test_of_a_file_of_ones_own_no_size_is_made_up_and_no_package_is_blamed(tmp_path, name, said):
    (tmp_path / "inner").mkdir()
    os.mkfifo(tmp_path / "pipe")
    file = weights.own_file(str(tmp_path / name), "net", "https://example.org", "MIT")
    whole = f"^net \\({re.escape(name)}\\): {said.format(folder=re.escape(str(tmp_path)))} in its options$"
    with pytest.raises(WeightsError, match=whole):
        weights.require([file])


@pytest.mark.parametrize("digits", [8, 16, 64])
def test_verify_takes_as_many_digits_as_are_published(tmp_path, digits):
    path = tmp_path / "net.th"
    path.write_bytes(CONTENT)
    weights.verify(weight_file(path, sha256=DIGEST[:digits].upper()))
    wrong = DIGEST[: digits - 1] + ("0" if DIGEST[digits - 1] != "0" else "1")
    with pytest.raises(WeightsError, match=f"{DIGEST[:digits]}, expected {wrong}; run 'sepkit models fetch net'"):
        weights.verify(weight_file(path, sha256=wrong))


@pytest.mark.parametrize("variables", [{}, {"XDG_CACHE_HOME": "/x"}, {"TORCH_HOME": "~/t"}, {"TORCH_HOME": ""}])
def test_checkpoints_are_where_torch_looks(monkeypatch, variables):
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert weights.torch_checkpoints() == Path(torch.hub.get_dir()) / "checkpoints"


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(1, "1 kB"), (999_000, "999 kB"), (84_141_911, "84 MB"), (3_087_371_615, "3.1 GB")],
)
def test_sizes_are_told_in_decimal_units(size_bytes, text):
    assert weights.size_text(size_bytes) == text
