"""AudioSep's member on random weights: against uss (a golden file), windows, stereo, prompts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from sepkit.audio import resample
from sepkit.config import parse_config
from sepkit.errors import ConfigError
from sepkit.plan import forecast
from sepkit.separators.audiosep import network
from sepkit.separators.audiosep.blocks import STRIP_STEPS
from sepkit.separators.audiosep.separator import Options, Separator, _edge
from sepkit.separators.base import Mix
from tests.separators import audiosep_weights as weights

GOLDEN = Path(__file__).with_name("audiosep_golden.npz")
"""Written by scripts/golden_audiosep.py with uss 0.0.4."""
NARROW_HZ = weights.NARROW.sample_rate


def member(options: Options, sample_rate: int = NARROW_HZ) -> Separator:
    separator = Separator(options)
    separator.load("cpu")
    separator.begin(sample_rate)
    return separator


def noise(seconds: float, channels: int = 1, sample_rate: int = NARROW_HZ, seed: int = 0) -> np.ndarray:
    """Noise whose level and colour change, so that masks do."""
    generator = np.random.default_rng(seed)
    frames = round(seconds * sample_rate)
    time_s = np.arange(frames) / sample_rate
    level = 0.02 + 0.2 * np.clip(np.sin(2 * np.pi * 0.37 * time_s), 0, 1) ** 2
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in (130, 400, 1100))
    return (level * (generator.standard_normal((channels, frames)) + tones)).astype(np.float32)


def distance_db(found: np.ndarray, expected: np.ndarray) -> float:
    """Energy of the difference against that of the expected signal."""
    error, whole = (np.sum(np.abs(each).astype(np.float64) ** 2) for each in (found - expected, expected))
    return float(10 * np.log10(max(error, 1e-300) / whole))


def wanted(separator: Separator, samples: np.ndarray) -> np.ndarray:
    return separator.separate(Mix(np.ascontiguousarray(samples))).wanted


# Against another implementation.


def test_separator_is_that_of_uss():
    golden = np.load(GOLDEN)
    shapes = weights.separator_shapes(weights.PUBLISHED)
    assert [f"{name} {shape}" for name, shape in sorted(shapes.items())] == golden["names"].tolist()
    assert len(shapes) == 332
    with torch.inference_mode():
        net = network.ResUNet(network.Shape.of(weights.separator(shapes)))
        net.load_state_dict(weights.separator(shapes))
        net.eval().fold()
        X = net.analyse(torch.from_numpy(golden["mix"])[None])
        V = X * net.mask(X, net.told(torch.from_numpy(golden["vector"])))
        found = net.synthesise(V, golden["mix"].size)[0].numpy()
    assert distance_db(found, golden["estimate"]) < -100


# Windows.


def test_a_stretch_with_its_context_gives_what_the_whole_gives(audiosep_options):
    separator = member(audiosep_options)
    context, grid = int(np.ceil(separator.context_s * NARROW_HZ)), separator.grid_frames
    assert grid == 32 * weights.NARROW.hop_frames
    body = slice(7 * NARROW_HZ, 9 * NARROW_HZ)
    start = (body.start - context) // grid * grid
    samples = noise(15)
    assert samples.shape[1] > STRIP_STEPS * weights.NARROW.hop_frames * 4
    whole = wanted(separator, samples)[:, body]
    part = wanted(separator, samples[:, start : body.stop + context])[:, body.start - start : body.stop - start]
    assert distance_db(part, whole) < -120
    narrow = start + grid
    short = wanted(separator, samples[:, narrow + 1000 : body.stop + 300])[:, body.start - narrow - 1000 :]
    assert distance_db(short[:, : whole.shape[1]], whole) > -100, "another grid and less context would do as well"


@pytest.mark.parametrize("steps", [32, 96, 160])
def test_strips_give_what_the_whole_gives(steps, monkeypatch):
    with torch.inference_mode():
        net = network.ResUNet(weights.NARROW)
        net.load_state_dict(weights.separator(weights.separator_shapes(weights.NARROW)))
        net.eval().fold()
        told = net.told(torch.linspace(-1, 1, weights.NARROW.asked))
        X = net.analyse(torch.from_numpy(noise(steps / 100)))
        monkeypatch.setattr("sepkit.separators.audiosep.blocks.STRIP_STEPS", 10**6)
        whole = net.mask(X, told)
        for strip in (2, 14, 64):
            monkeypatch.setattr("sepkit.separators.audiosep.blocks.STRIP_STEPS", strip)
            assert distance_db(net.mask(X, told).numpy(), whole.numpy()) < -100


def test_passes_a_second_of_sound_stay_below_1_2(audiosep_options, tmp_path):
    """Upstream's own chunks see 3.3 s for each second."""
    import soundfile

    from sepkit import Pipeline
    from sepkit.audio.read import probe

    source = tmp_path / "long.wav"
    soundfile.write(source, noise(300, 2, 8000).T, 8000)
    pipeline = Pipeline(
        parse_config(f"members: [{{separator: audiosep, options: {audiosep_options.model_dump_json()}}}]")
    )
    pipeline.ensemble.load("cpu")
    (work,) = forecast.work(pipeline, probe(source)).members
    assert 1.0 < work.seen_s / 300 <= 1.2


# Stereo, and the band above.


