"""DeepFilterNet as a task: 16 kHz raised to 48 kHz, published weights as a beginning, a loss that falls, exports."""

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from sepkit.errors import ConfigError
from sepkit.separators.deepfilternet.network import DeepFilterNet, Shape, read
from sepkit.training import full_band, trunk
from sepkit.training.config import DeepFilterConfig, load_train_config
from sepkit.training.deepfilternet import DeepFilterTask
from sepkit.training.run import train_speech
from sepkit.training.smoke import SMOKE

SMALL = DeepFilterConfig(kind="deepfilternet", fine=(1, 2), wide=(1, 4))
SHORT = SMOKE.model_copy(
    update={"steps": 16, "check_every": 8, "validation_mixes": 4, "batch": 2, "learning_rate": 1e-3, "network": SMALL}
)


def silent(_):
    pass


def test_raised_sound_is_resampled_sound():
    rng = np.random.default_rng(0)
    low = resample_poly(rng.standard_normal(4000), 4, 8)[:2000].astype(np.float32)  # up to 4 kHz: no edge to differ at
    low = np.convolve(low, np.hanning(31) / np.hanning(31).sum(), "same") * np.hanning(low.size)
    found = full_band.raised(torch.from_numpy(low.astype(np.float32))[None])[0].numpy()
    expected = resample_poly(low, 3, 1, window=("kaiser", 12.0))
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()


def test_the_band_above_is_folded_up_from_the_one_below():
    rate, frames = 16000, 16000
    tone = torch.from_numpy(np.cos(2 * np.pi * 6500 * np.arange(frames) / rate).astype(np.float32))[None]
    found = full_band.raised(tone, torch.full((1, frames), 0.5))
    peaks = np.abs(np.fft.rfft(found[0].numpy())) / (3 * frames / 2)
    loud = {int(hz): round(float(peaks[hz]), 3) for hz in np.flatnonzero(peaks > 0.01)}
    # 1.5 kHz below the edge, and so 1.5 kHz above it; 6.5 kHz is 2.5 kHz above 4 kHz, and 14.5 kHz above 12 kHz.
    assert loud == {6500: 1.0, 9500: 0.5, 14500: 0.5, 17500: 0.5, 22500: 0.5}


def test_gains_of_the_band_above_fall_from_where_they_begin():
    torch.manual_seed(0)
    gain_db = 20 * torch.log10(full_band.random_gain(64, 1000, torch.device("cpu")))
    assert gain_db[:, 0].min() >= -20 and gain_db[:, 0].max() <= 0
    octave = gain_db[:, 500] - gain_db[:, 0]  # 8 to 16 kHz
    assert octave.min() >= -30.1 and octave.max() <= -5.9


def test_training_begins_with_the_published_weights_and_learns(made_up, tmp_path):
    import json

    target = train_speech(SHORT, made_up, tmp_path, "cpu", say=silent)
    shape, tensors = read(target)
    assert target.name == "deepfilternet.safetensors" and shape == Shape((1, 2), (1, 4))
    network = DeepFilterNet(shape)
    network.load_state_dict(tensors)
    published = trunk.tensors()
    moved = max(float((tensors[name] - value).abs().max()) for name, value in published.items())
    assert 0 < moved < 0.05
    assert float(tensors["encoder.fine.spread.weight"].abs().max()) > 0
    first, last = json.loads((tmp_path / "history.json").read_text())
    assert last["train"]["loss"] < first["train"]["loss"]


def test_another_run_begins_with_exported_weights_of_the_same_or_fewer_blocks(made_up, tmp_path):
    torch.manual_seed(0)
    task = DeepFilterTask(SHORT, SMALL)
    task.load(None)
    from safetensors.torch import save_file

    save_file(task.network.state_dict(), tmp_path / "start.safetensors", {"shape": '{"fine": [1, 2], "wide": [1, 4]}'})
    same = DeepFilterTask(SHORT, SMALL)
    same.load(tmp_path / "start.safetensors")
    for name, value in task.network.state_dict().items():
        torch.testing.assert_close(same.network.state_dict()[name], value, rtol=0, atol=0)
    with pytest.raises(ConfigError, match=r"network: .* give the same blocks"):
        DeepFilterTask(SHORT, SMALL.model_copy(update={"fine": (1,)})).load(tmp_path / "start.safetensors")


def test_the_shipped_configuration_is_the_networks_own():
    from pathlib import Path

    config = load_train_config(Path(__file__).parents[2] / "config" / "train" / "deepfilternet.yaml")
    assert isinstance(config.network, DeepFilterConfig)
    assert Shape(config.network.fine, config.network.wide) == Shape()
