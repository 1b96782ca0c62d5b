"""Which steps a voice speaks in: levels in decibels against the limits that the module states."""

from __future__ import annotations

import numpy as np

from sepkit.stages.heard import floor_power, loud_power, spans, speaking


def test_a_faint_copy_of_a_voice_is_not_heard_and_a_quieter_person_is():
    voice = np.full(40, 1e-2, np.float32)
    likely = np.ones((3, 40), np.float32)
    power = np.stack([voice, voice * np.float32(10**-2.8), voice * np.float32(10**-1.5)])
    active = speaking(power, likely, floor_power(power, 0.0))
    assert active.all(axis=1).tolist() == active.any(axis=1).tolist() == [True, False, True]


def test_what_is_no_speech_or_silence_or_far_below_what_was_is_not_heard():
    power = np.full((1, 40), 1e-4, np.float32)
    likely = np.ones((1, 40), np.float32)
    assert speaking(power, likely, floor_power(power, 0.0)).all()
    assert not speaking(power, 0 * likely, floor_power(power, 0.0)).any()
    assert not speaking(power, likely, floor_power(power, 1.0)).any()  # 40 dB below, 36 are allowed
    silence = power * np.float32(1e-4)
    assert not speaking(silence, likely, floor_power(silence, 0.0)).any()  # −80 dBFS


def test_loud_power_is_that_of_the_loudest_voice():
    power = np.stack([np.arange(101), 2 * np.arange(101)]).astype(np.float32)
    assert loud_power(power) == 190  # 95 of 100 steps lie below 95


def test_spans_bridge_short_gaps_then_leave_out_what_is_short():
    active = np.array([1, 1, 0, 1, 0, 0, 0, 1], bool)
    assert spans(active, 1, 2) == [(0, 4)]
    assert spans(active, 0, 1) == [(0, 2), (3, 4), (7, 8)]
    assert spans(np.zeros(0, bool), 1, 1) == []
