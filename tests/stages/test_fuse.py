"""The fused masks against a transcription of the equations in float64 on librosa's STFT."""

import librosa
import numpy as np
import pytest

from sepkit.audio.stft import Stft
from sepkit.stages.fuse import fuse

FFT_FRAMES, HOP_FRAMES = 512, 128
FRAMES = 60 * HOP_FRAMES + 1  # so that librosa cuts as many steps as Stft
STFT = Stft(FFT_FRAMES, HOP_FRAMES)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((2, FRAMES)).astype(np.float32) * 0.1


def transcription(mix, estimates, rule, exponent=1.0):
    def spectrum(samples):
        return librosa.stft(samples.astype(float), n_fft=FFT_FRAMES, hop_length=HOP_FRAMES, pad_mode="constant")

    X = spectrum(mix)
    masks, weights = [], []
    for wanted, rest, weight in estimates:
        V, A = spectrum(wanted), spectrum(mix - wanted if rest is None else rest)
        masks.append((np.abs(V) ** 2 / (np.abs(V) ** 2 + np.abs(A) ** 2 + 1e-38)) ** exponent)
        weights.append(weight)
    if rule == "max":
        M = np.max(masks, axis=0)
    elif rule == "min":
        M = np.min(masks, axis=0)
    elif rule == "mean":
        M = np.mean(masks, axis=0)
    else:
        M = np.average(masks, axis=0, weights=weights)
    return librosa.istft(M * X, n_fft=FFT_FRAMES, hop_length=HOP_FRAMES, length=FRAMES)


@pytest.mark.parametrize("kind, exponent", [("power", 1.0), ("root", 0.5)])
@pytest.mark.parametrize("rule", ["max", "min", "mean", "weights"])
def test_every_rule_is_its_equation(rule, kind, exponent):
    mix = noise(0)
    estimates = [(noise(1), None, 1.0), (noise(2), noise(3), 3.0), (0.5 * mix + noise(4), None, 0.25)]
    fused = fuse(mix, estimates, rule, STFT, kind=kind)
    np.testing.assert_allclose(fused, transcription(mix, estimates, rule, exponent), atol=1e-6)


@pytest.mark.parametrize("rule, shares", [("mean", (0.5, 0.5)), ("weights", (0.25, 0.75))])
def test_without_a_mask_the_estimates_are_averaged_and_masks_only_watched(rule, shares):
    mix, estimates, seen = noise(0), [(noise(1), None, 1.0), (noise(2), noise(3), 3.0)], []
    expected = shares[0] * noise(1) + shares[1] * noise(2)
    np.testing.assert_allclose(fuse(mix, estimates, rule, STFT, kind="none"), expected, atol=1e-7)
    watched = fuse(mix, estimates, rule, STFT, lambda first, masks: seen.append(masks.shape), "none")
    np.testing.assert_allclose(watched, expected, atol=1e-7)
    assert seen and all(shape[0] == 3 for shape in seen)


def test_a_known_share_gives_a_known_mask():
    mix = noise(0)
    cases = [
        (1.0, 1.0),
        (0.0, 0.0),
        (0.5, 0.5),
        (0.25, 1 / 10),
        (0.75, 9 / 10),
    ]  # share s → s²/(s² + (1 − s)²)
    for share, mask in cases:
        np.testing.assert_allclose(fuse(mix, [(share * mix, None, 1.0)], "max", STFT), mask * mix, atol=1e-6)


@pytest.mark.parametrize("level", [2.0**-40, 2.0**20])
def test_the_level_does_not_matter(level):
    mix, estimates = noise(0), [(noise(1), None, 1.0), (noise(2), noise(3), 1.0)]
    scaled = [(wanted * level, None if rest is None else rest * level, weight) for wanted, rest, weight in estimates]
    quiet = fuse(np.float32(level) * mix, [(np.float32(1) * w, r, g) for w, r, g in scaled], "max", STFT)
    np.testing.assert_allclose(quiet / level, fuse(mix, estimates, "max", STFT), atol=1e-7)


def test_digital_silence_stays_silent():
    silence = np.zeros((2, 3000), np.float32)
    for rest in (None, silence):
        np.testing.assert_array_equal(fuse(silence, [(silence, rest, 1.0)] * 2, "mean", STFT), silence)


def test_channels_do_not_touch_each_other():
    mix, wanted = noise(0), noise(1)
    alone = [fuse(mix[[c]], [(wanted[[c]], None, 1.0)], "max", STFT) for c in range(2)]
    np.testing.assert_array_equal(fuse(mix, [(wanted, None, 1.0)], "max", STFT), np.concatenate(alone))


def test_the_inputs_are_left_as_they_were():
    mix, wanted, rest = noise(0), noise(1), noise(2)
    fuse(mix, [(wanted, rest, 1.0), (wanted, None, 1.0)], "max", STFT)
    for seed, samples in enumerate((mix, wanted, rest)):
        np.testing.assert_array_equal(samples, noise(seed))
