"""The member prompted: its bands and transform against numpy, windows, level, channels, the band above, and fold 5."""

import numpy as np
import pytest
import torch

from sepkit.models.prompted import bands
from sepkit.separators.base import Mix
from sepkit.separators.prompted import separator as prompted
from tests.models.prompted.networks import random_network

RATE_HZ = prompted.SAMPLE_RATE
GRID = prompted.Separator.grid_frames


@pytest.fixture(scope="module")
def separator():
    """With a network of true size and random weights."""
    built = prompted.Separator(prompted.Options())
    built.use(random_network(), "cpu")
    return built


def noise(seconds, channels=1, seed=0):
    rng = np.random.default_rng(seed)
    swell = 0.2 + np.sin(np.arange(round(seconds * RATE_HZ)) / RATE_HZ * 2) ** 2
    return (0.1 * rng.standard_normal((channels, swell.size)) * swell).astype(np.float32)


def separate(separator, samples):
    return separator.separate(Mix(np.ascontiguousarray(samples))).wanted


def agreement_db(found, expected):
    error = np.sum(np.square(found - expected, dtype=float))
    return 10 * np.log10(np.sum(np.square(expected, dtype=float)) / max(error, 1e-30))


def test_gains_of_all_bands_are_one_everywhere():
    spreading = bands.spreading().numpy()
    np.testing.assert_allclose(spreading.sum(0), 1, atol=1e-6)
    assert (spreading.sum(1) > 0.49).all()
    assert np.all(np.diff(bands.centres()) >= 1 - 1e-9) and bands.centres()[-1] == bands.BINS - 1


@pytest.mark.parametrize("factor", [1, 3])
def test_the_transform_gives_back_what_it_took(factor):
    samples = torch.from_numpy(noise(1.3, 2))
    X = bands.analyse(samples, factor)
    step, size = bands.HOP_FRAMES * factor, bands.FFT_FRAMES * factor
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    expected = np.fft.rfft(samples[0].numpy()[10 * step - size // 2 :][:size] * window)
    np.testing.assert_allclose(X[0, :, 10].numpy(), expected, atol=1e-4)
    np.testing.assert_allclose(bands.synthesise(X, samples.shape[1], factor), samples, atol=1e-5)


def test_windows_give_what_the_whole_gives(separator):
    separator.ask("dog bark")
    mix, context = noise(12), round(prompted.CONTEXT_S * RATE_HZ)
    whole = separate(separator, mix)
    start, stop = 5 * RATE_HZ, 7 * RATE_HZ
    first = (start - context) // GRID * GRID
    found = separate(separator, mix[:, first : stop + context])[:, start - first : stop - first]
    assert agreement_db(found, whole[:, start:stop]) > 60


def test_a_louder_recording_is_the_same(separator):
    separator.ask("rain")
    mix = noise(4)
    assert agreement_db(separate(separator, 100 * mix) / 100, separate(separator, mix)) > 60


def test_a_sound_stays_where_it_stands(separator):
    separator.ask("rain")
    mix = noise(4)
    alone = separate(separator, mix)
    found = separate(separator, np.concatenate([1.4 * mix, 0.6 * mix]))
    assert agreement_db(found, np.concatenate([1.4 * alone, 0.6 * alone])) > 60


def test_what_is_asked_for_matters_and_what_lies_above_follows(separator):
    mix = noise(3)
    answers = {}
    for prompt in ("dog bark", "rain"):
        separator.ask(prompt)
        answers[prompt] = separate(separator, mix)
    assert agreement_db(answers["dog bark"], answers["rain"]) < 60
    gains = np.abs(np.fft.rfft(answers["rain"])) ** 2 / np.abs(np.fft.rfft(mix)) ** 2
    hz = np.fft.rfftfreq(mix.shape[1], 1 / RATE_HZ)
    near, above = (gains[0, (hz > low) & (hz < high)].mean() for low, high in ((7950, 8000), (15000, 20000)))
    assert above == pytest.approx(near, rel=0.2)


def test_how_a_prompt_is_understood_is_said():
    built = prompted.Separator(prompted.Options())
    assert built.understood("a puppy barking").startswith("'a puppy barking' is understood as dog (0.")
    assert built.understood("bicycle bell rust").endswith("name the sound in other words")
