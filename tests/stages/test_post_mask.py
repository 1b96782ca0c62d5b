"""The β-Wiener filter against a transcription of its equation in float64 on librosa's STFT."""

import librosa
import numpy as np
import pytest

from sepkit.audio.stft import Stft
from sepkit.stages.post_mask import post_mask

FFT_FRAMES, HOP_FRAMES = 512, 128
FRAMES = 60 * HOP_FRAMES + 1  # so that librosa cuts as many steps as Stft
STFT = Stft(FFT_FRAMES, HOP_FRAMES)


def noise(seed: int, frames: int = FRAMES) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((2, frames)).astype(np.float32) * 0.1


def transcription(speech, mix, beta):
    V, X = (
        librosa.stft(samples.astype(float), n_fft=FFT_FRAMES, hop_length=HOP_FRAMES, pad_mode="constant")
        for samples in (speech, mix)
    )
    M = np.abs(V) ** (2 * beta) / (np.abs(V) ** (2 * beta) + np.abs(X - V) ** (2 * beta) + 1e-300)
    return librosa.istft(M * X, n_fft=FFT_FRAMES, hop_length=HOP_FRAMES, length=FRAMES)


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.5, 2.0, 8.0])
def test_it_is_the_equation(beta):
    mix, speech = noise(0), noise(1)
    np.testing.assert_allclose(post_mask(speech, mix, beta, STFT), transcription(speech, mix, beta), atol=1e-6)


@pytest.mark.parametrize("beta", [1.0, 1.5, 8.0])
def test_a_known_share_gives_a_known_mask(beta):
    mix = noise(0)
    for share in (0.0, 0.1, 0.5, 0.8, 1.0):
        mask = share ** (2 * beta) / (share ** (2 * beta) + (1 - share) ** (2 * beta))
        np.testing.assert_allclose(post_mask(share * mix, mix, beta, STFT), mask * mix, atol=2e-6)


@pytest.mark.parametrize("beta", [1.5, 8.0])
@pytest.mark.parametrize("level", [2.0**-40, 2.0**20])
def test_the_level_does_not_matter(level, beta):
    mix, speech = noise(0), noise(1)
    scaled = post_mask(np.float32(level) * speech, np.float32(level) * mix, beta, STFT)
    np.testing.assert_allclose(scaled / level, post_mask(speech, mix, beta, STFT), atol=1e-7)


def test_digital_silence_stays_silent_and_nothing_is_invented():
    silence = np.zeros((2, 3000), np.float32)
    np.testing.assert_array_equal(post_mask(silence, silence, 1.5, STFT), silence)
    np.testing.assert_array_equal(post_mask(silence, noise(0, 3000), 1.5, STFT), silence)
    np.testing.assert_array_equal(post_mask(noise(0, 3000), silence, 1.5, STFT), silence)


def test_a_stretch_cut_out_with_context_agrees_with_the_whole():
    mix, speech = noise(0, 20_000), noise(1, 20_000)
    whole = post_mask(speech, mix, 1.5, STFT)
    start, stop = 40 * HOP_FRAMES, 13_333
    cut = post_mask(speech[:, start:stop], mix[:, start:stop], 1.5, STFT)
    context = STFT.context_frames
    np.testing.assert_allclose(cut[:, context:-context], whole[:, start + context : stop - context], atol=1e-7)
