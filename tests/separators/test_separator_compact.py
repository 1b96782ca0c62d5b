"""The compact network's member: level, channels, windows, the band above 8 kHz; truth is the pilot's."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from sepkit import Audio, Pipeline
from sepkit.config import parse_config, plugins
from sepkit.errors import WeightsError
from sepkit.separators.base import Mix
from sepkit.separators.compact import separator as compact
from sepkit.separators.compact import upper_band
from sepkit.separators.compact.network import CompactNetwork, Shape, apply_filters

PILOT = Path(__file__).parents[2] / "data" / "pilot"
RATE_HZ = 44100


@pytest.fixture(scope="module")
def separator():
    built = compact.Separator(compact.Options())
    built.load("cpu")
    built.begin(RATE_HZ)
    return built


@pytest.fixture(scope="module")
def pilot():
    """mix, speech, music as (channels, frames), ten seconds with both voices."""
    names = ("mix", "speech", "music")
    read = (soundfile.read(PILOT / f"{name}.wav", dtype="float32", always_2d=True)[0].T for name in names)
    return tuple(each[:, 3 * RATE_HZ : 13 * RATE_HZ] for each in read)


def separate(separator, samples):
    return separator.separate(Mix(np.ascontiguousarray(samples, np.float32))).wanted


def power_db(signal, against):
    return 10 * np.log10((np.sum(np.square(signal, dtype=float)) + 1e-20) / np.sum(np.square(against, dtype=float)))


def si_sdr_db(estimate, truth):
    scaled = np.dot(estimate, truth) / np.dot(truth, truth) * truth
    return -power_db(estimate - scaled, scaled)


def above(signal, hz, sample_rate=RATE_HZ):
    """What lies above a frequency, by a brick wall."""
    spectrum = np.fft.rfft(signal)
    spectrum[..., : round(hz * signal.shape[-1] / sample_rate)] = 0
    return np.fft.irfft(spectrum, signal.shape[-1])


def test_speech_comes_out_and_music_goes(separator, pilot):
    mix, speech, music = pilot
    found = separate(separator, mix)
    gain_db = np.mean([si_sdr_db(found[row], speech[0]) - si_sdr_db(mix[row], speech[0]) for row in range(2)])
    assert gain_db > 3
    assert power_db(separate(separator, music), music) < -20
    assert power_db(separate(separator, speech) - speech, speech) < -25


@pytest.mark.parametrize("gain", [3e-4, 0.1, 4.0])
def test_gain_in_is_gain_out(separator, pilot, gain):
    mix = pilot[0][:, : 3 * RATE_HZ]
    expected = gain * separate(separator, mix)
    assert power_db(separate(separator, gain * mix) - expected, expected) < -60


def test_swapped_channels_come_out_swapped(separator, pilot):
    mix, _, music = pilot
    mix = (mix + np.array([[0.5], [-0.3]]) * music)[:, : 4 * RATE_HZ]
    expected = separate(separator, mix)[::-1]
    assert power_db(separate(separator, mix[::-1]) - expected, expected) < -80


def test_two_channels_alike_are_one(separator, pilot):
    mono = pilot[0][:1, : 4 * RATE_HZ]
    alone = separate(separator, mono)
    for row in separate(separator, np.repeat(mono, 2, axis=0)):
        assert power_db(row - alone[0], alone) < -60


def test_a_voice_in_the_centre_of_wide_music_comes_out_at_least_as_well_as_in_mono(separator, pilot):
    _, speech, music = pilot
    middle, side = music.mean(0), (music[0] - music[1]) / 2
    wide = speech + np.stack([middle + 2 * side, middle - 2 * side])
    mono = separate(separator, wide.mean(0, keepdims=True))[0]
    stereo = separate(separator, wide)
    mono_db = si_sdr_db(mono, speech[0])
    for row in stereo:
        assert si_sdr_db(row, speech[0]) >= mono_db - 0.1


def test_a_voice_at_the_side_stays_at_the_side(separator, pilot):
    _, speech, music = pilot
    left = np.concatenate([speech, 0.2 * speech])
    found = separate(separator, left + 0.5 * music)
    inside = np.abs(speech[0]) > 0.02
    ratio = np.dot(found[1, inside], found[0, inside]) / np.dot(found[0, inside], found[0, inside])
    assert ratio == pytest.approx(0.2, abs=0.12)
    assert si_sdr_db(found[0], speech[0]) > si_sdr_db((left + 0.5 * music)[0], speech[0]) + 1.5


def hearing_the_middle(sample_rate):
    built = compact.Separator(compact.Options(hears="middle"))
    built.load("cpu")
    built.begin(sample_rate)
    return built


def test_the_middles_filter_goes_on_both_channels(pilot):
    """A filter is linear: the mean of what it makes of both channels is what it makes of their mean, a mono mix."""
    import soxr

    mix = soxr.resample(pilot[0].T[: 4 * RATE_HZ], RATE_HZ, 16000).T  # at its own rate nothing lies above the network
    mix = mix + np.array([[0.3], [-0.3]]) * np.random.default_rng(0).standard_normal(mix.shape[1])
    separator = hearing_the_middle(16000)
    found, expected = separate(separator, mix), separate(separator, mix.mean(0, keepdims=True))[0]
    assert power_db(found.mean(0) - expected, expected) < -80
    swapped = separate(separator, mix[::-1])[::-1]
    assert power_db(swapped - found, found) < -80


def test_noise_full_scale_and_denormal_numbers_give_finite_ones(separator):
    rng = np.random.default_rng(0)
    for samples in (
        np.sign(rng.standard_normal((2, 9000))),
        1e-39 * rng.standard_normal((2, 9000)),
        np.ones((1, 9000)),
    ):
        assert np.isfinite(separate(separator, samples)).all()


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 48000, 96000])
def test_every_rate_gives_the_same_speech(separator, pilot, sample_rate):
    """Below the common band edge, against what 44.1 kHz gives."""
    import soxr

    mix = pilot[0][:1, : 4 * RATE_HZ]
    expected = soxr.resample(separate(separator, mix)[0], RATE_HZ, 8000)
    other = compact.Separator(compact.Options())
    other.load("cpu")
    other.begin(sample_rate)
    found = soxr.resample(separate(other, soxr.resample(mix[0], RATE_HZ, sample_rate)[None])[0], sample_rate, 8000)
    size = min(expected.size, found.size)
    # At 8 kHz the network does not hear the upper half of its band, and may judge otherwise.
    assert power_db(found[:size] - expected[:size], expected) < (-8 if sample_rate == 8000 else -30)


@pytest.mark.parametrize("sample_rate", [16000, 44100, 48000])
def test_the_result_is_the_same_however_a_file_is_cut(pilot, sample_rate):
    import soxr

    mix = Audio(soxr.resample(pilot[0].T, RATE_HZ, sample_rate).T, sample_rate)
    text = (
        "{members: [{separator: compact}], loudness: {target_lufs: null, ceiling_dbtp: null}, windows: {body_s: BODY}}"
    )
    whole, *cut = (Pipeline(parse_config(text.replace("BODY", body))).run(mix) for body in ("60", "1.3", "4.4"))
    for each in cut:
        assert power_db(each.speech.samples - whole.speech.samples, whole.speech.samples) < -60


# The band above 8 kHz.


def hats(frames, seed=0):
    """Cymbals: bursts of noise above 4 kHz, four a second, full band."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames) / RATE_HZ
    return 0.12 * above(rng.standard_normal(frames), 4000) * np.exp(-18 * (time % 0.25))


