"""The filters' measured response against their analogue prototypes through the bilinear transform."""

import numpy as np
import pytest
from scipy import signal

from sepkit.stages.equalise import context_s, equalise

FRAMES = 1 << 17


def response_db(sample_rate: int, **settings: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz and gain in dB, by the transform of the response to an impulse."""
    impulse = np.zeros((1, FRAMES), np.float32)
    impulse[0, FRAMES // 2] = 1
    answer = np.fft.rfft(np.fft.ifftshift(equalise(impulse, sample_rate, **settings)[0].astype(float)))
    np.testing.assert_allclose(answer.imag, 0, atol=1e-5)  # zero phase
    gain = np.abs(answer)
    return np.fft.rfftfreq(FRAMES, 1 / sample_rate)[1:-1], 20 * np.log10(gain[1:-1])


def warped(hz: np.ndarray | float, sample_rate: int) -> np.ndarray | float:
    return np.tan(np.pi * hz / sample_rate)


@pytest.mark.parametrize("sample_rate", [8000, 44100, 192000])
def test_the_high_pass_is_3_db_down_at_its_corner_and_falls_12_db_an_octave(sample_rate):
    hz, gain_db = response_db(sample_rate, high_pass_hz=70.0, shelf_hz=None, shelf_gain_db=0.0)
    ratio = warped(70.0, sample_rate) / warped(hz, sample_rate)
    heard = hz > 10
    expected_db = -20 * np.log10(1 + (np.sqrt(2) - 1) * ratio**2)
    np.testing.assert_allclose(gain_db[heard], expected_db[heard], atol=0.01)
    assert np.interp(70.0, hz, gain_db) == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize("gain", [-24.0, -3.0, 1.5, 24.0])
def test_the_shelf_is_the_cookbooks_prototype(gain):
    hz, gain_db = response_db(44100, high_pass_hz=None, shelf_hz=12000.0, shelf_gain_db=gain)
    s = 1j * warped(hz, 44100) / warped(12000.0, 44100)
    A, Q = 10 ** (gain / 2 / 40), 1 / np.sqrt(2)  # half the gain, twice
    H = A * (A * s**2 + np.sqrt(A) / Q * s + 1) / (s**2 + np.sqrt(A) / Q * s + A)
    np.testing.assert_allclose(gain_db, 2 * 20 * np.log10(np.abs(H)), atol=0.01)
    assert gain_db[0] == pytest.approx(0, abs=0.01)
    assert gain_db[-1] == pytest.approx(gain, abs=0.05)


@pytest.mark.parametrize(("sample_rate", "present"), [(22050, False), (26666, False), (26668, True), (44100, True)])
def test_a_shelf_too_close_to_half_the_rate_is_left_out(sample_rate, present):
    _, gain_db = response_db(sample_rate, high_pass_hz=None, shelf_hz=12000.0, shelf_gain_db=6.0)
    assert (gain_db.max() > 3) == present
    assert present or gain_db.max() == gain_db.min() == 0


def test_each_channel_is_filtered_alone_across_blocks():
    rng = np.random.default_rng(0)
    frames = 150_001
    samples = np.zeros((2, frames), np.float32)
    samples[:, 30_000:-30_000] = rng.standard_normal((2, frames - 60_000))
    impulse = np.zeros((1, frames), np.float32)
    impulse[0, frames // 2] = 1
    settings = {"high_pass_hz": 70.0, "shelf_hz": 12000.0, "shelf_gain_db": 1.5}
    answer = np.fft.rfft(np.fft.ifftshift(equalise(impulse, 44100, **settings)[0].astype(float)))
    expected = np.fft.irfft(np.fft.rfft(samples.astype(float)) * answer, frames)
    np.testing.assert_allclose(equalise(samples, 44100, **settings), expected, atol=1e-5)


@pytest.mark.parametrize(("high_pass_hz", "shelf_hz"), [(70.0, 12000.0), (None, 1000.0), (20.0, None)])
def test_a_window_with_context_agrees_with_the_whole_100_db_down(high_pass_hz, shelf_hz):
    time_s = np.arange(4 * 44100) / 44100
    samples = (0.5 + 0.5 * np.sin(2 * np.pi * 50 * time_s)).astype(np.float32)[np.newaxis]
    whole = equalise(samples, 44100, high_pass_hz, shelf_hz, 24.0)
    start, stop = 70_001, 120_001
    cut = equalise(samples[:, start:stop], 44100, high_pass_hz, shelf_hz, 24.0)
    context = int(np.ceil(context_s(high_pass_hz, shelf_hz) * 44100))
    difference = cut[:, context:-context] - whole[:, start + context : stop - context]
    assert difference.size > 10_000
    assert np.abs(difference).max() < 10 ** (-100 / 20)


@pytest.mark.parametrize("frames", [0, 1, 300, 70_000])
def test_a_sound_of_any_length_is_as_if_silence_lay_around_it(frames):
    samples = np.random.default_rng(0).standard_normal((1, frames)).astype(np.float32)
    around = np.pad(samples, ((0, 0), (200_000, 200_000)))
    first, last = (signal.butter(1, hz, "highpass", fs=8000, output="sos") for hz in (corner_hz(5.0, 8000),) * 2)
    there = signal.sosfilt(first, around.astype(float))
    back = signal.sosfilt(last, there[:, ::-1])[:, ::-1]
    expected = back[:, 200_000 : 200_000 + frames]
    np.testing.assert_allclose(equalise(samples, 8000, 5.0, None, 0.0), expected, atol=1e-5)


def corner_hz(high_pass_hz: float, sample_rate: int) -> float:
    """Of the first-order filter that, run twice, is 3 dB down at `high_pass_hz`."""
    half = np.sqrt(np.sqrt(2) - 1) * warped(high_pass_hz, sample_rate)
    return float(np.arctan(half) * sample_rate / np.pi)


def test_no_filter_is_no_change_and_needs_no_context():
    samples = np.ones((2, 7), np.float32)
    np.testing.assert_array_equal(equalise(samples, 44100, None, None, 6.0), samples)
    assert context_s(None, None) == 0
