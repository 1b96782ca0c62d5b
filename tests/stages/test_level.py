"""The three ways to keep a ceiling, each against what its name says."""

import math

import numpy as np
import pytest

from sepkit.config.sections import LoudnessConfig
from sepkit.stages.level import Leveller
from sepkit.stages.limiter import Limiter
from sepkit.stages.true_peak import TruePeakMeter

RATE = 44100


def tone(peak: float) -> np.ndarray:
    """997 Hz with its true peak at `peak`."""
    return np.tile(peak * np.sin(2 * np.pi * 997 * np.arange(RATE) / RATE), (2, 1)).astype(np.float32)


def level(samples, gain, peak_dbtp=None, **config):
    leveller = Leveller(LoudnessConfig(**config), RATE, len(samples), gain, peak_dbtp)
    halves = [leveller.process(samples[:, :20_000]), leveller.process(samples[:, 20_000:], last=True)]
    return np.concatenate(halves, axis=1), leveller.gain


@pytest.mark.parametrize("ceiling_by", ["limiter", "gain", "clip"])
def test_below_the_ceiling_all_three_are_the_gain_alone(ceiling_by):
    levelled, gain = level(tone(0.2), 2.0, 20 * math.log10(0.2), ceiling_by=ceiling_by)
    np.testing.assert_array_equal(levelled, tone(0.2) * np.float32(2))
    assert gain == 2


def test_by_limiter():
    levelled, gain = level(tone(0.8), 2.0, ceiling_by="limiter", ceiling_dbtp=-1.0)
    limiter = Limiter(RATE, 2, -1.0, 5.0, 100.0)
    np.testing.assert_array_equal(levelled, limiter.process(tone(0.8) * np.float32(2), last=True))
    assert gain == 2
    assert np.abs(levelled).max() <= 10 ** (-1 / 20)


def test_by_gain_turns_the_whole_file_down_to_the_ceiling():
    meter = TruePeakMeter(RATE, 2)
    meter.add(tone(0.8))
    levelled, gain = level(tone(0.8), 2.0, meter.peak_dbtp(), ceiling_by="gain", ceiling_dbtp=-1.0)
    assert gain == pytest.approx(10 ** (-1 / 20) / 0.8, rel=2e-3)
    np.testing.assert_allclose(levelled, tone(0.8) * gain, atol=1e-6)


def test_by_gain_leaves_silence_alone():
    silence = np.zeros((2, RATE), np.float32)
    levelled, gain = level(silence, 1.0, -math.inf, ceiling_by="gain")
    np.testing.assert_array_equal(levelled, silence)
    assert gain == 1


def test_by_clipping():
    levelled, _ = level(tone(0.8), 2.0, ceiling_by="clip", ceiling_dbtp=-6.0)
    bound = 10 ** (-6 / 20)
    np.testing.assert_allclose(levelled, np.clip(2 * tone(0.8).astype(float), -bound, bound), atol=1e-6)


def test_no_ceiling():
    levelled, _ = level(tone(0.8), 2.0, ceiling_dbtp=None)
    np.testing.assert_array_equal(levelled, 2 * tone(0.8))
