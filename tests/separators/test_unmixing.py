"""The members for several microphones: against pyroomacoustics in a simulated room, and against known mixtures."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.bench.microphones import recorded, si_sdr, theirs, voices
from scripts.bench.readers import RATE
from sepkit.config import plugins
from sepkit.errors import SourceError
from sepkit.separators import _unmixing, ilrma
from sepkit.separators.base import BaseSeparator, Mix

MEMBERS = ("auxiva", "ilrma", "ica")
SECONDS = 8


def made(member: str, **options: object) -> BaseSeparator:
    module = plugins.load("separators", member)
    built = module.Separator(module.Options(**options))
    built.begin(RATE)
    return built


def readers(people: int = 2) -> np.ndarray:
    """(people, frames), all at once: noise in syllables, each with a colour of its own, and pauses.

    The pilot's readers will not do: their voices are synthetic and so even that pyroomacoustics leaves them mixed.
    """
    rng = np.random.default_rng(7)
    found = np.zeros((people, SECONDS * RATE), np.float32)
    for voice, syllable_s in zip(found, (0.15, 0.19, 0.23), strict=False):
        step = round(syllable_s * RATE)
        for start in range(0, voice.size - step, step):
            spectrum = np.fft.rfft(rng.standard_normal(step))
            hz = np.fft.rfftfreq(step, 1 / RATE)
            formant_hz = rng.uniform(300, 3000)
            colour = 1 / (1 + ((hz - formant_hz) / 400) ** 2) * (hz > 100) * rng.choice([0, 1], p=[0.3, 0.7])
            voice[start : start + step] = np.fft.irfft(spectrum * colour, step) * np.hanning(step)
    return 0.05 * found / found.std(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """What each of two readers is at each of two microphones, (2, 2, frames), at an RT60 of 0.15 s."""
    return recorded(readers(), 0.15)


@pytest.mark.parametrize(
    ("member", "options", "least_db"),
    [("auxiva", {"model": "laplace"}, 8), ("auxiva", {}, 10), ("ilrma", {}, 12)],
    ids=["auxiva-laplace", "auxiva-gauss", "ilrma"],
)
def test_voices_come_as_near_as_pyroomacoustics_brings_them(images, member, options, least_db):
    mix = images.sum(axis=0)
    ours = si_sdr(images[:, 0], voices(mix, member, options))
    assert ours > least_db
    assert ours > si_sdr(images[:, 0], theirs(member)(mix)) - 1


def test_a_room_is_more_than_the_classic_baseline_knows(images):
    mix = images.sum(axis=0)
    assert si_sdr(images[:, 0], voices(mix, "ica")) < 3


@pytest.mark.parametrize("member", ["auxiva", "ilrma"])
def test_where_one_microphone_is_silent_nothing_is_learned(images, member):
    mix = images.sum(axis=0)
    mix[1, -RATE // 2 :] = 0
    heard, absent = slice(0, -RATE), slice(-RATE // 4, None)
    found = voices(mix, member)
    assert si_sdr(images[:, 0, heard], found[:, heard]) > 10
    np.testing.assert_allclose(found[:, absent], np.stack([mix[0, absent] / 2] * 2), atol=1e-6)


def test_ica_unmixes_what_no_room_has_mixed():
    said = readers()
    mixing = np.array([[1.0, 0.5], [0.4, -0.9]], np.float32)
    built = made("ica")
    built.learn(mixing @ said, 0)
    found = built.separate(Mix(mixing @ said)).sources
    stems = np.stack([found[name] for name in built.sources])
    assert si_sdr(mixing[0][:, None] * said, stems[:, 0]) > 25
    assert si_sdr(mixing[1][:, None] * said, stems[:, 1]) > 25  # at either channel as loud as it is there


def test_three_voices_of_three_microphones_and_two_of_three():
    corners = ((2.75, 2.2, 1.4), (2.85, 2.2, 1.4), (2.8, 2.28, 1.4))
    two = recorded(readers(), 0.15, corners)
    mix = two.sum(axis=0)
    assert si_sdr(two[:, 0], voices(mix, "ilrma")) > 10
    built = made("auxiva", speakers=3)
    built.learn(mix, 0)
    assert set(built.separate(Mix(mix)).sources) == {"speaker_1", "speaker_2", "speaker_3"}


@pytest.mark.parametrize("member", MEMBERS)
def test_the_voices_sum_to_the_mix_and_the_same_seed_gives_the_same(images, member):
    mix = images.sum(axis=0)[:, : 3 * RATE]
    options = {} if member == "ica" else {"iterations": 5}
    first, again = (made(member, **options) for _ in range(2))
    for built in (first, again):
        built.learn(mix, 0)
    one, two = (built.separate(Mix(mix)) for built in (first, again))
    np.testing.assert_allclose(sum(one.sources.values()), mix, atol=1e-5)
    for name in first.sources:
        assert one.sources[name].shape == mix.shape
        np.testing.assert_array_equal(one.sources[name], two.sources[name])
    power = [np.square(one.sources[name]).sum() for name in first.sources]
    assert power == sorted(power, reverse=True)


@pytest.mark.parametrize("member", MEMBERS)
def test_one_observation_is_said_and_not_unmixed(member):
    (said, _) = readers()
    built = made(member)
    with pytest.raises(SourceError, match="has 1 channel: one observation cannot be unmixed"):
        built.learn(said[None], 0)
    rounded = np.round(said * 2**15) / 2**15
    for other in (said, -0.5 * said, 0 * said, rounded):
        with pytest.raises(SourceError, match=r"hold the same sound.*one observation cannot be unmixed into 2 voices"):
            built.learn(np.stack([said, other]).astype(np.float32), 0)
    with pytest.raises(SourceError, match="has 2 channels, and 3 voices need as many or more"):
        made(member, speakers=3).learn(readers(), 0)


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("frames", [1, 2, 300, 5000])
def test_the_shortest_and_the_most_silent_are_finite(member, frames):
    noise = np.random.default_rng(0).normal(0, 0.1, (2, frames)).astype(np.float32)
    half = noise * (np.arange(frames) > frames / 2)
    for samples in (noise, half, 0 * noise):
        built = made(member, **({} if member == "ica" else {"iterations": 20}))
        if frames == 1 and samples.any():
            continue  # of one frame, both channels hold the same
        built.learn(samples, 0)
        found = built.separate(Mix(samples))
        assert all(np.isfinite(each).all() for each in found.sources.values())
        np.testing.assert_allclose(found.wanted, samples, atol=1e-4)


def test_the_factors_never_grow_away_from_the_power():
    """By the Itakura-Saito divergence, as equation 3 of the paper has it."""
    rng = np.random.default_rng(0)
    power, T, V = (rng.uniform(0.1, 1, shape).astype(np.float32) for shape in ((30, 40), (30, 3), (3, 40)))

    def divergence() -> float:
        ratio = power / (T @ V)
        return float((ratio - np.log(ratio) - 1).sum())

    before = divergence()
    for _ in range(20):
        T, V = ilrma.factors(power, T, V)
        after = divergence()
        assert after <= before * (1 + 1e-6)
        before = after


def test_a_step_solves_the_equations_of_iterative_projection():
    """Ono 2011, eq. 12 and 13: wᴴ·V·w = 1 for the row itself, and 0 for every other."""
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(5, 3, 200)) + 1j * rng.normal(size=(5, 3, 200))).astype(np.complex64)
    W = rng.normal(size=(5, 3, 3)) + 1j * rng.normal(size=(5, 3, 3))
    weights = rng.uniform(0.5, 2, (1, 200)).astype(np.float32)
    _unmixing.update(W, X, 1, weights)
    V = np.einsum("fct,fdt,t->fcd", X, X.conj(), weights[0]) / 200
    products = np.einsum("fkc,fcd,fd->fk", W, V, W[:, 1].conj())
    np.testing.assert_allclose(products, np.tile([0, 1, 0], (5, 1)), atol=1e-4)


def test_the_room_has_the_echo_that_was_asked_for():
    """By Schroeder's backward integral of what an impulse becomes at a microphone."""
    impulse = np.zeros((2, RATE), np.float32)
    impulse[:, 0] = 1
    tail = np.cumsum(np.square(recorded(impulse, 0.3)[0, 0])[::-1])[::-1]
    level_db = 10 * np.log10(tail / tail[0] + 1e-12)
    rt60_s = 3 * (np.argmax(level_db < -25) - np.argmax(level_db < -5)) / RATE
    assert 0.2 < rt60_s < 0.4
