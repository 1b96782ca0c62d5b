"""Values beside their neighbours: means, minima and the like over a few steps, for what is measured step by step.

Place: below voice activity and what follows from it. A view, in which numpy's own mean, min and any work.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", bound=np.generic)


def neighbours(values: NDArray[Value], count: int) -> NDArray[Value]:
    """Each of (steps,) in the middle of `count` of them: (steps, count), read only; both ends are mirrored.

    Of an even count, one more lies before it than after.
    """
    if not values.size:
        return np.empty((0, count), values.dtype)
    padded = np.pad(values, (count // 2, (count - 1) // 2), mode="symmetric")
    found: NDArray[Value] = np.lib.stride_tricks.sliding_window_view(padded, count)
    return found
