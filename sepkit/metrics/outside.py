"""What an edit changed outside its windows: the number of samples that differ from the mix, and the L2 of it.

    L2 = √( Σ (y − x)² ), full scale 1, over all channels and frames outside the windows; fades lie inside

Both must be 0: outside, an edit leaves every sample as it is. Samples are compared as float32, which tells apart those
of up to 24 bits; the bytes of wider files, and of whole files, are the tests' to compare.
Source: ours, the promise of `task: edit`.
"""

from __future__ import annotations

import math

import numpy as np

from sepkit import config
from sepkit.metrics.base import BaseMetric, Pair, Score, energy, measured, not_measured


class Options(config.Options):
    """Nothing to choose."""


class Metric(BaseMetric):
    """The samples that differ, and by how much together."""

    about = "Outside the windows: how many samples an edit changed, and by how much. Both are 0 where it kept to them."

    def rows(self) -> tuple[Score, ...]:
        """The count, then the L2."""
        return (
            Score("outside", "Changed outside the windows", "samples", "lower"),
            Score("outside_l2", "L2 of the change outside", "", "lower"),
        )

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Of the clean file; the mix itself has none."""
        count, l2 = self.rows()
        why = _why_not(pair)
        if why or pair.edited is None:
            return not_measured(count, why), not_measured(l2, why)
        change = pair.clean.samples.astype(np.float64) - pair.mix.samples
        for start, stop in pair.edited.windows:
            change[:, start:stop] = 0
        return measured(count, None, int(np.count_nonzero(change))), measured(l2, None, math.sqrt(energy(change)))


def _why_not(pair: Pair) -> str:
    """Why nothing can be said; empty where it can."""
    if pair.edited is None:
        return "no windows are known (evaluate takes them: --window, --labels)"
    frames = sum(stop - start for start, stop in pair.edited.windows)
    return "nothing lies outside the windows" if frames >= pair.mix.frames else ""