def test_wide_band_speech_stays_wide_band(separator, pilot):
    """slt has sound up to 16 kHz, in the first five of these seconds."""
    speech = pilot[1][:, : 5 * RATE_HZ]
    found = separate(separator, speech)
    assert power_db(above(speech, 8500), speech) > -45  # there is something to keep
    assert power_db(above(found - speech, 8500), above(speech, 8500)) < -6
    assert abs(power_db(above(found, 8500), above(speech, 8500))) < 1.5


def test_cymbals_above_the_band_go(separator, pilot):
    cymbals = hats(5 * RATE_HZ)[None]
    assert power_db(above(separate(separator, cymbals), 8500), above(cymbals, 8500)) < -40


def test_full_band_music_goes_above_the_band_too(separator, pilot):
    """Over the whole stretch, and where nobody speaks for a second."""
    mix, speech, music = pilot
    left = separate(separator, mix) - speech
    assert power_db(above(left, 8500), above(music, 8500)) < -3.5
    pause = slice(round(4.9 * RATE_HZ), round(5.7 * RATE_HZ))
    assert power_db(above(left[:, pause], 8500), above(music[:, pause], 8500)) < -20


def test_the_gain_above_follows_its_formula():
    """Constant powers: g = P_V / (P_V + P_A), unless the band above is more than 10 dB louder than the speech."""
    rng = np.random.default_rng(0)
    sound = rng.standard_normal((1, 48000)).astype(np.float32)
    steps = 48000 // 768 + 1
    kept, rest = np.full(steps, 3.0, np.float32), np.full(steps, 1.0, np.float32)
    np.testing.assert_allclose(upper_band.keep(sound, 48000, kept, rest), 0.75 * sound, rtol=1e-5)
    quiet = np.full(steps, 3e-3, np.float32)
    gain = upper_band.keep(sound, 48000, quiet, 0 * rest) / sound
    assert np.mean(gain) == pytest.approx(np.sqrt(10 * 3e-3), rel=0.05)
    assert not upper_band.keep(sound, 48000, 0 * kept, rest).any()


