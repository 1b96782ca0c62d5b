"""Recorders of one conversation. Witness: a simulated room, and sampling times that are known."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from scripts.bench.microphones import RATE, recorded, si_sdr, voices
from sepkit.audio.read import open_source, read_audio
from sepkit.audio.recorders import drift_of, join
from sepkit.errors import SourceError
from tests.separators.test_unmixing import SECONDS, readers

BEGUN_S = 0.4
PLACES_M = ((2.7, 2.2, 1.4), (2.9, 2.2, 1.4))


def sampled(sound: np.ndarray, offset_s: float, ppm: float) -> np.ndarray:
    """(…, frames) as another clock samples it, begun so much earlier: by a sum of sines, over the whole at once."""
    frames = sound.shape[-1]
    times = (np.arange(frames) / (1 + ppm * 1e-6)) - offset_s * RATE
    taps = np.arange(-32, 33)
    whole = np.floor(times).astype(int)
    places = whole[:, None] + taps
    weights = np.sinc(times[:, None] - places) * np.cos(np.pi * (times[:, None] - places) / 66) ** 2
    inside = (places >= 0) & (places < frames)
    return np.einsum("...nt,nt->...n", sound[..., np.where(inside, places, 0)], weights * inside).astype(np.float32)


def drift_between(folder, first, other):
    for name, samples in (("a.wav", first), ("b.wav", other)):
        soundfile.write(folder / name, samples.T, RATE, subtype="FLOAT")
    with open_source(folder / "a.wav") as one, open_source(folder / "b.wav") as two:
        drift = drift_of(two, one)
        join([one, two], [drift], folder / "joined.wav")
    return drift, read_audio(folder / "joined.wav").samples


@pytest.mark.parametrize("ppm", [0.0, 50.0, -120.0])
def test_offset_and_drift_are_found_and_taken_back(tmp_path, ppm):
    first, other = recorded(readers(), 0.15, PLACES_M).sum(axis=0)
    late = sampled(other, BEGUN_S, ppm)
    drift, joined = drift_between(tmp_path, first, late)
    assert abs(drift.offset_s - BEGUN_S) < 0.002  # the microphones are 0.6 ms of sound apart
    assert abs(drift.ppm - ppm) < 1
    np.testing.assert_allclose(joined[0], first, atol=1e-6)
    assert joined.shape == (2, first.size)


def test_fifty_ppm_cost_no_more_than_one_db(tmp_path):
    images = recorded(readers(), 0.15, PLACES_M)
    first, other = images.sum(axis=0)
    part = slice(RATE // 2, (SECONDS - 1) * RATE)

    def score(mix):
        return si_sdr(images[:, 0, part], voices(mix, "ilrma")[:, part])

    _, joined = drift_between(tmp_path, first, sampled(other, BEGUN_S, 50.0))
    ideal = score(np.stack([first, other]))
    assert ideal > 10
    assert score(joined) > ideal - 1
    assert score(np.stack([first, sampled(sampled(other, BEGUN_S, 50.0), -BEGUN_S, 0)])) < ideal - 5  # offset alone


def test_drift_over_a_quarter_of_an_hour_is_found_by_stretches(tmp_path):
    """50 ppm are 45 ms after a quarter of an hour: far more than the lags that are compared at once."""
    rng = np.random.default_rng(0)
    rate, frames = 8000, 900 * 8000
    sound = rng.standard_normal(frames + 8000).astype(np.float32) * 0.1
    times = np.arange(frames) * (1 / (1 + 50e-6)) + 3000
    whole = np.floor(times).astype(int)
    part = (times - whole).astype(np.float32)
    other = (1 - part) * sound[whole] + part * sound[whole + 1]
    soundfile.write(tmp_path / "a.wav", sound[:frames], rate)
    soundfile.write(tmp_path / "b.wav", other, rate)
    with open_source(tmp_path / "a.wav") as one, open_source(tmp_path / "b.wav") as two:
        drift = drift_of(two, one)
    assert abs(drift.ppm - 50) < 0.5
    assert abs(drift.offset_s + 3000 / rate * (1 + 50e-6)) < 0.001


def test_what_is_no_conversation_of_both_is_said(tmp_path):
    rng = np.random.default_rng(0)
    first, other = (rng.standard_normal((1, 6 * RATE)).astype(np.float32) * 0.1 for _ in range(2))
    with pytest.raises(SourceError, match=r"b\.wav and .*a\.wav have nothing in common in their first 60 s"):
        drift_between(tmp_path, first, other)
    with pytest.raises(SourceError, match=r"share 1\.0 s at most; give 4 s or more"):
        drift_between(tmp_path, first[:, :RATE], first)
