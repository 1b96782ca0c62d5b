"""Where nobody speaks, what is turned up stays as loud as in the source. Witness: levels laid out by hand."""

from itertools import pairwise

import numpy as np
import pytest

from sepkit.stages.hold_back import AROUND_S, GLIDE_S, HoldBack

RATE, STEP_S = 16_000, 0.032
LENGTH_S, SPEECH_S = 20.0, (8.0, 10.0)


def at(seconds: float) -> int:
    return round(seconds / STEP_S)


def laid(here_db: float, there_db: float, gain_db: float, speech_db: float = -30.0) -> HoldBack:
    """Speech from 8 to 10 s at one level in both; elsewhere the sound at `here_db`, its source at `there_db`."""
    steps = at(LENGTH_S)
    spoken = np.zeros(steps, np.bool_)
    spoken[at(SPEECH_S[0]) : at(SPEECH_S[1])] = True
    power, power_in_source = (np.full(steps, 10 ** (db / 10), np.float32) for db in (here_db, there_db))
    for each in (power, power_in_source):
        each[at(SPEECH_S[0]) : at(SPEECH_S[1])] = 10 ** (speech_db / 10)
    return HoldBack.of(spoken, power, power_in_source, gain_db, STEP_S)


def gain_db(held: HoldBack, start_s: float, stop_s: float) -> np.ndarray:
    """Read from a constant that went through, block by block."""
    ones = np.ones((2, round(LENGTH_S * RATE)), np.float32)
    cuts = [0, 30_001, 100_000, ones.shape[1]]
    out = np.concatenate([held.apply(ones[:, a:b], a, RATE) for a, b in pairwise(cuts)], axis=1)
    return 20 * np.log10(out[0, round(start_s * RATE) : round(stop_s * RATE)])


def test_far_from_speech_the_gain_is_the_sources_level_over_the_sounds():
    """Left of music at −40 dB, 18 dB below it: a gain of 30 dB would raise it 12 dB above; 18 are left."""
    held = laid(here_db=-40, there_db=-22, gain_db=30)
    for start_s, stop_s in ((0, 5), (13, 20)):
        np.testing.assert_allclose(30 + gain_db(held, start_s, stop_s), 18, atol=0.01)
    assert held.most_db == pytest.approx(12, abs=0.01)
    assert held.seconds == pytest.approx(LENGTH_S - (SPEECH_S[1] - SPEECH_S[0]) - 2 * AROUND_S, abs=0.2)


def test_speech_keeps_its_gain_and_the_glide_lies_outside():
    held = laid(here_db=-40, there_db=-22, gain_db=30)
    around_s = SPEECH_S[0] - AROUND_S + STEP_S, SPEECH_S[1] + AROUND_S - STEP_S
    assert not gain_db(held, *around_s).any()
    steps_db = np.diff(gain_db(held, 0, LENGTH_S))
    assert np.abs(steps_db).max() * RATE * GLIDE_S < 2 * 12  # no faster than twice the even glide
    assert gain_db(held, SPEECH_S[1] + AROUND_S + 2 * GLIDE_S, LENGTH_S).max() == pytest.approx(-12, abs=0.01)


@pytest.mark.parametrize(("here_db", "there_db", "gain"), [(-60, -20, 30), (-40, -40, -5), (-130, -130, 40)])
def test_what_stays_below_the_source_or_is_not_heard_is_left_alone(here_db, there_db, gain):
    held = laid(here_db, there_db, gain)
    assert held.seconds == 0 == held.most_db
    block = np.random.default_rng(0).standard_normal((2, 1000)).astype(np.float32)
    assert held.apply(block, 5000, RATE) is block


def test_the_room_in_a_pause_keeps_the_gain_of_the_speech():
    """30 dB below the speech, as loud as in the source: near speech it may stay, farther away it may not."""
    held = laid(here_db=-60, there_db=-60, gain_db=20)
    assert not gain_db(held, SPEECH_S[0] - 0.9, SPEECH_S[1] + 0.9).any()
    np.testing.assert_allclose(gain_db(held, 0, 5), -20, atol=0.01)


def test_without_speech_nothing_is_near():
    steps = np.zeros(200, np.bool_)
    held = HoldBack.of(steps, np.full(200, 1e-4, np.float32), np.full(200, 1e-4, np.float32), 10.0, STEP_S)
    np.testing.assert_allclose(held.decibels, -10, atol=0.01)
