"""What many files say together: means, their intervals, and differences paired file by file.

An interval is the bias-corrected and accelerated bootstrap of the mean over files. Differences are paired, so that what
all methods find hard or easy in a file does not widen their intervals.

Source: Efron, "Better bootstrap confidence intervals", JASA 82, 1987, as in scipy.stats.bootstrap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

RESAMPLES = 9999
CONFIDENCE = 0.95
ROUNDING = 1e-12
"""Part of a value by which equal figures may differ; of such, scipy's bootstrap has no acceleration."""
LEAST_FILES = 6
"""So many must agree before one method is called better: of fewer, not even all would be significant in a sign test,
2·2⁻ⁿ > 1 − CONFIDENCE, and the bootstrap of so few is too narrow."""


class Interval(NamedTuple):
    """A mean and the ends of its interval."""

    mean: float
    low: float
    high: float

    def text(self, decimals: int, sign: str = "") -> str:
        """As "5.9 [5.1, 6.7]"; sign "+" writes the plus too."""
        mean, low, high = (f"{value + 0.0:{sign}.{decimals}f}" for value in self)
        return f"{mean} [{low}, {high}]".replace("-", "−")


def interval(values: Sequence[float]) -> Interval:
    """The mean with its bootstrapped 95 % interval; always the same for the same values."""
    return _interval(tuple(values))


@lru_cache(maxsize=4096)
def _interval(values: tuple[float, ...]) -> Interval:
    from scipy.stats import bootstrap

    mean = float(np.mean(values))
    if len(values) < 2 or np.ptp(values) <= ROUNDING * max(map(abs, values)):
        return Interval(mean, mean, mean)
    seeded = np.random.default_rng(0)
    found = bootstrap((values,), np.mean, n_resamples=RESAMPLES, confidence_level=CONFIDENCE, random_state=seeded)
    return Interval(mean, float(found.confidence_interval.low), float(found.confidence_interval.high))


def differences(values: Mapping[str, float], base: Mapping[str, float]) -> list[float]:
    """Values less those of `base`, of the files that both have."""
    return [value - base[name] for name, value in values.items() if name in base]


def is_better(values: Mapping[str, float], other: Mapping[str, float], higher: bool) -> bool:
    """Whether the paired difference's interval lies on the better side of 0 altogether, of files enough to say so."""
    gains = differences(values, other)
    if len(gains) < LEAST_FILES:
        return False
    found = interval(gains)
    return found.low > 0 if higher else found.high < 0
