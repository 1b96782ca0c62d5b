"""Intervals and paired differences against scipy's bootstrap on the same numbers, and against known distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import bootstrap

from sepkit.compare.statistics import LEAST_FILES, Interval, differences, interval, is_better


def of_scipy(values: list[float], seed: int = 0) -> tuple[float, ...]:
    """Scipy asked directly."""
    drawn = np.random.default_rng(seed)
    found = bootstrap((np.array(values),), np.mean, n_resamples=9999, method="BCa", random_state=drawn)
    return float(np.mean(values)), *map(float, found.confidence_interval)


@pytest.mark.parametrize("count", [2, 3, 20, 180])
def test_an_interval_is_scipys_on_the_same_numbers(count):
    values = np.random.default_rng(count).gamma(2, 3, count).tolist()
    found = interval(values)
    assert tuple(found) == pytest.approx(of_scipy(values), rel=1e-12)
    assert tuple(found) == pytest.approx(of_scipy(values, seed=1), abs=0.05 * (found.high - found.low))


def test_a_paired_difference_is_scipys_on_the_differences_of_the_files_both_have():
    rng = np.random.default_rng(5)
    base = {f"{index}": value for index, value in enumerate(rng.normal(0, 10, 25))}
    better = {name: value + rng.normal(1, 0.5) for name, value in reversed(base.items()) if name not in ("3", "7")}
    common = [name for name in better if name in base]
    expected = of_scipy([better[name] - base[name] for name in common])
    found = interval(differences({**better, "elsewhere": 99.0}, base))
    assert tuple(found) == pytest.approx(expected, rel=1e-12)
    assert found.high - found.low < 0.6  # the files differ by tens, the gains by halves
    assert is_better(better, base, higher=True) and not is_better(better, base, higher=False)
    assert is_better(base, better, higher=False) and not is_better(base, better, higher=True)


def test_intervals_are_those_of_the_normal_law():
    values = np.random.default_rng(3).normal(5, 2, 400)
    found = interval(values.tolist())
    half = 1.96 * values.std(ddof=1) / math.sqrt(values.size)
    assert tuple(found) == pytest.approx((values.mean(), values.mean() - half, values.mean() + half), abs=0.1 * half)
    assert interval([2.0, 2.0, 2.0]) == interval([2.0]) == Interval(2, 2, 2)
    assert tuple(interval([0.3, 0.1 + 0.2, 0.3])) == pytest.approx((0.3, 0.3, 0.3), rel=1e-12)
    assert interval([0.0, 0.0]) == Interval(0, 0, 0)


def test_nineteen_of_twenty_intervals_hold_the_true_mean():
    rng = np.random.default_rng(11)
    draws = rng.exponential(1.0, (200, 30))  # its mean is 1, its skew 2
    held = [found.low <= 1 <= found.high for found in map(interval, draws.tolist())]
    # Of 200 at 95 % three standard deviations are 4.6 points; of thirty skewed values BCa's own coverage is 92 to 93 %.
    assert 0.88 <= np.mean(held) <= 0.99


def test_few_files_decide_nothing_however_alike_they_are():
    base = {str(index): 0.0 for index in range(LEAST_FILES)}
    gains = {name: 1 + 0.01 * index for index, name in enumerate(base)}
    assert is_better(gains, base, higher=True)
    del gains["0"]
    assert not is_better(gains, base, higher=True)


def test_an_interval_is_written_with_real_minus_signs():
    assert Interval(-1.25, -2.04, 0.5).text(1) == "−1.2 [−2.0, 0.5]"
    assert Interval(0.123, -0.1, 0.5).text(2, "+") == "+0.12 [−0.10, +0.50]"
