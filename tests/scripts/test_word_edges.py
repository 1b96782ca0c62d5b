"""Beginnings and ends of words, on bursts whose places are known."""

import numpy as np
import pytest

from scripts.bench.word_edges import LEAST_DB, edges, kept_db

RATE = 16_000


def bursts(*spans_s: tuple[float, float]) -> np.ndarray:
    samples = np.zeros((1, 3 * RATE), np.float32)
    for start_s, stop_s in spans_s:
        frames = slice(round(start_s * RATE), round(stop_s * RATE))
        samples[:, frames] = 0.1 * np.random.default_rng(0).standard_normal(frames.stop - frames.start)
    return samples


def test_edges_are_where_words_begin_and_end_between_pauses():
    speech = bursts((0.5, 1.0), (1.05, 1.4), (2.0, 2.01), (2.5, 2.8))  # a gap of 50 ms is no pause, 10 ms are no word
    begins, ends = edges(speech, RATE)
    np.testing.assert_allclose(np.array(begins) / RATE, [0.5, 2.5], atol=0.006)
    np.testing.assert_allclose(np.array(ends) / RATE + 0.05, [1.4, 2.8], atol=0.006)


def test_what_is_kept_of_an_edge_is_the_part_of_the_true_speech_in_it():
    """By hand: half the amplitude is −6.02 dB; other sound on top changes nothing; what is drowned is not asked for."""
    speech, silence = bursts((0.5, 1.0)), np.zeros((1, 3 * RATE), np.float32)
    begins, _ = edges(speech, RATE)
    hum = 0.05 * np.sin(2 * np.pi * 100 * np.arange(3 * RATE) / RATE)[None].astype(np.float32)
    assert kept_db(speech, silence, speech / 2 + hum, begins, RATE) == [pytest.approx(-6.02, abs=0.5)]
    assert kept_db(speech, silence, silence, begins, RATE) == [LEAST_DB]
    assert kept_db(speech, 10 * speech, speech, begins, RATE) == []
