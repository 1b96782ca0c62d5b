"""Wet and dry against the stage's equation; what the denoiser cannot see, against tones above its band."""

import numpy as np
import pytest

from sepkit.clock import Clock
from sepkit.config import Options
from sepkit.denoisers.base import BaseDenoiser
from sepkit.stages.denoise import denoise

WET, DRY = 0.35, 0.05


class Squash(BaseDenoiser):
    """A memoryless, non-linear denoiser: D(x) = s·tanh(x/s)/4, s the source's standard deviation."""

    def denoise(self, samples, std):
        assert samples.dtype == np.float32
        return (std * np.tanh(samples / std) / 4).astype(np.float32)


class Quarter(BaseDenoiser):
    """A linear denoiser: D(x) = x/4."""

    def denoise(self, samples, std):
        return samples / 4


def tone(hz: float, sample_rate: int, channels: int = 2) -> np.ndarray:
    time_s = np.arange(sample_rate) / sample_rate
    return np.tile(0.5 * np.sin(2 * np.pi * hz * time_s), (channels, 1)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(("wet", "dry"), [(WET, DRY), (1.0, 0.0), (0.0, 0.0), (0.7, 1.0)])
def test_at_the_denoisers_own_rate_it_is_the_equation(channels, wet, dry):
    x = np.random.default_rng(0).standard_normal((channels, 5001)).astype(np.float32)
    D = 0.8 * np.tanh(x.astype(float) / 0.8) / 4
    expected = (1 - wet) * x + wet * ((1 - dry) * D + dry * x)
    np.testing.assert_allclose(
        denoise(x, 16000, Squash(Options()), wet, dry, std=0.8, clock=Clock()), expected, atol=1e-6
    )


@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100, 48000, 96000])
def test_a_tone_in_the_band_is_turned_down_by_the_equation(sample_rate):
    x = tone(1000, sample_rate)
    out = denoise(x, sample_rate, Quarter(Options()), WET, DRY, std=1.0, clock=Clock())
    inside = slice(sample_rate // 10, -sample_rate // 10)
    expected = (1 - WET + WET * ((1 - DRY) / 4 + DRY)) * x
    assert out.shape == x.shape
    np.testing.assert_allclose(out[:, inside], expected[:, inside], atol=1e-4)


@pytest.mark.parametrize("hz", [9000, 12000, 20000])
def test_a_tone_above_the_band_is_carried_over(hz):
    x = tone(hz, 44100)
    out = denoise(x, 44100, Quarter(Options()), WET, DRY, std=1.0, clock=Clock())
    inside = slice(4410, -4410)
    np.testing.assert_allclose(out[:, inside], x[:, inside], atol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 3, 1001])
def test_the_length_stays_and_the_input_too(frames):
    x = np.random.default_rng(0).standard_normal((2, frames)).astype(np.float32)
    before = x.copy()
    assert denoise(x, 44100, Quarter(Options()), WET, DRY, std=1.0, clock=Clock()).shape == x.shape
    np.testing.assert_array_equal(x, before)
