"""The ceiling holds by SciPy's 16-fold oversampling, and not a sample is touched or delayed elsewhere."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from sepkit.stages.limiter import CHUNK_FRAMES, MARGIN, Limiter

CEILING_DBTP, LOOKAHEAD_MS, RELEASE_MS = -1.0, 5.0, 100.0


def limit(samples: np.ndarray, sample_rate: int = 44100, edges: tuple[int, ...] = (), **changes: float) -> np.ndarray:
    settings = {
        "ceiling_dbtp": CEILING_DBTP,
        "lookahead_ms": LOOKAHEAD_MS,
        "release_ms": RELEASE_MS,
        **changes,
    }
    limiter = Limiter(sample_rate, len(samples), **settings)
    edges = (0, *edges, samples.shape[1])
    blocks = [samples[:, start:stop] for start, stop in pairwise(edges)]
    return np.concatenate([limiter.process(block, last=i == len(blocks) - 1) for i, block in enumerate(blocks)], 1)


def oversampled_dbtp(samples: np.ndarray) -> float:
    return 20 * np.log10(np.abs(signal.resample_poly(samples.astype(float), 16, 1, axis=1)).max())


def bursts(cutoff_hz: float, seed: int, peak_db: float, frames: int = 1 << 17) -> np.ndarray:
    """Band-limited noise at 44.1 kHz, two channels, loud now and then, its sample peak at `peak_db`."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((2, frames)))
    spectrum[:, int(cutoff_hz / 44100 * frames) :] = 0
    loud = 1 + 4 * (np.sin(2 * np.pi * np.arange(frames) / 20_000) > 0.9)
    samples = np.fft.irfft(spectrum) * loud
    return (10 ** (peak_db / 20) * samples / np.abs(samples).max()).astype(np.float32)


@pytest.mark.parametrize("cutoff_hz", [1000, 12000, 20000, 22050])
@pytest.mark.parametrize("peak_db", [0.0, 6.0, 20.0])
def test_the_ceiling_holds(cutoff_hz, peak_db):
    limited = limit(bursts(cutoff_hz, 1, peak_db))
    assert CEILING_DBTP - 0.2 < oversampled_dbtp(limited) <= CEILING_DBTP + 0.05


@pytest.mark.parametrize("lookahead_ms", [0.01, 1.0, 50.0])
@pytest.mark.parametrize("release_ms", [0.01, 2000.0])
def test_the_ceiling_holds_at_extreme_settings(lookahead_ms, release_ms):
    limited = limit(bursts(16000, 2, 6.0), lookahead_ms=lookahead_ms, release_ms=release_ms)
    assert oversampled_dbtp(limited) <= CEILING_DBTP + 0.05


