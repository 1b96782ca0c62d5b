"""The transform against its definition written as sums, its inverse against the least-squares solution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepkit.audio import stft as stft_module
from sepkit.audio.stft import Stft, power


def noise(channels: int, frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((channels, frames)).astype(np.float32)


def by_definition(samples: np.ndarray, fft_frames: int, hop_frames: int) -> np.ndarray:
    """X[i, k] = Σ_n w[n]·x[i·hop − N/2 + n]·exp(−2πjkn/N), one term at a time."""
    steps = -(-(len(samples) - 1) // hop_frames) + 1
    spectrum = np.zeros((steps, fft_frames // 2 + 1), complex)
    for i in range(steps):
        for n in range(fft_frames):
            frame = i * hop_frames - fft_frames // 2 + n
            if 0 <= frame < len(samples):
                weight = np.sin(np.pi * n / fft_frames) ** 2
                turn = np.exp(-2j * np.pi * np.arange(fft_frames // 2 + 1) * n / fft_frames)
                spectrum[i] += weight * samples[frame] * turn
    return spectrum


@pytest.mark.parametrize(("fft_frames", "hop_frames", "frames"), [(16, 4, 61), (12, 4, 40), (8, 4, 1), (16, 2, 7)])
def test_forward_is_the_definition(fft_frames, hop_frames, frames):
    samples = noise(2, frames)
    spectrum = Stft(fft_frames, hop_frames).forward(samples)
    assert spectrum.dtype == np.complex64
    for channel in range(2):
        expected = by_definition(samples[channel].astype(float), fft_frames, hop_frames)
        np.testing.assert_allclose(spectrum[channel], expected, atol=2e-6)


@settings(max_examples=60)
@given(
    frames=st.integers(1, 5000),
    channels=st.integers(1, 3),
    sizes=st.sampled_from([(2048, 512), (2048, 1024), (64, 16), (96, 32), (64, 32), (1024, 128)]),
)
def test_there_and_back_is_the_signal_ends_included(frames, channels, sizes):
    stft, samples = Stft(*sizes), noise(channels, frames, frames)
    np.testing.assert_allclose(stft.inverse(stft.forward(samples), frames), samples, atol=2e-6)


@pytest.mark.parametrize(("fft_frames", "hop_frames"), [(16, 4), (12, 4), (16, 8)])
def test_inverse_of_a_changed_spectrum_is_the_nearest_signal(fft_frames, hop_frames):
    stft, frames = Stft(fft_frames, hop_frames), 37
    rng = np.random.default_rng(1)
    steps = stft.steps(frames)
    spectrum = rng.standard_normal((1, steps, stft.bins)) + 1j * rng.standard_normal((1, steps, stft.bins))
    spectrum[..., [0, -1]] = spectrum[..., [0, -1]].real  # as in the spectrum of any real window
    # The bins between 0 and half the rate stand for two of a whole spectrum, hence √2.
    weight = np.where(np.isin(np.arange(stft.bins), [0, stft.bins - 1]), 1, np.sqrt(2))
    columns = [by_definition(unit, fft_frames, hop_frames) * weight for unit in np.eye(frames)]
    matrix = np.stack([column.ravel() for column in columns], axis=1)
    wanted = (spectrum[0] * weight).ravel()
    nearest, *_ = np.linalg.lstsq(
        np.concatenate([matrix.real, matrix.imag]), np.concatenate([wanted.real, wanted.imag]), rcond=None
    )
    np.testing.assert_allclose(stft.inverse(spectrum.astype(np.complex64), frames)[0], nearest, atol=2e-6)


@pytest.mark.parametrize("group_bytes", [1, 10_000, 10**9])
def test_filter_is_forward_combine_inverse_however_the_steps_are_grouped(monkeypatch, group_bytes):
    monkeypatch.setattr(stft_module, "GROUP_BYTES", group_bytes)
    stft, a, b = Stft(256, 64), noise(2, 5001, 1), noise(2, 5001, 2)

    def combine(spectra):
        first, second = spectra
        return first * power(second)

    whole = stft.inverse(combine([stft.forward(a), stft.forward(b)]), 5001)
    np.testing.assert_allclose(stft.filter([a, b], combine), whole, rtol=1e-5, atol=1e-4)


def test_nothing_beyond_the_context_is_felt():
    stft, frames = Stft(256, 64), 4000
    samples = noise(1, frames)
    other = samples.copy()
    other[:, 2000:] += 1
    before, after = (stft.filter([x], lambda spectra: spectra[0] * power(spectra[0])) for x in (samples, other))
    reach = 2000 - stft.context_frames
    np.testing.assert_array_equal(before[:, :reach], after[:, :reach])
    assert np.abs(before - after)[:, reach:2000].max() > 1e-3


def test_no_frames_give_no_frames():
    assert Stft(64, 16).filter([np.zeros((2, 0), np.float32)], lambda spectra: spectra[0]).shape == (2, 0)


def test_power_is_the_squared_modulus():
    spectrum = noise(3, 8).astype(np.complex64) + 1j * noise(3, 8, 1)
    np.testing.assert_allclose(power(spectrum.astype(np.complex64)), np.abs(spectrum) ** 2, rtol=1e-6)