def test_shares_are_mean_squares_in_the_edge_band():
    network = CompactNetwork()
    time = np.arange(32000) / 16000
    for hz, expected in ((6000, 0.5 * 0.3**2), (2000, 0.0)):
        tone = torch.from_numpy((0.3 * np.sin(2 * np.pi * hz * time)).astype(np.float32))[None]
        X = network.analyse(tone)
        kept, rest = upper_band.shares(X, 0.5 * X).numpy()
        assert kept[20:-20] == pytest.approx(expected / 4, rel=1e-3, abs=1e-7)
        assert rest[20:-20] == pytest.approx(expected / 4, rel=1e-3, abs=1e-7)


# The network's own parts.


def test_the_transform_and_its_way_back_are_exact():
    network = CompactNetwork()
    for frames in (1, 255, 256, 257, 5000):
        samples = torch.randn(2, frames, generator=torch.Generator().manual_seed(frames))
        torch.testing.assert_close(network.synthesise(network.analyse(samples), frames), samples, atol=1e-5, rtol=0)


def test_filters_are_the_sum_over_taps():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1, 4, 6)) + 1j * rng.standard_normal((1, 4, 6))
    taps = rng.standard_normal((1, 4, 6, 3)) + 1j * rng.standard_normal((1, 4, 6, 3))
    gate = rng.random((1, 4, 6))
    expected = np.zeros_like(X)
    for step in range(6):
        for tap in (-1, 0, 1):
            if 0 <= step + tap < 6:
                expected[..., step] += gate[..., step] * taps[..., step, tap + 1] * X[..., step + tap]
    found = apply_filters(*(torch.from_numpy(each) for each in (X, taps, gate)))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_nothing_beyond_the_stated_context_has_any_influence():
    torch.manual_seed(0)
    network = CompactNetwork(Shape(channels=(4, 6, 8), hidden=16, across=16, dilations=(1, 2, 4))).eval()
    for block in network.blocks:  # else they begin as almost nothing
        torch.nn.init.normal_(block.narrow.weight, std=0.5)
        torch.nn.init.normal_(block.spread.weight, std=0.5)
    samples = torch.randn(1, 16000 * 4)
    changed = samples.clone()
    middle = 32000
    changed[:, middle : middle + 512] = 0
    with torch.inference_mode():
        moved = (network(samples) - network(changed))[0].abs()
    reach = round(network.shape.context_s * 16000)
    assert moved[: middle - reach].max() < 1e-5
    assert moved[middle + 512 + reach :].max() < 1e-5
    assert moved[middle - reach + 3000 :].max() > 1e-3


def test_the_members_context_covers_all_of_its_parts(separator):
    assert separator._network.shape.context_s + 0.1 <= separator.context_s <= 3


def test_wide_music_in_opposite_channels_is_heard_apart_from_the_voice(separator, pilot):
    """What stands in the side alone is music to the network, and goes, however loud it is."""
    _, speech, music = pilot
    alone = separate(separator, speech)[0]
    for row in separate(separator, speech + np.concatenate([music[:1], -music[:1]])):
        assert power_db(row - alone, alone) < -15


# The file of weights.


def test_weights_are_here_small_and_checked():
    (file,) = compact.catalogue()
    assert file.size_bytes == file.path.stat().st_size <= 12_000_000
    assert len(file.sha256) == 64
    assert plugins.load("separators", "compact").Separator is compact.Separator


def test_a_changed_file_is_refused(tmp_path, monkeypatch):
    tensors = load_file(compact.WEIGHTS_PATH)
    tensors["place"] += 1
    save_file(tensors, tmp_path / "compact.safetensors", metadata={"shape": "{}"})
    monkeypatch.setattr(compact, "WEIGHTS_PATH", tmp_path / "compact.safetensors")
    with pytest.raises(WeightsError, match=r"compact: .* is damaged or not the published file"):
        compact.Separator(compact.Options()).load("cpu")