@pytest.mark.parametrize("frames", [1, 5, 31, 500, CHUNK_FRAMES, CHUNK_FRAMES + 1])
def test_a_file_that_is_loud_from_its_first_to_its_last_frame(frames):
    loud = np.full((2, frames), 2.0, np.float32)
    limited = limit(loud)
    assert limited.shape == loud.shape
    assert 20 * np.log10(limited.max()) <= CEILING_DBTP
    middle = limited[0, frames // 2]  # away from the edges' overshoot, nothing but the gain that 2.0 needs
    assert frames < 500 or 20 * np.log10(middle) == pytest.approx(CEILING_DBTP - 0.05, abs=1.5)


def test_what_is_under_the_ceiling_is_not_touched():
    quiet = bursts(12000, 3, -2.5)
    assert oversampled_dbtp(quiet) < CEILING_DBTP
    np.testing.assert_array_equal(limit(quiet), quiet)


def lone_peak() -> tuple[np.ndarray, int]:
    """A soft tone with one loud period in the first channel, and the place of its peak."""
    frames, place = 3 * 44100, 50_000
    samples = np.tile(0.1 * np.sin(2 * np.pi * 441 * np.arange(frames) / 44100), (2, 1))
    samples[0, place - 25 : place + 25] += 1.9 * np.hanning(50)
    return samples.astype(np.float32), place


def test_the_gain_glides_is_shared_arrives_in_time_and_lets_go_by_its_time_constant():
    samples, place = lone_peak()
    heard = np.abs(samples[1]) > 0.02  # where the gain can be read from the second channel
    gain = np.ones(samples.shape[1])
    limited = limit(samples)
    gain[heard] = limited[1, heard] / samples[1, heard]
    # bit for bit outside the look-ahead (with a row or two of grain) and the release's 1/2^15
    before = place - round(LOOKAHEAD_MS / 1000 * 44100) - 128
    after = place + round((LOOKAHEAD_MS + RELEASE_MS * math.log(2**15)) / 1000 * 44100) + 128
    np.testing.assert_array_equal(limited[:, :before], samples[:, :before])
    np.testing.assert_array_equal(limited[:, after:], samples[:, after:])
    # linked, and as deep as the peak needs and no deeper
    peak = np.abs(samples[0]).max()
    near = place - 20 + np.flatnonzero(heard[place - 20 : place + 20] & (samples[0, place - 20 : place + 20] != 0))
    np.testing.assert_allclose(limited[0, near] / samples[0, near], gain[near], rtol=1e-5)
    assert gain[heard].min() == pytest.approx(10 ** (CEILING_DBTP / 20) * MARGIN / peak, rel=2e-3)
    # exponential: after another time constant, 1/e of the reduction
    early, late = (1 - gain[heard][np.searchsorted(np.flatnonzero(heard), place + 44100 * s)] for s in (0.1, 0.2))
    assert late / early == pytest.approx(math.exp(-1), rel=0.02)
    # and never quicker than the look-ahead's ramp
    assert np.abs(np.diff(gain[heard][np.diff(np.flatnonzero(heard), prepend=0) == 1])).max() < 0.05


@pytest.mark.parametrize("edges", [(), (49_990, 50_010)])
def test_it_tells_how_much_it_turned_down_when_and_for_how_long(edges):
    """Witness: the gain, read from the second channel, which has no peak of its own."""
    samples, place = lone_peak()
    settings = {"ceiling_dbtp": CEILING_DBTP, "lookahead_ms": LOOKAHEAD_MS, "release_ms": RELEASE_MS}
    limiter = Limiter(44100, 2, **settings)
    cuts = pairwise((0, *edges, samples.shape[1]))
    limited = np.concatenate([limiter.process(samples[:, a:b], last=b == samples.shape[1]) for a, b in cuts], 1)
    peak = np.abs(samples[0]).max()
    most_db, most_at_s, seconds = limiter.work
    assert most_db == pytest.approx(20 * math.log10(peak / (10 ** (CEILING_DBTP / 20) * MARGIN)), abs=0.02)
    assert most_at_s == pytest.approx(place / 44100, abs=0.002)
    turned_down = np.abs(limited[1] - samples[1]) > (1 - 10 ** (-0.1 / 20)) * np.abs(samples[1])
    assert seconds == pytest.approx(turned_down.sum() / 44100, rel=0.02)
    quiet = Limiter(44100, 2, **settings)
    quiet.process(samples / 4, last=True)
    assert quiet.work == (0, 0, 0)


@settings(max_examples=15)
@given(edges=st.lists(st.integers(0, 60_000), max_size=8).map(sorted), frames=st.integers(60_000, 70_000))
def test_the_cuts_do_not_matter(edges, frames):
    samples = bursts(18000, 4, 6.0)[:, :frames]
    np.testing.assert_array_equal(limit(samples, edges=tuple(edges)), limit(samples))


def test_many_small_blocks_with_an_empty_last_one():
    samples = bursts(18000, 5, 6.0)[:, :40_000]
    np.testing.assert_array_equal(limit(samples, edges=(*range(100, 40_000, 100), 40_000)), limit(samples))


@pytest.mark.parametrize(("sample_rate", "channels"), [(8000, 1), (192000, 6)])
def test_any_rate_and_any_number_of_channels(sample_rate, channels):
    samples = np.tile(bursts(18000, 6, 6.0)[:1], (channels, 1))
    limited = limit(samples, sample_rate)
    assert limited.shape == samples.shape
    assert oversampled_dbtp(limited) <= CEILING_DBTP + 0.05


def test_what_is_far_beyond_full_scale_is_turned_down_by_as_much_as_can_be_told():
    """32-bit integers taken for floats, and beyond: 1e11 of full scale; 1 − reduction is then 0 in any precision."""
    limiter = Limiter(8000, 1, ceiling_dbtp=CEILING_DBTP, lookahead_ms=5.0, release_ms=100.0)
    limited = limiter.process(np.full((1, 4000), 1e11, np.float32), last=True)
    assert np.isfinite(limited).all() and limiter.work.most_db == pytest.approx(200)
