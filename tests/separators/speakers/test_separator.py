"""The member speakers with random weights in the true format: channels, rates, windows, files that do not fit."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors.torch import save

from sepkit.errors import ConfigError, WeightsError
from sepkit.separators import speakers
from sepkit.separators.base import Mix
from sepkit.separators.speakers import networks
from tests.separators.speakers.test_networks import SMALL

RATE_HZ = 44100


def write(path, kind="band_split", count=2, named=None, **changes):
    """Weights as `sepkit train speakers` exports them, so far off their beginning that they tell voices apart."""
    torch.manual_seed(0)
    shape = networks.shape_of(kind)(**SMALL[kind], speakers=count)
    tensors = networks.build(kind, shape).state_dict()
    tensors = {name: 2 * each if each.ndim > 1 else each for name, each in tensors.items()}
    sizes = {"kind": named or kind, **asdict(shape), **changes}
    path.write_bytes(save({name: each.contiguous() for name, each in tensors.items()}, {"shape": json.dumps(sizes)}))
    return path


def load(path, sample_rate=RATE_HZ, count=2):
    built = speakers.Separator(speakers.Options(weights=str(path), speakers=count))
    built.load("cpu")
    built.begin(sample_rate)
    return built


@pytest.fixture(scope="module", params=SMALL)
def path(request, tmp_path_factory):
    return write(tmp_path_factory.mktemp("weights") / f"{request.param}.safetensors", request.param)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return write(tmp_path_factory.mktemp("weights") / "quick.safetensors")


def noise(seconds, channels=1, sample_rate=RATE_HZ, seed=0):
    rng = np.random.default_rng(seed)
    swell = 0.2 + np.sin(np.arange(round(seconds * sample_rate)) / sample_rate * 3) ** 2
    return (0.1 * rng.standard_normal((channels, swell.size)) * swell).astype(np.float32)


def tones(hz, seconds=1.0, sample_rate=48000):
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * sample_rate)) / sample_rate)


def agreement_db(found, expected):
    error = np.sum(np.square(found - expected, dtype=float))
    return 10 * np.log10(np.sum(np.square(expected, dtype=float)) / max(error, 1e-30))


@pytest.mark.parametrize(("sample_rate", "channels"), [(8000, 1), (16000, 2), (48000, 2)])
def test_the_voices_and_the_rest_are_the_mix(quick, sample_rate, channels):
    mix = noise(1, channels, sample_rate)
    found = load(quick, sample_rate).separate(Mix(mix))
    assert list(found.sources) == ["speaker_1", "speaker_2"]
    first, second = found.sources.values()
    assert agreement_db(first, second) < 40
    rest = mix - found.wanted  # as the contract has it where there is none
    np.testing.assert_allclose(first + second + rest, mix, atol=1e-6)


def test_a_mono_source_at_the_networks_rate_is_what_the_network_gives(quick):
    built, mix = load(quick, 16000), noise(1, 1, 16000)
    found = built.separate(Mix(mix))
    with torch.inference_mode():
        expected = built._network(torch.from_numpy(mix))[0].numpy()
    for voice, each in zip(expected, found.sources.values(), strict=True):
        np.testing.assert_allclose(each[0], voice, atol=1e-7)


def test_windows_give_what_the_whole_gives(path):
    built = load(path)
    context = int(np.ceil(built.context_s * RATE_HZ))
    first = built.grid_frames
    start, stop = first + context, first + context + RATE_HZ
    mix = noise((stop + context) / RATE_HZ + 1, 2)
    whole = built.separate(Mix(mix)).sources
    found = built.separate(Mix(mix[:, first : stop + context])).sources
    for name, expected in whole.items():
        assert agreement_db(found[name][:, context : context + RATE_HZ], expected[:, start:stop]) > 60


def test_a_voice_stays_where_it_stands(quick):
    built, mix = load(quick), noise(2)
    alone = built.separate(Mix(mix)).sources
    same = built.separate(Mix(np.concatenate([mix, mix]))).sources
    wide = built.separate(Mix(np.concatenate([1.5 * mix, 0.5 * mix]))).sources
    for name, expected in alone.items():
        assert agreement_db(same[name], np.concatenate([expected, expected])) > 20
        np.testing.assert_allclose(wide[name] / np.array([[1.5], [0.5]]), same[name], atol=1e-5)


def test_channels_that_cancel_each_other_stay_finite_and_as_loud_as_they_are(quick):
    mix = noise(1)
    found = load(quick).separate(Mix(np.concatenate([mix, -mix]))).sources
    for voice in found.values():
        assert np.isfinite(voice).all()
        assert np.abs(voice).max() <= 2 * np.abs(mix).max()


def test_what_lies_above_follows_the_voice_that_has_what_lies_below():
    """Two voices that are tones in different halves of a second: each has what is above in its own half alone."""
    from sepkit.separators._voices import upper_band

    halves = np.arange(16000) < 8000
    below = np.stack([tones(6000, 1, 16000) * halves, tones(5000, 1, 16000) * ~halves])[:, None].astype(np.float32)
    above = tones(12000)[None].astype(np.float32)
    gains = upper_band.gains(torch.from_numpy(below), torch.from_numpy(below.sum(0)), 16000)
    first, second = upper_band.share(above, gains, 48000)
    np.testing.assert_allclose(first + second, above, atol=1e-5)
    assert agreement_db(first[:, 2000:22000], above[:, 2000:22000]) > 60
    assert agreement_db(second[:, 26000:46000], above[:, 26000:46000]) > 60


@pytest.mark.parametrize("frames", [1, 160, 2205, 22050])
def test_any_length_gives_finite_voices_as_long(quick, frames):
    mix = noise(1, 2)[:, :frames]
    for voice in load(quick).separate(Mix(mix)).sources.values():
        assert voice.shape == mix.shape and voice.dtype == np.float32
        assert np.isfinite(voice).all()


def test_silence_gives_silence(path):
    found = load(path).separate(Mix(np.zeros((2, RATE_HZ), np.float32)))
    assert max(np.abs(voice).max() for voice in found.sources.values()) < 1e-7


def test_three_voices_where_the_weights_give_three(tmp_path):
    path = write(tmp_path / "three.safetensors", count=3)
    assert set(load(path, count=3).separate(Mix(noise(0.5))).sources) == {"speaker_1", "speaker_2", "speaker_3"}
    with pytest.raises(ConfigError, match=r"options\.speakers: 2, but .*three\.safetensors tells 3 voices apart"):
        load(path)


def test_files_that_are_no_such_weights_are_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"names the network 'tigers', none of band_split, .*; give a file that"):
        load(write(tmp_path / "strange.safetensors", named="tigers"))
    with pytest.raises(WeightsError, match=r"is not as its sizes say, "):
        load(write(tmp_path / "other.safetensors", channels=12))
    with pytest.raises(WeightsError, match=r"none\.safetensors .* is not in"):
        load(tmp_path / "none.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"12345678")
    with pytest.raises(WeightsError, match=r"broken\.safetensors cannot be read"):
        load(tmp_path / "broken.safetensors")
