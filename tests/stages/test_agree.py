"""Which voice is which: against sums written out, and signals whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from sepkit.stages.agree import agreement, envelope_order, pairs


def test_agreement_is_that_of_sines_and_falls_with_the_level_of_a_copy():
    time = 2 * np.pi * np.arange(1000) / 1000
    one, other = (np.sin(10 * time)[None], np.cos(10 * time)[None])
    assert agreement(one, one) == pytest.approx(1)
    assert agreement(one, -one) == pytest.approx(-1)
    assert agreement(one, other) == pytest.approx(0, abs=1e-12)
    assert agreement(one, 0.1 * one) == pytest.approx(0.1)  # ⟨a, a/10⟩ / ‖a‖²
    assert agreement(one, 0 * one) == 0 == agreement(0 * one, 0 * one)


def test_pairs_are_the_best_as_a_whole_and_none_is_below_the_least():
    alike = np.array([[0.9, 0.8], [0.85, 0.1]])  # the best single pair, 0.9, would leave 0.1
    assert sorted(pairs(alike, 0.5)) == [(0, 1), (1, 0)]
    assert pairs(np.array([[0.9, 0.0], [0.0, 0.2]]), 0.5) == [(0, 0)]
    assert pairs(np.zeros((0, 2)), 0.5) == []


def test_voices_of_another_pair_of_channels_are_found_by_their_loudness():
    generator = np.random.default_rng(0)
    loud = np.repeat(generator.uniform(size=(3, 1, 20)), 1024, axis=2)
    one, other = (loud * generator.standard_normal((3, 2, 20 * 1024)) for _ in range(2))
    assert envelope_order(one, other[[2, 0, 1]]) == [1, 2, 0]
