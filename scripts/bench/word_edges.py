"""Whether words keep their beginnings and ends: the first and last 50 ms of what is said between pauses.

A beginning is where the true speech, after 120 ms of pause, rises to stay; an end mirrors it. Only those count in which
the speech is louder than its background, for what is drowned nobody misses. Of each, the part of the true speech that
the estimate holds is the projection g = ⟨ŝ, s⟩ / ⟨s, s⟩ over the 50 ms, in dB: 0 is all of it, −20 a tenth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.samples import Samples

EDGE_S = 0.05
STEP_S = 0.005
PAUSE_S = 0.12
STAYS_S = 0.05
STAYS_PART = 0.8
"""Part of the steps after a beginning that must be speech: a click is no word."""
BELOW_LOUDEST_DB, ABOVE_FLOOR_DB = 45.0, 10.0
"""Speech is what is nearer to its loud steps than this, and further from the recording's own noise than that."""
LEAST_DB = -40.0
"""What is gone counts as this much: a mean must stay finite."""


def edges(speech: Samples, sample_rate: int) -> tuple[list[int], list[int]]:
    """Where the first, and where the last `EDGE_S` of words begin, in frames. speech: (1, frames), the true one."""
    step, pause, stays = round(STEP_S * sample_rate), round(PAUSE_S / STEP_S), round(STAYS_S / STEP_S)
    steps = speech[0, : speech.shape[1] // step * step].reshape(-1, step)
    level_db = 10 * np.log10(np.mean(np.square(steps, dtype=np.float64), axis=1) + 1e-12)
    floor_db, loudest_db = np.percentile(level_db, [5, 95])
    spoken = level_db > max(floor_db + ABOVE_FLOOR_DB, loudest_db - BELOW_LOUDEST_DB)
    last = speech.shape[1] // step - stays
    forward = [at for at in _rises(spoken, pause, stays) if at <= last]
    backward = [len(spoken) - at for at in _rises(spoken[::-1], pause, stays)]
    long = round(EDGE_S / STEP_S)
    return [at * step for at in forward], [(at - long) * step for at in sorted(backward) if at >= long]


def kept_db(speech: Samples, background: Samples, estimate: Samples, at: list[int], sample_rate: int) -> list[float]:
    """g of each edge that begins in `at` and is louder than its background. All (1, frames)."""
    frames, found = round(EDGE_S * sample_rate), []
    for start in at:
        s, b, e = (each[0, start : start + frames].astype(np.float64) for each in (speech, background, estimate))
        if s @ s > b @ b:
            found.append(max(20 * np.log10(max(float(e @ s / (s @ s)), 1e-9)), LEAST_DB))
    return found


def _rises(spoken: NDArray[np.bool_], pause: int, stays: int) -> list[int]:
    """Steps at which speech begins after a pause and stays."""
    return [
        at
        for at in range(pause, len(spoken))
        if spoken[at] and not spoken[at - pause : at].any() and spoken[at : at + stays].mean() >= STAYS_PART
    ]
