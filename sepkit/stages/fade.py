"""Fade: how much of an edit is heard at each frame. 1 inside its windows, 0 outside, a raised cosine between the two.

Place in the flow: between what an edit makes of a window and the source around it, out = x + envelope · (edited − x).

At d frames from the nearer edge of a window, 0 at its first and at its last frame, a fade of F frames is

    w(d) = ½ − ½ cos(π · min(d, F) / F)

so that w is exactly 0 at the edges and exactly 1 from F on. It lies wholly inside the window: with w = 0 at the edges,
the first frames that differ from the source are those beside them. A window of L frames holds two fades of at most
(L − 1) // 2, which leaves a middle of one or two frames at 1.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def envelope(windows_frames: Sequence[tuple[int, int]], fade_frames: int, start: int, stop: int) -> NDArray[np.float32]:
    """The frames `start` … `stop` of the envelope, (stop − start,), whatever the blocks it is asked for in.

    windows_frames: (start, stop) of each, in order and apart. With `fade_frames` of 0 it jumps; else a window of one or
    two frames, which no fade fits into, stays 0.
    """
    found = np.zeros(stop - start, dtype=np.float32)
    index = max(bisect_right(windows_frames, (start, start)) - 1, 0)
    for first, last in windows_frames[index:]:
        if first >= stop:
            break
        here = np.arange(max(first, start), min(last, stop))
        if here.size:
            found[here[0] - start : here[-1] + 1 - start] = _window(here, first, last, fade_frames)
    return found


def _window(at: NDArray[np.int64], first: int, last: int, fade_frames: int) -> NDArray[np.float32]:
    """The envelope of the window `first` … `last` at the frames `at`, all within it."""
    if fade_frames == 0:
        return np.ones(at.size, dtype=np.float32)
    fitting_frames = min(fade_frames, (last - first - 1) // 2)
    if fitting_frames == 0:
        return np.zeros(at.size, dtype=np.float32)
    from_edge = np.minimum(np.minimum(at - first, last - 1 - at), fitting_frames)
    return (0.5 - 0.5 * np.cos(np.pi * from_edge / fitting_frames)).astype(np.float32)
