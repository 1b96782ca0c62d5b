"""What the order of voices holds: about a minute of windows, whatever the length of the source."""

from __future__ import annotations

import gc
import tracemalloc
from itertools import pairwise

import numpy as np

from sepkit.audio.windows import Window
from sepkit.render.voice_order import DELAY_S, VoiceOrder
from tests.speakers.conversation import RATE, truth

BODY, REACH = 6 * RATE, 2 * RATE


def windows(count):
    """Overlapping ones; in every other one somebody speaks, so that tracks end and begin."""
    for index in range(count):
        start = index * BODY
        yield Window(start, start + REACH, start + REACH + BODY, start + REACH + BODY, start + 2 * REACH + BODY)


def test_memory_does_not_follow_the_length_of_the_source():
    frames = BODY + 2 * REACH
    said = truth([(0, 3, 2), (1, 4, 2)], frames / RATE)[:, None]
    order = VoiceOrder(RATE, 1, 2, exact=True)
    held = []
    settled = 0
    tracemalloc.start()
    for index, window in enumerate(windows(90)):
        voices = np.roll(said, index // 3, axis=0) * np.float32(index % 3 == 0)
        settled += sum(1 for _ in order.add(voices, voices[0], window, last=False))
        if index in (29, 59, 89):
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert 90 - settled == DELAY_S * RATE / BODY
    assert len(order._undecided) <= 2 * (90 - settled)
    growth = [later - earlier for earlier, later in pairwise(held)]
    assert max(growth) < 0.02 * held[0]
