"""The arithmetic of `scripts.bench.ensemble`: agreement by its definition, medians of ratios on a clock of our own."""

from __future__ import annotations

import numpy as np
import pytest
from demucs import apply

from scripts.bench import ensemble
from sepkit.separators.demucs import separator as demucs


def test_agreement_is_signal_over_difference():
    expected = ensemble.song(0.1)
    assert ensemble.agreement_db(expected * np.float32(1.01), expected) == pytest.approx(40, abs=0.01)


def test_ratios_are_taken_in_pairs_and_their_median_counts(monkeypatch):
    """Ours takes 1 s; upstream 4, 2 and 3."""
    now, calls = [0.0], []
    stem = ensemble.song(0.1)
    upstream_s = iter((4.0, 2.0, 3.0))
    monkeypatch.setattr(ensemble.time, "perf_counter", lambda: now[0])

    def ours() -> np.ndarray:
        now[0] += 1.0
        calls.append("ours")
        return stem

    def upstream() -> np.ndarray:
        now[0] += next(upstream_s)
        calls.append("upstream")
        return stem * np.float32(1.1)

    found = ensemble.compare(ours, upstream, 3)
    assert (found.ratio, found.seconds) == (3.0, 1.0)
    assert found.agreement_db == pytest.approx(20 * np.log10(11), abs=0.01)
    assert calls == ["upstream", "ours", "ours", "upstream", "upstream", "ours"]


def test_upstream_draws_our_offsets():
    assert apply.random is not None  # what is replaced exists
    offsets = ensemble.Offsets(2, 2)
    drawn = [offsets.randint(0, demucs.MAX_SHIFT_FRAMES) for _ in range(5)]
    places = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 0)]
    assert drawn == [demucs.shift_offset(ensemble.SEED, *place) for place in places]
