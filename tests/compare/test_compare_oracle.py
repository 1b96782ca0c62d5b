"""The oracle ratio mask on what a mask can part, and on what it cannot."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sepkit.audio.samples import Audio
from sepkit.compare.oracle import oracle


def tone(hz: float, rate: int) -> Audio:
    """A second of whole periods, RMS 0.1."""
    return Audio(0.1 * math.sqrt(2) * np.sin(2 * np.pi * hz * np.arange(rate) / rate)[np.newaxis], rate)


def added(one: Audio, other: Audio) -> Audio:
    return Audio(one.samples + other.samples, one.sample_rate)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_the_oracle_parts_tones_and_halves_what_it_cannot_part(rate):
    low, high = tone(500, rate), tone(3000, rate)
    parted = oracle(added(low, high), low, high).samples
    inside = slice(1024, -1024)  # the ends hold half a window
    np.testing.assert_allclose(parted[:, inside], low.samples[:, inside], atol=1e-4)
    same = added(low, low)
    np.testing.assert_allclose(oracle(same, low, low).samples, same.samples / 2, atol=1e-6)


def test_of_what_holds_no_speech_nothing_is_left():
    music = tone(500, 16000)
    assert not oracle(music, Audio(0 * music.samples, 16000), music).samples.any()
