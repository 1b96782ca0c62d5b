"""Rate conversion keeps tones, time and length; stretches on the grid agree with the whole."""

import math

import numpy as np
import pytest

from sepkit.audio.resample import CONTEXT_S, converted_frames, grid_frames, resample


def tone(hz: float, sample_rate: int, seconds: float) -> np.ndarray:
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    return np.sin(2 * math.pi * hz * time_s, dtype=np.float64).astype(np.float32)[np.newaxis]


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44100, 48000), (48000, 44100), (44100, 16000), (8000, 48000)])
def test_a_tone_stays_itself_sample_by_sample(from_hz, to_hz):
    converted = resample(tone(997, from_hz, 1.0), from_hz, to_hz)
    inside = slice(to_hz // 10, -to_hz // 10)  # away from the ends, where the tone begins out of nothing
    np.testing.assert_allclose(converted[0, inside], tone(997, to_hz, 1.0)[0, inside], atol=1e-4)


def test_there_and_back_keeps_the_length_of_any_file():
    for frames in (1, 2, 146, 147, 148, 4801):
        there = resample(np.ones((2, frames), np.float32), 44100, 48000)
        assert there.shape[1] == converted_frames(frames, 44100, 48000) == math.ceil(frames * 160 / 147)
        assert resample(there, 48000, 44100, frames).shape == (2, frames)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44100, 48000), (44100, 16000), (96000, 44100), (22050, 48000)])
def test_a_stretch_on_the_grid_equals_the_whole_inside_its_context(from_hz, to_hz):
    noise = np.random.default_rng(1).standard_normal((1, 2 * from_hz)).astype(np.float32)
    whole = resample(noise, from_hz, to_hz)
    first = grid_frames(from_hz, to_hz) * 20
    stretch = resample(noise[:, first:], from_hz, to_hz)
    first_native, context = first * to_hz // from_hz, math.ceil(CONTEXT_S * to_hz)
    difference = whole[:, first_native + context :] - stretch[:, context : whole.shape[1] - first_native]
    assert np.abs(difference).max() < 1e-5 * np.abs(whole).max()
