"""Recorders of one conversation. Witness: a simulated room, and sampling times that are known."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from scripts.bench.microphones import recorded, si_sdr, voices
from scripts.bench.readers import RATE
from sepkit.audio.read import open_source, read_audio
from sepkit.audio.recorders import drift_of, join
from sepkit.audio.resample import resample
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


def dull(seconds: float, rate: int = 8000) -> np.ndarray:
    """Noise with nothing above 1 kHz: what is heard there is where a stretch was cut."""
    spectrum = np.fft.rfft(np.random.default_rng(3).standard_normal(round(seconds * rate)))
    spectrum[np.fft.rfftfreq(round(seconds * rate), 1 / rate) > 1000] = 0
    return 0.2 * np.fft.irfft(spectrum)


@pytest.mark.parametrize(
    ("first_s", "other_s", "silent_s"), [(0, 130, 0), (95, 0, 0), (20, 0, 75)], ids=["later", "before", "silence"]
)
def test_a_recorder_may_begin_minutes_later_or_in_silence(tmp_path, first_s, other_s, silent_s):
    rate, sound = 8000, dull(200)
    hiss = 1e-4 * np.random.default_rng(4).standard_normal((2, sound.size))
    sound[: silent_s * rate] = 0
    soundfile.write(tmp_path / "a.wav", (sound + hiss[0])[first_s * rate :], rate, subtype="FLOAT")
    soundfile.write(tmp_path / "b.wav", (0.5 * sound + hiss[1])[other_s * rate :], rate, subtype="FLOAT")
    parts: list[float] = []
    with open_source(tmp_path / "a.wav") as one, open_source(tmp_path / "b.wav") as two:
        drift = drift_of(two, one, parts.append)
        join([one, two], [drift], tmp_path / "joined.wav", parts.append)
    assert abs(drift.offset_s - (first_s - other_s)) < 0.001 and abs(drift.ppm) < 0.5
    joined = read_audio(tmp_path / "joined.wav").samples
    assert joined.shape == (2, (200 - first_s) * rate)
    absent = max(0, other_s - first_s) * rate
    assert np.abs(joined[1, : max(0, absent - 1000)]).max(initial=0) < 1e-5
    half, whole = joined[1, absent + 100 : -100], joined[0, absent + 100 : -100]
    assert np.square(half - whole / 2).mean() < 1e-3 * np.square(half).mean()
    begun = parts.index(1.0)
    assert parts[: begun + 1] == sorted(parts[: begun + 1]) and parts[begun + 1 :] == sorted(parts[begun + 1 :])
    assert parts[-1] == 1.0


@pytest.mark.parametrize(("rate", "other_rate"), [(48000, 16000), (16000, 44100), (16000, 8000)])
def test_recorders_of_other_rates_and_channels_are_joined(tmp_path, rate, other_rate):
    """The second is stereo, its channels opposed."""
    first, other = recorded(readers(), 0.15, PLACES_M).sum(axis=0)
    late = resample(np.stack([1, -1])[:, None] * sampled(other, BEGUN_S, 50.0)[None], RATE, other_rate)
    soundfile.write(tmp_path / "a.wav", resample(first[None], RATE, rate)[0], rate, subtype="FLOAT")
    soundfile.write(tmp_path / "b.flac", late.T, other_rate, subtype="PCM_24")
    with open_source(tmp_path / "a.wav") as one, open_source(tmp_path / "b.flac") as two:
        drift = drift_of(two, one)
        join([one, two], [drift], tmp_path / "joined.wav")
    assert abs(drift.offset_s - BEGUN_S) < 0.002 and abs(drift.ppm - 50) < 1
    joined = read_audio(tmp_path / "joined.wav")
    assert joined.sample_rate == rate and joined.samples.shape == (3, first.size * rate // RATE)
    np.testing.assert_array_equal(joined.samples[1], -joined.samples[2])


def test_what_is_no_conversation_of_both_is_said(tmp_path):
    rng = np.random.default_rng(0)
    first, other = (rng.standard_normal((1, 6 * RATE)).astype(np.float32) * 0.1 for _ in range(2))
    with pytest.raises(SourceError, match=r"b\.wav and .*a\.wav have nothing in common; give .* begun within 10 min"):
        drift_between(tmp_path, first, other)
    with pytest.raises(SourceError, match=r"have nothing in common, for one of them begins with silence"):
        drift_between(tmp_path, first, 0 * other)
    with pytest.raises(SourceError, match=r"ppm apart, and no recorders' are more than 1000"):
        drift_between(tmp_path, dull(10, RATE)[None], sampled(dull(10, RATE), 0.0, 2000.0)[None])
    with pytest.raises(SourceError, match=r"share 1\.0 s at most; give 4 s or more"):
        drift_between(tmp_path, first[:, :RATE], first)
    with pytest.raises(SourceError, match=r"b\.wav and .*a\.wav share 3\.0 s; give 4 s or more of one conversation"):
        drift_between(
            tmp_path, first, np.concatenate([0.1 * other[:, : 3 * RATE], first[:, : 3 * RATE]], axis=1)[:, : 6 * RATE]
        )
