"""True peak against the signals of EBU Tech 3341, and against 16-fold oversampling by SciPy."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from sepkit.stages.true_peak import ROW_FRAMES, TruePeakMeter, row_peaks


def peak_dbtp(samples: np.ndarray) -> float:
    meter = TruePeakMeter(48000, len(samples))
    meter.add(samples.astype(np.float32))
    return meter.peak_dbtp()


def oversampled_dbtp(samples: np.ndarray) -> float:
    return 20 * np.log10(np.abs(signal.resample_poly(samples.astype(float), 16, 1, axis=1)).max())


def faded(samples: np.ndarray) -> np.ndarray:
    """Without the overshoot of a tone that begins out of nothing."""
    return samples * signal.windows.tukey(samples.shape[-1], 0.2)


def bursts(cutoff_hz: float, seed: int, frames: int = 1 << 17) -> np.ndarray:
    """Band-limited noise at 44.1 kHz, two channels, loud now and then."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((2, frames)))
    spectrum[:, int(cutoff_hz / 44100 * frames) :] = 0
    loud = 1 + 4 * (np.sin(2 * np.pi * np.arange(frames) / 20_000) > 0.9)
    return (0.1 * np.fft.irfft(spectrum) * loud).astype(np.float32)


TECH_3341 = {  # divisor of the sample rate, phase in degrees, amplitude, dBTP
    "case 15": (4, 0.0, 0.50, -6.0),
    "case 16": (4, 45.0, 0.50, -6.0),
    "case 17": (6, 60.0, 0.50, -6.0),
    "case 18": (8, 67.5, 0.50, -6.0),
    "case 19": (4, 45.0, 1.41, 3.0),
}


@pytest.mark.parametrize("case", TECH_3341)
def test_ebu_tech_3341_steady(case):
    divisor, degrees, amplitude, expected = TECH_3341[case]
    angle = 2 * np.pi * np.arange(48000) / divisor + np.radians(degrees)
    tone = faded(np.tile(amplitude * np.sin(angle), (2, 1)))
    assert expected - 0.4 <= peak_dbtp(tone) <= expected + 0.2


@pytest.mark.parametrize("offset", [0, 1, 2, 3], ids=["case 20", "case 21", "case 22", "case 23"])
def test_ebu_tech_3341_transient(offset):
    """A period of fs/4 at full scale within fs/6 at half, made at 4·fs and decimated at four offsets."""
    frames = 4 * 24_000  # a whole number of periods of 4·6 frames
    n = np.arange(frames)
    tone = 0.5 * np.sin(2 * np.pi * n / 24)
    tone[48_000:48_016] = np.sin(2 * np.pi * n[:16] / 16)
    tone = np.concatenate([tone[:48_016], -tone[48_000 - 1 :: -1]])  # phase-coherent after the inserted period
    spectrum = np.fft.rfft(tone)
    spectrum[len(tone) // 8 :] = 0  # what the decimation would fold
    tone = np.fft.irfft(spectrum, len(tone))
    assert -0.4 <= peak_dbtp(faded(np.tile(tone[offset::4], (2, 1)))) <= 0.2


@pytest.mark.parametrize("cutoff_hz", [4000, 12000, 17000, 20000])
def test_it_agrees_with_sixteenfold_oversampling(cutoff_hz):
    samples = bursts(cutoff_hz, seed=cutoff_hz)
    assert peak_dbtp(samples) == pytest.approx(oversampled_dbtp(samples), abs=0.03)


def test_skipping_quiet_rows_never_misses_a_peak():
    samples = bursts(20000, seed=1)[:, : 1000 * ROW_FRAMES]
    everywhere = row_peaks(samples, floor=0.0)
    for floor in (0.1, 0.3, 0.6, 1.0):
        found = row_peaks(samples, floor)
        over = everywhere > floor
        np.testing.assert_allclose(found[over], everywhere[over], rtol=1e-6)
        assert found[~over].max(initial=0) <= floor * (1 + 1e-6)


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 5000), max_size=10), frames=st.integers(1, 5000))
def test_the_cuts_do_not_matter(cuts, frames):
    samples = bursts(20000, seed=2)[:, :frames]
    meter = TruePeakMeter(44100, 2)
    edges = sorted({0, frames, *(cut for cut in cuts if cut < frames)})
    for start, stop in pairwise(edges):
        meter.add(samples[:, start:stop])
    assert meter.peak_dbtp() == pytest.approx(peak_dbtp(samples), abs=1e-5)


@pytest.mark.parametrize("frames", [0, 1, 31, 32, 100_000])
def test_silence_is_minus_infinity_and_a_lone_sample_is_itself(frames):
    silence = np.zeros((2, frames), np.float32)
    assert peak_dbtp(silence) == -math.inf
    if frames:
        silence[1, frames // 2] = -0.5
        assert peak_dbtp(silence) == pytest.approx(20 * math.log10(0.5), abs=1e-3)