def test_what_is_panned_stays_where_it_is_panned(audiosep_options):
    """Masks of each channel, or of middle and side, move a panned sound: the network hears its level."""
    separator = member(audiosep_options)
    sound, pan = noise(4), np.array([[1.0], [0.25]], np.float32)
    stereo = pan * sound
    apart = np.concatenate([wanted(separator, row[None]) for row in stereo])
    middle, side = (wanted(separator, (stereo[:1] + sign * stereo[1:]) / 2) for sign in (1, -1))
    moved = {
        "one mask": moved_db(wanted(separator, stereo), pan),
        "each channel": moved_db(apart, pan),
        "middle and side": moved_db(np.concatenate([middle + side, middle - side]), pan),
    }
    assert moved["one mask"] < -100
    assert min(moved["each channel"], moved["middle and side"]) > -40


def moved_db(found: np.ndarray, pan: np.ndarray) -> float:
    """What lies off the pan, against the whole."""
    found, pan = found.astype(np.float64), pan / np.linalg.norm(pan)
    return distance_db(found, pan @ (pan.T @ found))


def test_two_like_channels_are_one_and_swapped_ones_come_out_swapped(audiosep_options):
    separator = member(audiosep_options)
    mono, stereo = noise(2), noise(2, 2, seed=3)
    alone = wanted(separator, mono)
    assert distance_db(wanted(separator, np.repeat(mono, 2, 0)), np.repeat(alone, 2, 0)) < -120
    assert distance_db(wanted(separator, stereo[::-1]), wanted(separator, stereo)[::-1]) < -120
    opposed = wanted(separator, np.concatenate([mono, -mono]))
    assert distance_db(opposed, np.concatenate([alone, -alone])) < -120


def test_what_lies_above_the_band_follows_its_edge(audiosep_options):
    """With a mask of 0.2 everywhere a tone above 2 kHz, which the network cannot hear, comes out at 0.2 too."""
    rate_hz = 4 * NARROW_HZ
    separator = member(audiosep_options, rate_hz)
    last = separator._network.base.after_conv
    last.weight.zero_()
    last.bias.copy_(torch.tensor([np.log(0.2 / 0.8), 1.0, 0.0]))
    low = resample.resample(noise(4), NARROW_HZ, rate_hz)
    time_s = np.arange(low.shape[1]) / rate_hz
    tone = (0.1 * np.sin(2 * np.pi * 1.4 * NARROW_HZ * time_s)).astype(np.float32)[None]
    kept = wanted(separator, low + tone) - wanted(separator, low)
    inside = slice(rate_hz // 2, 3 * rate_hz)
    assert distance_db(kept[:, inside], 0.2 * tone[:, inside]) < -50


def test_the_edge_is_the_highest_part_of_the_band_in_both_channels():
    X = torch.complex(*torch.randn(2, 2, 129, 7, generator=torch.Generator().manual_seed(0)))
    mask = torch.full((129, 7), 0.9 + 0j)
    mask[103:125] = torch.linspace(0.1, 0.7, 7) * np.exp(1j)
    gains = _edge(X * mask, X)
    np.testing.assert_allclose(gains, np.linspace(0.1, 0.7, 7), rtol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 127, 129, 5000])
def test_any_length_keeps_its_shape_and_silence_stays_silent(audiosep_options, frames):
    separator = member(audiosep_options, 11025)
    found = wanted(separator, noise(frames / 11025, 2, 11025))
    assert found.shape == (2, frames)
    assert np.isfinite(found).all()
    assert not wanted(separator, np.zeros((2, frames), np.float32)).any()


# Prompts.


def test_another_prompt_another_estimate_and_back(audiosep_options):
    separator, mix = member(audiosep_options), noise(1)
    dog = wanted(separator, mix)
    twin = separator.twin()
    twin.ask("  a cat \n meows ")
    cat = wanted(twin, mix)
    assert distance_db(cat, dog) > -40
    assert np.array_equal(wanted(separator, mix), dog), "a twin's prompt is its own"
    assert np.array_equal(wanted(member(audiosep_options.model_copy(update={"prompt": "a cat meows"})), mix), cat)
    twin.ask("dog bark")
    assert np.array_equal(wanted(twin, mix), dog)


def test_a_prompt_is_read_by_the_text_tower_once(audiosep_options, monkeypatch):
    separator, read = member(audiosep_options), []
    forward = separator._tower.forward
    monkeypatch.setattr(separator._tower, "forward", lambda tokens: read.append(1) or forward(tokens))
    for prompt in ("dog bark", "a cat meows", "dog bark", "a cat meows"):
        separator.ask(prompt)
    assert len(read) == 1


def test_prompts_that_cannot_be_read_are_one_clear_line(audiosep_options):
    separator = member(audiosep_options)
    with pytest.raises(ConfigError, match="empty; name a sound"):
        separator.ask(" \t ")
    with pytest.raises(ConfigError, match=r"10000 characters are 1000\d tokens.*at most 512"):
        separator.ask("x" * 10_000)
    with pytest.raises(ConfigError, match="no text in Unicode"):
        separator.ask("dog \udce4")
    separator.ask("犬の鳴き声 \x00 بكاء 🐕")
    with pytest.raises(ValidationError):
        Options(prompt="  ")
    with pytest.raises(ValidationError, match="sha256 is for weights of your own"):
        Options(prompt="dog bark", sha256="0" * 64)
    with pytest.raises(ConfigError, match=r"members\.0\.options\.prompt"):
        parse_config("members: [{separator: audiosep}]")
