"""What metrics of an edit share: the stretches inside its windows, joined, and a ratio there with what it gained.

The fades are left out, for there the edit is heard in part. A target is silent where its mean square inside the windows
is not above `SILENT_POWER`: of it no ratio is measured, and the row says so. A target that is silent for a part of the
windows counts as it is: what is left there of the other sounds is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sepkit.audio.samples import Audio
from sepkit.metrics.base import REFERENCE_NAMES, Pair, Score, energy, measured, not_measured

SILENT_POWER = 1e-10
"""−100 dB of full scale, at which AudioSep clips."""

Ratio = Callable[[Audio, Audio], float]
"""Of (reference, estimate), in dB."""


def ratio_and_gain(rows: tuple[Score, Score], pair: Pair, ratio_db: Ratio) -> tuple[Score, Score]:
    """The rows filled: the ratio on the mix and on the clean file, and the second less the first."""
    if pair.edited is None:
        return _not_measured(rows, "no windows are known (evaluate takes them: --window, --labels)")
    if pair.reference is None:
        return _not_measured(rows, "no reference is known (evaluate takes one: --reference)")
    if not pair.edited.inside:
        return _not_measured(rows, "no window lies in the file")
    reference, mix, clean = (joined(audio, pair) for audio in (pair.reference, pair.mix, pair.clean))
    if mean_square(reference) <= SILENT_POWER:
        return _not_measured(rows, "the reference is silent inside the windows")
    before, after = ratio_db(reference, mix), ratio_db(reference, clean)
    note = f"against {REFERENCE_NAMES[pair.reference_kind]}, inside the windows"
    ratio, gain = (replace(row, basis=pair.reference_kind) for row in rows)
    return measured(ratio, before, after, note), measured(gain, None, after - before, note)


def mean_square(audio: Audio) -> float:
    """Over channels and frames."""
    return energy(audio.samples) / audio.samples.size


def joined(audio: Audio, pair: Pair) -> Audio:
    """What lies inside the windows of an edit, at least one of which lies in the file."""
    assert pair.edited is not None
    stretches = [audio.samples[:, start:stop] for start, stop in pair.edited.inside]
    return Audio(np.concatenate(stretches, axis=1), audio.sample_rate)


def _not_measured(rows: tuple[Score, Score], why: str) -> tuple[Score, Score]:
    ratio, gain = rows
    return not_measured(ratio, why), not_measured(gain, why)
