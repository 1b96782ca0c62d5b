"""How far what was found lies from what was expected, in dB of the latter."""

from __future__ import annotations

import numpy as np


def difference_db(found: np.ndarray, expected: np.ndarray) -> float:
    """Of two arrays of one shape; at least about −300."""
    error = np.sum((found - expected.astype(float)) ** 2)
    return float(10 * np.log10((error + 1e-30) / np.sum(expected.astype(float) ** 2)))
