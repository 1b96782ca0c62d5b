"""What is shared out: against a transcription of the equation in float64 on librosa's STFT, and where it is plain."""

import librosa
import numpy as np

from sepkit.audio.stft import Stft
from sepkit.stages.share_out import share_out

FFT_FRAMES, HOP_FRAMES = 512, 128
FRAMES = 60 * HOP_FRAMES + 1  # so that librosa cuts as many steps as Stft
STFT = Stft(FFT_FRAMES, HOP_FRAMES)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((2, FRAMES)).astype(np.float32) * 0.1


def test_equals_the_equation_and_sums_to_the_mix():
    def spectrum(samples):
        return librosa.stft(samples.astype(float), n_fft=FFT_FRAMES, hop_length=HOP_FRAMES, pad_mode="constant")

    mix, stems = noise(0), [noise(1), 0.3 * noise(2), 2 * noise(3)]
    powers = [np.abs(spectrum(stem)) ** 2 for stem in stems]
    left = spectrum(mix - sum(stems))
    found = share_out(mix, stems, STFT)
    for stem, own, made in zip(stems, powers, found, strict=True):
        share = librosa.istft(own / sum(powers) * left, n_fft=FFT_FRAMES, hop_length=HOP_FRAMES, length=FRAMES)
        np.testing.assert_allclose(made, stem + share, atol=2e-5)
    np.testing.assert_allclose(sum(found), mix, atol=2e-6)


def test_a_stem_alone_gets_all_and_a_silent_one_nothing():
    mix, silent = noise(0), np.zeros((2, FRAMES), np.float32)
    alone, second, third = share_out(mix, [0.6 * mix, silent, silent], STFT)
    np.testing.assert_allclose(alone, mix, atol=1e-6)
    assert not second.any() and not third.any()


def test_stems_that_are_the_mix_already_stay_as_they_are():
    stems = [noise(1), noise(2), noise(3)]
    for stem, made in zip(stems, share_out(stems[0] + stems[1] + stems[2], stems, STFT), strict=True):
        np.testing.assert_allclose(made, stem, atol=1e-6)
