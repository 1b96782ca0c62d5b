"""SI-SDR, SNR and SDR: analytic values, and SDR against dense least squares."""

import math

import numpy as np
import pytest

from sepkit.audio.samples import Audio
from sepkit.metrics.sdr import TAPS, sdr_db
from sepkit.metrics.si_sdr import si_sdr_db
from sepkit.metrics.snr import snr_db
from tests.metrics.pairs import noise, orthogonal

# SI-SDR and SNR: s + 0.1·n with n ⊥ s and |n| = |s| is 20 dB by definition.


@pytest.mark.parametrize("gain", [1e-3, 0.5, 1.0, 40.0])
def test_si_sdr_is_the_analytic_value_at_any_gain(gain):
    s, n = orthogonal(8000, channels=2)
    found = si_sdr_db(Audio(s, 8000), Audio(gain * (s + 0.1 * n), 8000))
    assert found == pytest.approx(20.0, abs=1e-4)


def test_snr_is_the_analytic_value_and_counts_gain_as_noise():
    s, n = orthogonal(8000, channels=2)
    assert snr_db(Audio(s, 8000), Audio(s + 0.1 * n, 8000)) == pytest.approx(20.0, abs=1e-4)
    assert snr_db(Audio(s, 8000), Audio(0.5 * s, 8000)) == pytest.approx(10 * math.log10(1 / 0.25), abs=1e-4)


def test_the_three_ratios_differ_as_their_definitions_say():
    """Noise twice as loud with an echo after 3 frames: SDR forgives both, SI-SDR the level, SNR nothing."""
    s = Audio(np.pad(noise(100_000, seed=1).samples, ((0, 0), (0, 3))), 16_000)
    echo = np.roll(s.samples, 3) * 0.5
    estimate = Audio(2 * (s.samples + echo), s.sample_rate)
    assert sdr_db(s, estimate) > 80
    assert si_sdr_db(s, estimate) == pytest.approx(10 * math.log10(1 / 0.25), abs=0.1)
    assert snr_db(s, estimate) == pytest.approx(10 * math.log10(1 / (1 + 1)), abs=0.1)  # |s + 2·0.5 s'|² = 2|s|²


def test_sdr_equals_dense_least_squares_over_all_delays():
    s, error = noise(4000, seed=2), noise(4000, seed=3)
    h = np.random.default_rng(4).standard_normal(30)
    filtered = np.convolve(s.samples[0], h)[:4000]
    estimate = Audio(filtered + 0.3 * error.samples[0], 16_000)
    padded = np.concatenate([estimate.samples[0], np.zeros(TAPS - 1)])
    delayed = np.zeros((padded.size, TAPS))
    for k in range(TAPS):
        delayed[k : k + 4000, k] = s.samples[0]
    target = delayed @ np.linalg.lstsq(delayed, padded, rcond=None)[0]
    expected = 10 * np.log10(np.sum(target**2) / np.sum((padded - target) ** 2))
    assert sdr_db(s, estimate) == pytest.approx(expected, abs=1e-4)


def test_sdr_of_a_long_signal_is_the_same_over_block_edges(monkeypatch):
    s, estimate = noise(10_000, seed=5, channels=2), noise(10_000, seed=6, channels=2)
    whole = sdr_db(s, estimate)
    monkeypatch.setattr("sepkit.metrics.sdr.BLOCK_FRAMES", 700)
    assert sdr_db(s, estimate) == pytest.approx(whole, abs=1e-9)


def test_sdr_of_a_band_limited_reference_is_finite_and_sane():
    """Half of the spectrum is empty: the normal equations are singular to working precision."""
    from scipy.signal import firwin, oaconvolve

    s = oaconvolve(noise(60_000, seed=7).samples[0], firwin(801, 0.4), mode="same")
    error = noise(60_000, seed=8).samples[0]
    error *= np.linalg.norm(s) / np.linalg.norm(error)
    found = sdr_db(Audio(s, 16_000), Audio(s + 0.1 * error, 16_000))
    assert found == pytest.approx(20.0, abs=0.15)  # 512 free taps explain about 512/60000 of the error besides
