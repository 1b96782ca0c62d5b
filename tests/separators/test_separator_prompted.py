"""The member prompted: its bands and transform against numpy, windows, level, channels, the band above, and fold 5."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors.torch import save

from sepkit.errors import PromptError, WeightsError
from sepkit.models.prompted import bands
from sepkit.models.prompted.network import PromptedNet, Shape
from sepkit.models.prompts import SOUNDS
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
    assert "is understood as glass breaking (" in built.understood("a shattering window")  # the class that detect says
    assert built.understood("bicycle bell rust").endswith("name the sound in other words")


def test_asked_nothing_it_answers_what_a_network_that_is_told_nothing_does(separator):
    baseline = prompted.Separator(prompted.Options(asks="nothing"))
    baseline.use(separator._network, "cpu")
    mix, answers = noise(2), []
    for prompt in ("dog bark", "rain"):
        baseline.ask(prompt)
        answers.append(separate(baseline, mix))
    np.testing.assert_array_equal(*answers)
    with torch.inference_mode():
        X = bands.analyse(torch.from_numpy(mix), prompted.FACTOR)
        gains = separator._network.gains(*separator._network.found(X[:, : bands.BINS]), torch.zeros(1, len(SOUNDS)))
    low = bands.synthesise(
        torch.cat([X[:, : bands.BINS] * gains, 0 * X[:, bands.BINS :]], 1), mix.shape[1], prompted.FACTOR
    )
    spectra = [np.fft.rfft(each)[:, : mix.shape[1] // 8] for each in (answers[0], low.numpy())]  # up to 6 kHz
    assert agreement_db(np.abs(spectra[0]), np.abs(spectra[1])) > 40


def test_weights_of_ones_own_are_read_checked_and_know_their_sounds(tmp_path):
    torch.manual_seed(0)
    network = PromptedNet(Shape(("dog", "cat"), (4, 4, 4, 4), (1,)))
    path, sizes = tmp_path / "own.safetensors", json.dumps(asdict(network.shape))
    path.write_bytes(save({name: each.contiguous() for name, each in network.state_dict().items()}, {"shape": sizes}))
    built = prompted.Separator(prompted.Options(weights=str(path)))
    built.load("cpu")
    built.ask("a puppy barking")
    mine = prompted.Separator(prompted.Options())
    mine.use(network, "cpu")
    mine.ask("dog")
    np.testing.assert_array_equal(separate(built, noise(1)), separate(mine, noise(1)))
    with pytest.raises(
        PromptError, match=r"as rain, which these weights do not know; name one of their 2 sounds \(dog, cat"
    ):
        built.ask("heavy rain")
    other = PromptedNet(Shape(("dog", "cat"), (4, 4, 4, 8), (1,))).state_dict()
    path.write_bytes(save({name: each.contiguous() for name, each in other.items()}, {"shape": sizes}))
    with pytest.raises(WeightsError, match=r"own\.safetensors is not as its sizes say"):
        built.load("cpu")
    negative = sizes.replace("[4, 4, 4, 4]", "[4, 4, 4, -4]")
    for wrong, why in (("[1]", "cannot be read"), (negative, "has sizes of which no network can be made")):
        path.write_bytes(save({"a": torch.zeros(1)}, {"shape": wrong}))
        with pytest.raises(WeightsError, match=rf"own\.safetensors .*{why}"):
            built.load("cpu")
    path.unlink()
    with pytest.raises(WeightsError, match=r"own\.safetensors .* is not in"):
        built.load("cpu")
