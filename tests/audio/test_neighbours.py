"""Neighbours: scipy's filters over a window as witness."""

import numpy as np
import pytest
from scipy import ndimage

from sepkit.audio.neighbours import neighbours


@pytest.mark.parametrize("steps", [1, 2, 5, 100])
@pytest.mark.parametrize("count", [1, 2, 15, 16, 31])
def test_mean_minimum_and_any_are_those_of_scipy(steps, count):
    values = np.random.default_rng(steps).standard_normal(steps)
    found = neighbours(values, count)
    np.testing.assert_allclose(found.mean(axis=1), ndimage.uniform_filter1d(values, count), atol=1e-12)
    np.testing.assert_array_equal(found.min(axis=1), ndimage.minimum_filter1d(values, count))
    wide = ndimage.binary_dilation(values > 1, iterations=count)
    np.testing.assert_array_equal(neighbours(values > 1, 2 * count + 1).any(axis=1), wide)


def test_nothing_has_no_neighbours():
    assert neighbours(np.zeros(0, np.float32), 15).shape == (0, 15)
