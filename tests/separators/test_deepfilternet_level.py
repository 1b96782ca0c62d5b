"""The level that the network hears: what is near the source's is left, what is far is brought near, and only that."""

import numpy as np
import pytest

from sepkit.separators.deepfilternet import level


def gains_db(levels_db, at_s):
    levels = 10 ** (np.asarray(levels_db, float) / 20)
    std = np.sqrt(np.mean(levels**2))
    return 20 * np.log10(level.further(levels, std, np.asarray(at_s, float)))


def test_what_lies_near_the_source_s_level_is_left():
    swell = -30 + 5 * np.sin(np.arange(60))
    np.testing.assert_array_equal(gains_db(swell, np.arange(0, 60, 0.01)), 0)


@pytest.mark.parametrize("less_db", [20, 30, 40])
def test_a_quiet_part_is_brought_near_the_loud_one(less_db):
    found = gains_db([-20] * 30 + [-20 - less_db] * 30, np.arange(60) + 0.5)
    whole_db = 10 * np.log10((1 + 10 ** (-less_db / 10)) / 2) - 20
    np.testing.assert_allclose(found[:30], 0, atol=1e-6)
    np.testing.assert_allclose(found[30:], whole_db - 6 - (-20 - less_db), atol=1e-4)


def test_a_bang_changes_its_own_second_alone():
    found = gains_db([-50] * 20 + [-10] + [-50] * 20, np.arange(41) + 0.5)
    whole_db = 10 * np.log10((40 * 10**-5 + 10**-1) / 41)
    np.testing.assert_allclose(np.delete(found, 20), whole_db + 50 - 6, atol=1e-4)
    assert found[20] < 0


def test_silence_is_raised_no_further_than_there_is_sense_in():
    found = gains_db([-20] * 20 + [-300] * 20, [39.0])
    assert found == pytest.approx(level.MOST_DB, abs=1e-4)


def test_between_seconds_it_goes_straight_in_db():
    track = gains_db([-20] * 30 + [-60] * 30, np.linspace(29.5, 30.5, 11))
    np.testing.assert_allclose(np.diff(track), (track[-1] - track[0]) / 10, atol=1e-4)


def test_where_no_levels_are_known_nothing_changes():
    np.testing.assert_array_equal(level.further(np.zeros(0), 0.1, np.arange(5.0)), 1)
