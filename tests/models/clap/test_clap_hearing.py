"""CLAP second by second on random weights: each step against the vectors of what lies around it, cut out by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sepkit.audio.read import audio_source
from sepkit.audio.samples import Audio
from sepkit.models.clap import Clap, hearing
from sepkit.models.events import detect
from tests.models.clap import clap_weights

RATE = 8_000
WORDS = "a cat meows", "dog bark"
SECONDS = 12.3  # two windows, and a last step that is no whole one


@pytest.fixture(scope="module")
def clap(clap_files, tmp_path_factory) -> Clap:
    weights, tokenizer = clap_files
    path = clap_weights.write(tmp_path_factory.mktemp("turned") / "laion.pt", turned=True)
    return Clap(replace(weights, path=path), tokenizer)


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """Stereo, with noise that changes from second to second and a silent second."""
    level = np.random.default_rng(1).uniform(0.001, 0.3, 13).repeat(RATE)[: round(SECONDS * RATE)]
    level[5 * RATE : 6 * RATE] = 0
    return (level * np.random.default_rng(2).standard_normal((2, level.size))).astype(np.float32)


@pytest.fixture(scope="module")
def cosines(clap, samples) -> np.ndarray:
    """(13, 2), in float64: the frames of each step by hand."""
    found = np.zeros((13, 2))
    for step in (each for each in range(13) if each != 5):
        around = samples[:, max(0, step * RATE - 4000) : (step + 1) * RATE + 4000]
        sound = clap.of_sound(around.mean(0, keepdims=True), RATE).astype(np.float64)
        for place, words in enumerate(WORDS):
            found[step, place] = sound @ clap.of_words(words) / np.linalg.norm(sound)
    return found


def heard(clap, source, span):
    found = list(hearing.listener(clap, WORDS).hear(source, span))
    assert all(after.first == before.first + len(before.likely) for before, after in pairwise(found))
    return found[0].first, np.concatenate([each.likely for each in found])


def test_a_step_is_the_cosine_of_the_words_and_what_is_around_it(clap, samples, cosines):
    first, likely = heard(clap, audio_source(Audio(samples, RATE)), (0, samples.shape[1]))
    assert first == 0 and np.abs(likely - cosines).max() < 1e-5
    assert np.ptp(cosines[:5, 0]) > 1e-3  # it does listen
    assert not likely[5].any()  # silence


def test_a_part_is_heard_as_in_the_whole(clap, samples, cosines):
    source = audio_source(Audio(samples, RATE))
    for start_s, stop_s, steps in ((2.9, 4.1, (2, 5)), (9, 12.3, (9, 13)), (12.2, 12.3, (12, 13))):
        first, likely = heard(clap, source, (round(start_s * RATE), round(stop_s * RATE)))
        assert (first, first + len(likely)) == steps
        assert np.abs(likely - cosines[slice(*steps)]).max() < 1e-5


def test_events_last_while_the_cosine_is_half_of_what_it_needs_and_reach_it(clap, samples, cosines):
    """Of the second words alone, with what they need half-way between the largest cosines before and after the silent
    second, and just below the smaller of them.
    """
    listener, source = hearing.listener(clap, WORDS), audio_source(Audio(samples, RATE))
    before, after = (max(cosines[part, 1]) for part in (slice(0, 5), slice(6, 13)))
    assert min(cosines[[*range(5), *range(6, 13)], 1]) > max(before, after) / 2  # so silence alone ends an event
    events = [("dog bark", 0, 5, before), ("dog bark", 6, SECONDS, after)]
    for least, expected in (
        ((before + after) / 2, [event for event in events if event[3] == max(before, after)]),
        (min(before, after) - 1e-4, events),
    ):
        found = detect(listener, source, least, ["dog bark"], [(0, samples.shape[1])])
        assert [each.sound for each in found] == ["dog bark"] * len(expected)
        for each, wanted in zip(found, expected, strict=True):
            assert each[1:] == pytest.approx(wanted[1:], abs=1e-5)


def test_a_tenth_of_a_second(clap):
    short = clap_weights.sound(0.1)[None]
    first, likely = heard(clap, audio_source(Audio(short, 48_000)), (0, short.shape[1]))
    expected = [clap.of_words(words) @ clap.of_sound(short, 48_000) for words in WORDS]
    assert first == 0 and likely == pytest.approx(np.array([expected]), abs=1e-6)
