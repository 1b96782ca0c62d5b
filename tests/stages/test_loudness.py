"""Integrated loudness against pyloudnorm, BS.1770's own coefficients and the signals of EBU Tech 3341."""

import math
from itertools import pairwise

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from sepkit.stages.loudness import LoudnessMeter, k_weighting, make_gain

# ITU-R BS.1770-4, tables 1 and 2: 48 kHz.
ITU_48K = np.array(
    [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1, -1.99004745483398, 0.99007225036621],
    ]
)


def lufs(samples: np.ndarray, sample_rate: int) -> float:
    meter = LoudnessMeter(sample_rate, len(samples))
    meter.add(samples.astype(np.float32))
    return meter.integrated_lufs()


def sines(parts: list[tuple[float, float]], sample_rate: int, channels: int = 2) -> np.ndarray:
    """1 kHz in phase in all channels; parts of (peak in dBFS, seconds)."""
    peak = np.concatenate([np.full(round(seconds * sample_rate), 10 ** (db / 20)) for db, seconds in parts])
    return np.tile(peak * np.sin(2 * np.pi * 1000 * np.arange(len(peak)) / sample_rate), (channels, 1))


def speech_like(sample_rate: int, channels: int, seconds: float, seed: int) -> np.ndarray:
    """Coloured noise in syllables, with pauses that the gates must leave out."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * sample_rate)
    colour = signal.lfilter([1], [1, -0.9], rng.standard_normal((channels, frames)))
    syllables = np.repeat(10 ** (rng.uniform(-80, 0, frames // 4000 + 1) / 20), 4000)[:frames]
    return 0.1 * colour * syllables


def test_the_filters_are_the_standards_at_48_khz():
    np.testing.assert_allclose(k_weighting(48000), ITU_48K, atol=1e-9)


@pytest.mark.parametrize(("sample_rate", "off_db"), [(8000, 0.3), (16000, 0.07), (44100, 0.01), (192000, 0.01)])
def test_the_curve_is_the_same_at_other_rates(sample_rate, off_db):
    hz = np.geomspace(20, 3000, 50)
    _, here = signal.sosfreqz(k_weighting(sample_rate), hz, fs=sample_rate)
    _, there = signal.sosfreqz(ITU_48K, hz, fs=48000)
    np.testing.assert_allclose(20 * np.log10(np.abs(here / there)), 0, atol=off_db)


TECH_3341 = {
    "case 1": ([(-23, 20)], -23),
    "case 2": ([(-33, 20)], -33),
    "case 3": ([(-36, 10), (-23, 60), (-36, 10)], -23),
    "case 4": ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
    "case 5": ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
}


@pytest.mark.parametrize("sample_rate", [16000, 44100, 48000])
@pytest.mark.parametrize("case", TECH_3341)
def test_ebu_tech_3341(case, sample_rate):
    parts, expected = TECH_3341[case]
    assert lufs(sines(parts, sample_rate), sample_rate) == pytest.approx(expected, abs=0.1)


def test_at_8_khz_it_is_within_twice_the_tolerance():
    assert lufs(sines([(-23, 20)], 8000), 8000) == pytest.approx(-23, abs=0.2)


@pytest.mark.parametrize("layout", ["L R C Ls Rs", "L R C LFE Ls Rs"])
def test_ebu_tech_3341_case_6(layout):
    peak_db = {"L": -28, "R": -28, "C": -24, "LFE": 0, "Ls": -30, "Rs": -30}
    samples = np.concatenate([sines([(peak_db[name], 20)], 48000, channels=1) for name in layout.split()])
    assert lufs(samples, 48000) == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("sample_rate", [44100, 48000])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_it_agrees_with_pyloudnorm(sample_rate, channels):
    samples = speech_like(sample_rate, channels, 12.34, seed=channels)
    reference = pyloudnorm.Meter(sample_rate, filter_class="DeMan").integrated_loudness(samples.T)
    assert lufs(samples, sample_rate) == pytest.approx(reference, abs=0.02)
    # its default filters are another approximation of the standard's
    default = pyloudnorm.Meter(sample_rate).integrated_loudness(samples.T)
    assert lufs(samples, sample_rate) == pytest.approx(default, abs=0.2)


@pytest.mark.parametrize("sample_rate", [11025, 44100])
def test_only_blocks_that_overlap_a_span_count(sample_rate):
    """The witness hears the loud middle alone, with the 0.3 s to either side that its first and last block reach."""
    samples = sines([(-40, 5), (-23, 4), (-36, 5)], sample_rate)
    meter = LoudnessMeter(sample_rate, 2)
    meter.add(samples.astype(np.float32))
    start, stop = 5 * sample_rate, 9 * sample_rate
    around = samples[:, start - round(0.3 * sample_rate) : stop + round(0.3 * sample_rate)]
    expected = pyloudnorm.Meter(sample_rate, filter_class="DeMan").integrated_loudness(around.T)
    assert meter.integrated_lufs([(start, stop)]) == pytest.approx(expected, abs=0.2)  # blocks lie on another grid
    assert meter.integrated_lufs([(0, sample_rate), (2 * sample_rate, 3 * sample_rate)]) == pytest.approx(-40, abs=0.1)
    assert meter.integrated_lufs([]) == -math.inf


@settings(max_examples=20)
@given(cuts=st.lists(st.integers(0, 3 * 11025), max_size=12), channels=st.integers(1, 2))
def test_the_cuts_do_not_matter(cuts, channels):
    samples = speech_like(11025, channels, 3, seed=0).astype(np.float32)
    meter = LoudnessMeter(11025, channels)
    edges = [0, *sorted(cuts), samples.shape[1]]
    for start, stop in pairwise(edges):
        meter.add(samples[:, start:stop])
    assert meter.integrated_lufs() == lufs(samples, 11025)


@pytest.mark.parametrize("seconds", [0.0001, 0.05, 0.25, 0.3999])
def test_less_than_a_block_counts_as_one_block_of_its_own_length(seconds):
    samples = speech_like(48000, 2, 1, seed=3)[:, : max(1, round(seconds * 48000))] + 0.1
    heard = signal.sosfilt(ITU_48K, samples.astype(np.float32).astype(float), axis=1)
    expected = -0.691 + 10 * np.log10((heard**2).mean(axis=1).sum())
    assert lufs(samples, 48000) == pytest.approx(expected, abs=1e-6)


def test_asking_does_not_disturb_the_measurement():
    samples = speech_like(48000, 2, 2, seed=4).astype(np.float32)
    meter = LoudnessMeter(48000, 2)
    for start in range(0, samples.shape[1], 5000):
        meter.add(samples[:, start : start + 5000])
        meter.integrated_lufs()
    assert meter.integrated_lufs() == lufs(samples, 48000)


@pytest.mark.parametrize("frames", [0, 1, 4000, 48000])
def test_silence_is_minus_infinity(frames):
    assert lufs(np.zeros((2, frames)), 48000) == -math.inf
    assert lufs(np.full((2, frames), 1e-6), 48000) == -math.inf  # below the absolute gate


def test_gain():
    assert make_gain(-26.0, -16.0, 40.0) == pytest.approx(10**0.5)  # +10 dB
    assert make_gain(-6.0, -16.0, 40.0) == pytest.approx(10**-0.5)
    assert make_gain(-69.0, -16.0, 40.0) == pytest.approx(100)  # the cap
    assert make_gain(-26.0, -16.0, 0.0) == 1
    assert make_gain(-26.0, None, 40.0) == 1
    assert make_gain(-math.inf, -16.0, 40.0) == 1
