"""Files of weights: what is said when one is absent or damaged; how one is brought, from a real server."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
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


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "net.th").write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder))) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


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


@pytest.mark.parametrize("digits", [8, 16, 64])
def test_verify_takes_as_many_digits_as_are_published(tmp_path, digits):
    path = tmp_path / "net.th"
    path.write_bytes(CONTENT)
    weights.verify(weight_file(path, sha256=DIGEST[:digits].upper()))
    wrong = DIGEST[: digits - 1] + ("0" if DIGEST[digits - 1] != "0" else "1")
    with pytest.raises(WeightsError, match=f"{DIGEST[:digits]}, expected {wrong}; run 'sepkit models fetch net'"):
        weights.verify(weight_file(path, sha256=wrong))


def test_fetch_brings_checks_and_replaces(server, tmp_path):
    path = tmp_path / "cache" / "net.th"
    file = weight_file(path, url=f"{server}/net.th")
    weights.fetch(file, progress=False)
    assert path.read_bytes() == CONTENT
    path.write_bytes(b"damaged")
    weights.fetch(file, progress=False)
    assert path.read_bytes() == CONTENT
    (tmp_path / "server" / "net.th").unlink()
    weights.fetch(file, progress=False)  # there and right: the server is not asked


@pytest.mark.parametrize(
    ("page", "sha256", "reason"),
    [("absent.th", DIGEST, "404"), ("net.th", "0123456789abcdef", "invalid hash value")],
)
def test_a_failed_fetch_is_one_line_and_leaves_nothing(server, tmp_path, page, sha256, reason):
    path = tmp_path / "cache" / "net.th"
    with pytest.raises(WeightsError, match=f"{page} cannot be fetched .*{reason}") as caught:
        weights.fetch(weight_file(path, url=f"{server}/{page}", sha256=sha256), progress=False)
    assert "\n" not in str(caught.value)
    assert list(path.parent.iterdir()) == []


def test_no_network_is_one_line(tmp_path):
    with pytest.raises(WeightsError, match=r"cannot be fetched .*refused.*copy the file to") as caught:
        weights.fetch(weight_file(tmp_path / "net.th", url="http://127.0.0.1:9/net.th"), progress=False)
    assert "\n" not in str(caught.value)


def test_what_comes_with_a_package_cannot_be_fetched(tmp_path):
    with pytest.raises(WeightsError, match="comes with its package"):
        weights.fetch(weight_file(tmp_path / "net.th", url=None))


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
