"""The task speakers with members that learn how voices are mixed. Witness: what each voice alone is at a microphone."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from scripts.bench.microphones import recorded, si_sdr
from scripts.bench.readers import RATE
from sepkit.audio.read import open_source, read_audio
from sepkit.audio.resample import resample
from sepkit.audio.samples import Audio
from sepkit.config import load_config
from sepkit.config.asked import speaking
from sepkit.config.labels import read_labels
from sepkit.config.shipped import shipped
from sepkit.errors import ConfigError, SourceError
from sepkit.render.excerpt import excerpt
from sepkit.render.pipeline import Pipeline
from tests.audio.test_recorders import PLACES_M, sampled
from tests.separators.test_unmixing import readers
from tests.speakers.conversation import ROOT, sepkit, truth

CONFIG = shipped()["speakers_microphones"]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return recorded(readers(), 0.15)


def pipeline(**changes: object) -> Pipeline:
    return Pipeline(load_config(CONFIG).model_copy(update=changes))


def at_first(found) -> np.ndarray:
    return np.stack([found.stems[name].samples[0] for name in ("speaker_1", "speaker_2")])


def test_the_shipped_configuration_parts_two_voices_at_both_channels(tmp_path, images):
    mix = tmp_path / "two.wav"
    soundfile.write(mix, images.sum(axis=0).T, RATE, subtype="FLOAT")
    found = pipeline().run(mix)
    assert si_sdr(images[:, 0], at_first(found)) > 12
    assert found.speaker_1.samples.shape == images[0].shape
    np.testing.assert_allclose(found.speaker_1.samples + found.speaker_2.samples, images.sum(axis=0), atol=1e-4)


def test_windows_make_no_difference(tmp_path, images):
    mix = tmp_path / "two.wav"
    soundfile.write(mix, images.sum(axis=0).T, RATE, subtype="FLOAT")
    whole = at_first(pipeline().run(mix))
    windows = load_config(CONFIG).windows
    cut = at_first(pipeline(windows=windows.model_copy(update={"body_s": 1.5})).run(mix))
    assert np.square(cut - whole).mean() < 1e-6 * np.square(whole).mean()


def test_one_observation_stops_with_one_line(tmp_path, images):
    equal = tmp_path / "equal.wav"
    soundfile.write(equal, np.tile(images[0, 0], (2, 1)).T, RATE, subtype="PCM_16")
    with pytest.raises(SourceError, match=r"left = right.*cannot be unmixed"):
        pipeline().run(equal)
    soundfile.write(tmp_path / "one.wav", images[0, 0], RATE)
    out = tmp_path / "out"
    asked = ["--config", "speakers_microphones"]
    for name, said in (("equal.wav", "the source's 2 channels hold"), ("one.wav", "the source has 1 channel")):
        done = sepkit("speakers", tmp_path / name, "-o", out, *asked)  # of several files one must be told which
        assert done.returncode == 1 and f"{name}: {said}" in done.stderr.decode()
    with pytest.raises(ConfigError, match=r"'ilrma' tells 2 voices apart, and speakers\.count: 3 needs"):
        pipeline(speakers=load_config(CONFIG).speakers.model_copy(update={"count": 3}))


def test_so_many_voices_are_learned_as_are_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    noise = Audio(0.1 * rng.standard_normal((3, 4 * RATE)).astype(np.float32), RATE)
    found = Pipeline(speaking(load_config(CONFIG), "3")).run(noise)
    assert [name for name in found.stems if name.startswith("speaker_")] == ["speaker_1", "speaker_2", "speaker_3"]
    np.testing.assert_allclose(sum(stem.samples for stem in found.stems.values()), noise.samples, atol=1e-4)


def test_two_recorders_are_one_source(tmp_path):
    images = recorded(readers(), 0.15, PLACES_M)
    first, other = images.sum(axis=0)
    soundfile.write(tmp_path / "desk.wav", first, RATE, subtype="PCM_24")
    soundfile.write(tmp_path / "phone.wav", sampled(other, 0.4, 50.0), RATE, subtype="PCM_24")
    both = [tmp_path / "desk.wav", tmp_path / "phone.wav"]
    done = sepkit("speakers", *both, "-o", tmp_path / "out", "--aligned")
    assert done.returncode == 0, done.stderr
    said = done.stderr.decode()
    assert f"{both[0]} →" in said and "phone.wav began 0.400 s before the first recorder" in said
    names = ["desk__speaker_1.wav", "desk__speaker_2.wav", "desk__speakers.csv", "desk__speakers.rttm"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    found = np.stack([soundfile.read(tmp_path / "out" / name)[0].T for name in names[:2]])
    assert found.shape == images.shape
    heard = slice(0, -RATE)
    assert si_sdr(images[:, 0, heard], found[:, 0, heard]) > 10
    alone = sepkit("speakers", both[0], "-o", tmp_path / "out", "--aligned")
    assert alone.returncode == 2 and b"--aligned: joins the recorders of one conversation" in alone.stderr


@pytest.mark.parametrize("kind", ["silence", "short", "shortest", "clipped", "music"])
def test_whatever_comes_in_comes_out_whole(tmp_path, images, kind):
    """Finite, as long as the source, and the stems sum to it."""
    mix, rate = images.sum(axis=0), RATE
    if kind == "music":
        music = read_audio(ROOT / "data" / "pilot" / "music.wav", longest_s=5)
        mix, rate = music.samples, music.sample_rate
    given = {
        "silence": 0 * mix,
        "short": mix[:, RATE : RATE + 4800],
        "shortest": mix[:, RATE : RATE + 100],
        "clipped": np.clip(20 * mix, -1, 1),
        "music": mix,
    }[kind]
    soundfile.write(tmp_path / "in.wav", given.T, rate, subtype="FLOAT")
    found = pipeline().run(tmp_path / "in.wav")
    whole = found.speaker_1.samples + found.speaker_2.samples
    assert np.isfinite(found.speaker_1.samples).all()
    np.testing.assert_allclose(whole, given, atol=2e-4)
    if kind in ("silence", "music"):
        assert "nobody was heard speaking" in found.report.notes


def test_a_voice_is_heard_where_it_is_loud(tmp_path):
    """A call with a party a channel, and line noise: at the first channel there is nothing of the second party."""
    call = resample(truth([(0, 0.5, 4), (1, 5, 6), (0, 10.5, 6), (1, 17, 3)], 24), RATE, 8000)
    call += 1e-3 * np.random.default_rng(0).standard_normal(call.shape).astype(np.float32)
    soundfile.write(tmp_path / "call.wav", call.T, 8000)
    done = sepkit("speakers", tmp_path / "call.wav", "-o", tmp_path / "out", "--config", "speakers_microphones")
    assert done.returncode == 0, done.stderr
    said = done.stderr.decode()
    assert "each channel seems to hold one speaker already" in said and "2 people speak" in said
    rows = read_labels(tmp_path / "out/call__speakers.rttm").rows
    middles = {row.text: [] for row in rows}
    for row in rows:
        middles[row.text].append((row.start_s + row.end_s) / 2)
    first, second = sorted(middles.values())
    assert all(0.5 < at_s < 4.5 or 10.5 < at_s < 16.5 for at_s in first)
    assert all(5 < at_s < 11 or 17 < at_s < 20 for at_s in second)


def test_recorders_of_other_rates_and_channels_are_one_source_too(tmp_path):
    places_m = ((2.7, 2.2, 1.4), (2.72, 2.2, 1.4), (2.9, 2.2, 1.4))
    images = recorded(readers(), 0.15, places_m)
    *desk, phone = images.sum(axis=0)
    soundfile.write(tmp_path / "desk.wav", resample(np.stack(desk), RATE, 44_100).T, 44_100, subtype="PCM_24")
    soundfile.write(tmp_path / "phone.wav", sampled(phone, 0.4, 50.0)[: -2 * RATE], RATE, subtype="PCM_24")
    both = [tmp_path / "desk.wav", tmp_path / "phone.wav"]
    done = sepkit("speakers", *both, "-o", tmp_path / "out", "--aligned")
    assert done.returncode == 0, done.stderr
    assert "lacks 2.4 s of the first one, where voices are not parted" in done.stderr.decode()
    stems = [soundfile.read(tmp_path / f"out/desk__speaker_{number}.wav") for number in (1, 2)]
    assert {rate for _, rate in stems} == {44_100} and stems[0][0].shape[1] == 3
    found = np.stack([resample(np.float32(samples[:, :1].T), 44_100, RATE)[0] for samples, _ in stems])
    heard = slice(0, -3 * RATE)
    assert si_sdr(images[:, 0, heard], found[:, heard]) > 10


def test_no_result_takes_the_place_of_a_recorder(tmp_path):
    first, other = recorded(readers(), 0.15, PLACES_M).sum(axis=0)
    names = ["desk.wav", "desk__speaker_2.wav"]
    for name, sound in zip(names, (first, other), strict=True):
        soundfile.write(tmp_path / name, sound, RATE)
    before = [(tmp_path / name).read_bytes() for name in names]
    both = [tmp_path / name for name in names]
    for out in (tmp_path, tmp_path / names[0], tmp_path / names[1]):
        done = sepkit("speakers", *both, "-o", out, "--aligned", "--overwrite", "always")
        assert done.returncode == 2, done.stderr
        assert done.stderr.decode().endswith(
            "is an input, which a result would replace; choose another folder, or another suffix in output\n"
        )
        assert [path.name for path in sorted(tmp_path.iterdir())] == names
    assert [(tmp_path / name).read_bytes() for name in names] == before


def test_a_member_that_hears_all_channels_stands_alone():
    config = load_config(CONFIG)
    with pytest.raises(ConfigError, match="takes 1, found 2"):
        Pipeline(config.model_copy(update={"members": config.members * 2}))
    with pytest.raises(ConfigError, match=r"members\.0\.separator: 'ilrma' hears all channels at once"):
        Pipeline(config.model_copy(update={"members": config.members * 2, "task": "speech"}))


def test_of_a_long_source_the_loudest_of_each_sixth_is_heard(tmp_path):
    """A tone that is loud for 2 s of each minute, at a place that differs from one minute to the next."""
    rate, frames = 1000, 6 * 60 * 1000
    loud = np.zeros(frames, np.float32)
    for minute, start_s in enumerate((0, 10, 20, 30, 40, 58)):
        start = (60 * minute + start_s) * rate
        loud[start : start + 2 * rate] = minute + 1
    path = tmp_path / "long.wav"
    soundfile.write(path, loud / 8, rate, subtype="FLOAT")
    with open_source(path) as source:
        heard = excerpt(source, 12.0)[0] * 8
    assert heard.size == 12 * rate
    np.testing.assert_array_equal(heard.reshape(6, -1).max(axis=1), [1, 2, 3, 4, 5, 6])
    assert (heard > 0).mean() > 0.9
