"""Which pairs of channels hold a party each: calls built of two readers, and rooms simulated by pyroomacoustics."""

import numpy as np
import pytest

from scripts.bench.microphones import recorded
from sepkit.audio.read import open_source
from sepkit.audio.samples import Audio
from sepkit.render.parties import apart
from tests.audio.test_recorders import PLACES_M
from tests.speakers.conversation import RATE, truth

TURNS = [(0, 0.5, 4), (1, 5, 6), (0, 10.5, 6), (1, 17, 3)]


def is_apart(left, right):
    with open_source(Audio(np.stack([left, right]).astype(np.float32), RATE)) as source:
        return apart(source)


@pytest.mark.parametrize("level", [1.0, 0.1])
@pytest.mark.parametrize("leak_db", [-26.0, -40.0])
def test_a_call_that_leaks_is_one(leak_db, level):
    """One party may be 20 dB below the other, whose leak is then nearly as loud as it is."""
    one, other = truth(TURNS, 24)
    leak = 10 ** (leak_db / 20)
    assert is_apart(one + leak * level * other, level * other + leak * one)


def test_voices_that_both_channels_have_are_none():
    one, other = truth(TURNS, 24)
    assert not is_apart(one + 0.2 * other, other + 0.2 * one)
    for microphones in (None, PLACES_M):
        assert not is_apart(*recorded(truth(TURNS, 24), 0.15, microphones).sum(axis=0))


def test_a_third_voice_in_the_middle_of_two_at_the_sides_is_none():
    left, right, middle = truth([*TURNS, (2, 20, 10)], 30, people=3)
    assert is_apart(left, right)
    assert not is_apart(left + middle, right + middle)
