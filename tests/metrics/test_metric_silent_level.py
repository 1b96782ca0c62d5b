"""What lies where nothing is to be heard: a copy of the mix at a known gain, and what is measured of nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from sepkit.audio.samples import Audio
from sepkit.metrics.base import Pair
from tests.metrics.pairs import noise, row

SILENCE = Audio(np.zeros((2, 8000), np.float32), 16_000)


@pytest.mark.parametrize("gain_db", [-3.0, -25.0, -80.0])
def test_a_copy_lies_at_its_gain_below_the_mix(gain_db):
    mix = noise(8000, 1, channels=2)
    clean = Audio(mix.samples * np.float32(10 ** (gain_db / 20)), mix.sample_rate)
    found = row("silent_level", Pair(mix, clean, SILENCE))
    assert (found.before, found.basis) == (0, "truth")
    assert found.after == pytest.approx(gain_db, abs=1e-3)


def test_nothing_lies_at_the_floor():
    assert row("silent_level", Pair(noise(8000, 2, channels=2), SILENCE, SILENCE)).after == -120


@pytest.mark.parametrize(
    ("mix", "reference", "why"),
    [
        (noise(8000, 3, 2), None, "no reference is known"),
        (noise(8000, 3, 2), noise(8000, 4, 2), "the reference is not silent"),
        (SILENCE, SILENCE, "the mix is silent"),
    ],
)
def test_elsewhere_it_says_why_not(mix, reference, why):
    found = row("silent_level", Pair(mix, mix, reference))
    assert found.after is None and found.why.startswith(f"not measured: {why}")
