"""Limiter: keeps the true peak under a ceiling by turning down around each peak, and touches nothing else.

Place in the flow: on the levelled speech, before the encoder.

For each row of frames the reduction that its true peak needs is held from one look-ahead before to a row
after, falls back exponentially (release) and is smoothed by a moving average as long as the look-ahead. The
average of what was held all that time is no smaller than what the peak needs, so the gain glides down and
arrives in time. All channels share it, so that the stereo image stays.

Source: the usual look-ahead limiter, e.g. P. Hämäläinen, "Smoothing of the control signal without clipped
output in digital peak limiters", DAFx-02; its detector is `true_peak`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.samples import Samples
from sepkit.stages.true_peak import REACH_FRAMES, ROW_FRAMES, row_peaks

CHUNK_ROWS = 512
LEAST_GAIN = 1e-10
"""What is limited to less than this, −200 dB, counts as that: 1 − reduction rounds to 0 there."""
CHUNK_FRAMES = CHUNK_ROWS * ROW_FRAMES
"""Processed at a time, counted from the stream's start: the result does not depend on how it is cut."""

BEFORE_FRAMES = 2 * ROW_FRAMES
"""Kept before a chunk: the row whose peak is still held, and the row that its interpolation reaches into."""

FADED = 2.0**-15
"""A reduction smaller than half a 16-bit step is over; without it the exponential would never let go."""

MARGIN = 10 ** (-0.05 / 20)
"""A peak over the ceiling is brought 0.05 dB under it: the detector may miss as much near half the rate."""


HEARD = 1 - 10 ** (-0.1 / 20)
"""A reduction of 0.1 dB; less is not counted as work."""


class Work(NamedTuple):
    """What a limiter did: the most it turned down, when that was, and for how long it turned down at all."""

    most_db: float = 0.0
    most_at_s: float = 0.0
    seconds: float = 0.0


class Limiter:
    """A stream's limiter. lookahead_ms: time to glide down. release_ms: time constant of the way back."""

    def __init__(
        self, sample_rate: int, channels: int, ceiling_dbtp: float, lookahead_ms: float, release_ms: float
    ) -> None:
        self._sample_rate = sample_rate
        self._ceiling = 10 ** (ceiling_dbtp / 20)
        self._ramp_frames = max(1, round(lookahead_ms / 1000 * sample_rate))
        self._decay = math.exp(-ROW_FRAMES / (release_ms / 1000 * sample_rate))
        # A peak is made of the REACH_FRAMES to either side of it: the gain must arrive that much sooner.
        self._ahead_rows = math.ceil((self._ramp_frames - 1 + REACH_FRAMES) / ROW_FRAMES)
        self._reduction = 0.0
        self._done_frames = 0
        self.work = Work()
        self._history: NDArray[np.float64] | None = None
        self._waiting: Samples = np.zeros((channels, BEFORE_FRAMES), np.float32)

    def process(self, block: Samples, last: bool = False) -> Samples:
        """Take the next (channels, frames), give what is ready. With `last`, as many came out as went in."""
        self._waiting = np.concatenate([self._waiting, block], axis=1)
        return np.concatenate([np.empty((len(block), 0), np.float32), *self._ready_chunks(last)], axis=1)

    def _ready_chunks(self, last: bool) -> Iterator[Samples]:
        """Limited chunks, as far as the look-ahead allows; what has been given is dropped from the front."""
        needed = BEFORE_FRAMES + CHUNK_FRAMES + (self._ahead_rows + 1) * ROW_FRAMES
        first = 0
        while self._waiting.shape[1] - first >= needed:
            yield self._limit(self._waiting[:, first : first + needed], CHUNK_FRAMES)
            first += CHUNK_FRAMES
        while last and (missing := self._waiting.shape[1] - first - BEFORE_FRAMES) > 0:
            end = self._waiting[:, first : first + needed]
            padded = np.pad(end, ((0, 0), (0, needed - end.shape[1])))
            yield self._limit(padded, min(missing, CHUNK_FRAMES))
            first += CHUNK_FRAMES
        self._waiting = self._waiting[:, first:].copy()

    def _limit(self, stretch: Samples, frames: int) -> Samples:
        """The first `frames` of a chunk, from a stretch with `BEFORE_FRAMES` before it and the look-ahead after."""
        samples = stretch[:, BEFORE_FRAMES : BEFORE_FRAMES + frames]
        begin, self._done_frames = self._done_frames, self._done_frames + frames
        peaks = row_peaks(stretch, self._ceiling)
        aim = self._ceiling * MARGIN
        wanted = np.where(peaks > self._ceiling, 1 - aim / np.maximum(peaks, aim), 0.0)
        held = np.lib.stride_tricks.sliding_window_view(wanted, self._ahead_rows + 2).max(axis=1)
        released = self._release(held)
        if self._history is None:  # what the first frames need was there before them
            self._history = np.full(self._ramp_frames - 1, released[0])
        if not released.any() and not self._history.any():
            return samples
        reduction = np.concatenate([self._history, np.repeat(released, ROW_FRAMES)])
        self._history = reduction[CHUNK_FRAMES:]
        sums = np.concatenate([[0.0], np.cumsum(reduction)])
        smoothed = ((sums[self._ramp_frames :] - sums[: -self._ramp_frames]) / self._ramp_frames)[:frames]
        self._count(smoothed, begin)
        limited: Samples = samples * (1 - smoothed).astype(np.float32)
        return limited

    def _count(self, reduction: NDArray[np.float64], begin: int) -> None:
        """Add a chunk's reduction (frames,) to the record. begin: its first frame."""
        most_db, most_at_s, seconds = self.work
        place = int(reduction.argmax())
        if (deepest_db := -20 * math.log10(max(1 - float(reduction[place]), LEAST_GAIN))) > most_db:
            most_db, most_at_s = deepest_db, (begin + place) / self._sample_rate
        seconds += np.count_nonzero(reduction >= HEARD) / self._sample_rate
        self.work = Work(most_db, most_at_s, seconds)

    def _release(self, held: NDArray[np.float64]) -> NDArray[np.float64]:
        """Let each row's reduction fall back no faster than the release allows."""

        def follow(reduction: float, wanted: float) -> float:
            falling = reduction * self._decay
            return max(wanted, falling if falling > FADED else 0.0)

        rows = list(accumulate(held.tolist(), follow, initial=self._reduction))[1:]
        self._reduction = rows[-1]
        return np.array(rows)
