"""DNS64 against upstream's own networks, which load the same files from torch.hub's cache by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from denoiser import pretrained
from denoiser.demucs import Demucs

from sepkit.denoisers import dns64
from sepkit.denoisers.dns64 import Denoiser, Options
from sepkit.errors import WeightsError
from sepkit.models import weights

RATE = 16000


@pytest.fixture
def checkpoints(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    folder.mkdir(parents=True)
    # Random weights cannot have the published SHA-256; the check of it has its own test below.
    monkeypatch.setattr(dns64, "verify", lambda file: weights.require([file]))
    return folder


def put(folder: Path, url: str, hidden: int, forget_bias: float = 0.0) -> None:
    """Random weights under the published name; a large forget bias gives the LSTM a long memory."""
    torch.manual_seed(hidden)
    network = Demucs(hidden=hidden, sample_rate=RATE)
    size = network.lstm.lstm.hidden_size
    with torch.no_grad():
        network.lstm.lstm.bias_ih_l0[size : 2 * size] += forget_bias
        network.lstm.lstm.bias_ih_l1[size : 2 * size] += forget_bias
        network.lstm.lstm.weight_ih_l0 *= 20  # or the memory would hardly be heard through random layers
    torch.save(network.state_dict(), folder / url.rpartition("/")[2])


def speechlike(seconds: float, channels: int = 1) -> np.ndarray:
    generator = np.random.default_rng(0)
    time_s = np.arange(round(seconds * RATE)) / RATE
    syllables = np.abs(np.sin(2 * np.pi * 1.7 * time_s))
    return (0.2 * syllables * generator.standard_normal((channels, time_s.size))).astype(np.float32)


def loaded(model: str) -> Denoiser:
    denoiser = Denoiser(Options(model=model))
    denoiser.load("cpu")
    return denoiser


def upstream(network: torch.nn.Module, samples: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return np.concatenate([network.eval()(torch.from_numpy(row)[None, None])[0] for row in samples])


def std(samples: np.ndarray) -> float:
    return float(torch.from_numpy(samples).std())


def distance_db(found: np.ndarray, expected: np.ndarray) -> float:
    error = np.sum((found.astype(np.float64) - expected) ** 2)
    return 10 * np.log10(max(error, 1e-300) / np.sum(expected.astype(np.float64) ** 2))


@pytest.mark.parametrize(
    ("model", "url", "hidden"),
    [
        ("dns48", pretrained.DNS_48_URL, 48),
        ("dns64", pretrained.DNS_64_URL, 64),
        ("master64", pretrained.MASTER_64_URL, 64),
    ],
)
def test_equals_upstream(checkpoints, model, url, hidden):
    put(checkpoints, url, hidden)
    samples = speechlike(1.7)
    expected = upstream(getattr(pretrained, model)(), samples)
    assert distance_db(loaded(model).denoise(samples, std(samples)), expected) < -90


def test_pieces_equal_upstream_run_whole_however_long_the_memory(checkpoints, monkeypatch):
    put(checkpoints, pretrained.DNS_48_URL, 48, forget_bias=3.0)
    samples = speechlike(5.3)
    whole = upstream(pretrained.dns48(), samples)
    denoiser = loaded("dns48")
    monkeypatch.setattr(dns64, "_PIECE_FRAMES", 100 * denoiser.grid_frames)
    assert distance_db(denoiser.denoise(samples, std(samples)), whole) < -90

    # The witness that the memory matters here: the last piece begun without it.
    begin = 300 * denoiser.grid_frames
    alone = denoiser.denoise(samples[:, begin:], std(samples))
    assert distance_db(alone[:, 4096:], whole[:, begin + 4096 :]) > -50


def test_channels_are_denoised_alone_on_the_scale_of_the_source(checkpoints):
    put(checkpoints, pretrained.DNS_48_URL, 48)
    denoiser, samples = loaded("dns48"), speechlike(0.8, channels=2)
    both = denoiser.denoise(samples, 0.1)
    for channel in range(2):
        assert np.array_equal(both[channel], denoiser.denoise(samples[channel : channel + 1], 0.1)[0])
    network = pretrained.dns48()
    network.normalize = False
    expected = 0.1 * upstream(network, samples / np.float32(network.floor + 0.1))
    assert distance_db(both, expected) < -90


def test_a_stretch_on_the_grid_equals_the_whole(checkpoints):
    put(checkpoints, pretrained.DNS_48_URL, 48)
    denoiser, samples = loaded("dns48"), speechlike(10)
    whole = denoiser.denoise(samples, 0.1)
    context = round(denoiser.context_s * RATE)
    begin = 50 * denoiser.grid_frames
    body = slice(begin + context, begin + context + RATE)
    stretch = denoiser.denoise(samples[:, begin : body.stop + context], 0.1)
    assert distance_db(stretch[:, context : context + RATE], whole[:, body]) < -90


@pytest.mark.parametrize("frames", [1, 255, 257])
def test_short_inputs_equal_upstream(checkpoints, frames):
    put(checkpoints, pretrained.DNS_48_URL, 48)
    samples = speechlike(1)[:, :frames]
    network = pretrained.dns48()
    network.normalize = False
    expected = 0.5 * upstream(network, samples / np.float32(network.floor + 0.5))
    assert loaded("dns48").denoise(samples, 0.5) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_silence_stays_silence(checkpoints):
    put(checkpoints, pretrained.DNS_48_URL, 48)
    assert not loaded("dns48").denoise(np.zeros((1, RATE), np.float32), 0.0).any()


def test_the_catalogue_says_what_upstream_says():
    urls = {pretrained.DNS_48_URL, pretrained.DNS_64_URL, pretrained.MASTER_64_URL}
    assert {file.url for file in dns64.catalogue()} == urls
    for file in dns64.catalogue():
        network = Demucs(hidden=48 if file.model == "dns48" else 64, sample_rate=RATE, rescale=0)
        assert file.size_bytes == sum(value.numel() * 4 for value in network.state_dict().values())
        assert "not for commercial use" in file.licence_weights
        assert "not for commercial use" in file.licence_code


def test_absent_and_wrong_files_are_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match=r"a7761ff99a7d5bb6.th \(134 MB\).*sepkit models fetch dns64"):
        loaded("dns64")
    path = tmp_path / "hub" / "checkpoints" / "dns64-a7761ff99a7d5bb6.th"
    path.parent.mkdir(parents=True)
    torch.save(Demucs(hidden=4).state_dict(), path)
    with pytest.raises(WeightsError, match=r"SHA-256 begins with .*expected a7761ff99a7d5bb6"):
        loaded("dns64")


@pytest.mark.parametrize("content", [b"", b"not weights", None])
def test_what_is_not_its_state_is_refused(checkpoints, content):
    path = checkpoints / "dns48-11decc9d8e3f0998.th"
    if content is None:
        torch.save(Demucs(hidden=4).state_dict(), path)
    else:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"dns48: .* does not hold its weights") as caught:
        loaded("dns48")
    assert "\n" not in str(caught.value)


def test_nan_from_the_network_is_an_error(checkpoints):
    put(checkpoints, pretrained.DNS_48_URL, 48)
    denoiser = loaded("dns48")
    torch.nn.init.constant_(denoiser._network.decoder[-1][-1].bias, torch.nan)
    with pytest.raises(WeightsError, match="dns48: the network gave NaN or Inf"):
        denoiser.denoise(speechlike(0.1), 0.1)
