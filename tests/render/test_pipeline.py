"""The stages together: windowed equals whole, the background completes the speech, the form of the source is kept."""

import math
import struct

import mutagen.flac
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sepkit import Audio, Pipeline
from sepkit.audio.read import read_audio
from sepkit.config import parse_config
from sepkit.errors import DeviceError, SepkitError

EMBEDDED = """
members: [{separator: rnnoise}, {separator: nn_filter, options: {reach_s: 2, width_s: 0.5}}]
denoise: {denoiser: rnnoise}
windows: {body_s: BODY}
loudness: {target_lufs: null, ceiling_dbtp: null}
"""
PASSTHROUGH = """
members: [{separator: passthrough}]
post_mask: null
equalise: null
loudness: {target_lufs: null, ceiling_dbtp: null}
"""


def voice_over_noise(seconds: float, sample_rate: int, channels: int, seed: int = 0) -> Audio:
    """Harmonics that rise and fall like syllables, over a chord and noise; channels differ."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    pitch_hz = 140 + 25 * np.sin(2 * math.pi * 0.7 * time_s)
    phase = 2 * math.pi * np.cumsum(pitch_hz) / sample_rate
    voice = sum(np.sin(k * phase) / k for k in range(1, 20)) * np.maximum(0, np.sin(2 * math.pi * 2.3 * time_s)) ** 2
    chord = sum(np.sin(2 * math.pi * hz * time_s) for hz in (220, 277.2, 329.6))
    rows = [0.1 * voice + 0.03 * (1 + row) * chord + 0.01 * rng.standard_normal(time_s.size) for row in range(channels)]
    return Audio(np.stack(rows).astype(np.float32), sample_rate)


def difference_db(test: np.ndarray, truth: np.ndarray) -> float:
    """Energy of the difference against that of the truth."""
    assert test.shape == truth.shape
    error = ((test.astype(np.float64) - truth) ** 2).sum()
    return 10 * math.log10(max(error, 1e-30) / max((truth.astype(np.float64) ** 2).sum(), 1e-30))


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 44100, 48000])
@settings(max_examples=2, suppress_health_check=[HealthCheck.too_slow])
@given(
    config=st.sampled_from(
        [EMBEDDED, EMBEDDED.replace("denoise:", "#"), EMBEDDED.replace("{separator: rnnoise}, ", "")]
    ),
    seconds=st.floats(8, 11),
    body_s=st.floats(4, 7),
    channels=st.integers(1, 3),
)
def test_windowed_equals_whole(sample_rate, config, seconds, body_s, channels):
    """RNNoise reaches 6.5 s: where it is both member and denoiser, a window sees nearly all of the file."""
    mix = voice_over_noise(seconds, sample_rate, channels)
    whole = Pipeline(parse_config(config.replace("BODY", "3600"))).run(mix)
    windowed = Pipeline(parse_config(config.replace("BODY", str(body_s)))).run(mix)
    assert difference_db(windowed.speech.samples, whole.speech.samples) < -60
    assert windowed.speech.frames == mix.frames


def test_speech_and_background_sum_to_the_source():
    mix = voice_over_noise(3, 44100, 2)
    rendered = Pipeline(parse_config(EMBEDDED.replace("BODY", "1"))).run(mix)
    np.testing.assert_allclose(rendered.speech.samples + rendered.background.samples, mix.samples, atol=1e-6)


def test_passing_through_changes_nothing():
    mix = voice_over_noise(2.5, 44100, 6)
    rendered = Pipeline(parse_config(PASSTHROUGH + "windows: {body_s: 0.7}")).run(mix)
    assert difference_db(rendered.speech.samples, mix.samples) < -100


def test_each_pair_of_many_channels_comes_out_as_if_it_were_alone():
    """At 128 kHz the context of two channels is read at a time; the third is another reading."""
    pipeline = Pipeline(parse_config(EMBEDDED.replace("BODY", "1")))
    mix = voice_over_noise(2.3, 128_000, 3)
    whole = pipeline.run(mix)
    for first in (0, 2):
        alone = pipeline.run(Audio(mix.samples[first : first + 2], 128_000))
        for stem in ("speech", "background"):
            np.testing.assert_array_equal(whole.stems[stem].samples[first : first + 2], alone.stems[stem].samples)


@pytest.mark.parametrize("frames", [1, 2, 100, 441, 480, 1000])
@pytest.mark.parametrize(("sample_rate", "channels"), [(8000, 1), (44100, 2), (192000, 6)])
def test_the_shortest_files_come_out_whole(frames, sample_rate, channels):
    mix = Audio(np.full((channels, frames), 0.1, np.float32), sample_rate)
    rendered = Pipeline(parse_config(EMBEDDED.replace("BODY", "60"))).run(mix)
    assert rendered.speech.samples.shape == mix.samples.shape
    assert np.isfinite(rendered.speech.samples).all()


def test_silence_in_silence_out():
    mix = Audio(np.zeros((2, 44100), np.float32), 44100)
    config = parse_config("members: [{separator: rnnoise}, {separator: nn_filter}]\ndenoise: {denoiser: rnnoise}")
    assert not Pipeline(config).run(mix).speech.samples.any()


def test_the_same_run_gives_the_same_samples():
    mix = voice_over_noise(2, 44100, 2)
    pipeline = Pipeline(parse_config(EMBEDDED.replace("BODY", "60")))
    first, again = pipeline.run(mix), pipeline.run(mix)
    other = Pipeline(parse_config(EMBEDDED.replace("BODY", "60"))).run(mix)
    np.testing.assert_array_equal(first.speech.samples, again.speech.samples)
    np.testing.assert_array_equal(first.speech.samples, other.speech.samples)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_files_keep_rate_channels_depth_and_length(tmp_path, subtype):
    mix = voice_over_noise(1.3, 32000, 2)
    source = tmp_path / "mix.wav"
    soundfile.write(source, mix.samples.T, mix.sample_rate, subtype=subtype)
    pipeline = Pipeline(parse_config(PASSTHROUGH + "output: {background: true}"))
    outputs = pipeline.outputs(source, tmp_path)
    pipeline.render(source, outputs)
    before, after = soundfile.info(source), soundfile.info(outputs["speech"])
    assert outputs["speech"].name == "mix__speech_only.wav"
    assert (after.samplerate, after.channels, after.frames, after.subtype) == (32000, 2, before.frames, subtype)
    rounding = 4e-7  # of float32 there and back through the STFT; below half a step up to 16 bits
    np.testing.assert_allclose(read_audio(outputs["speech"]).samples, read_audio(source).samples, atol=rounding, rtol=0)
    assert np.abs(read_audio(outputs["background"]).samples).max() <= rounding


def test_what_belongs_to_a_file_stays_with_every_stem_and_what_is_lost_is_told_once(tmp_path):
    soundfile.write(tmp_path / "mix.wav", voice_over_noise(1.3, 32000, 2).samples.T, 32000)
    with (tmp_path / "mix.wav").open("r+b") as file:
        for name, body in ((b"iXML", b"<BWFXML/>!"), (b"LIST", b"INFOINAM" + struct.pack("<I", 4) + b"One\0")):
            file.seek(0, 2)
            file.write(name + struct.pack("<I", len(body)) + body)
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))
    pipeline = Pipeline(parse_config(PASSTHROUGH + "output: {background: true, format: flac}"))
    outputs = pipeline.outputs(tmp_path / "mix.wav", tmp_path)
    report = pipeline.render(tmp_path / "mix.wav", outputs)
    assert report.notes == ("left out, for FLAC does not hold it: the chunk iXML",)
    assert [mutagen.flac.FLAC(path)["title"] for path in outputs.values()] == [["One"], ["One"]]


def test_the_loudness_of_a_file_is_the_target(tmp_path):
    import pyloudnorm

    mix = voice_over_noise(6, 44100, 1)
    config = parse_config("members: [{separator: passthrough}]\nloudness: {target_lufs: -20, least_speech_s: 0}")
    speech = Pipeline(config).run(mix).speech
    measured = pyloudnorm.Meter(44100).integrated_loudness(speech.samples[0].astype(np.float64))
    assert measured == pytest.approx(-20, abs=0.1)


def test_what_a_run_gives_unpacks_and_says_what_was_done_to_the_speech():
    """A sine of −20 dBFS at 1 kHz has −23.01 LUFS (BS.1770), which leaves 7.01 dB to −16."""
    sine = 0.1 * np.sin(2 * math.pi * 1000 * np.arange(3 * 48_000) / 48_000)
    config = parse_config(PASSTHROUGH.replace("target_lufs: null", "target_lufs: -16, least_speech_s: 0"))
    speech, background, report = Pipeline(config).run(Audio(sine[None].astype(np.float32), 48_000))
    assert report.lufs_rendered == pytest.approx(-23.01, abs=0.02)
    assert report.gain_db == pytest.approx(7.01, abs=0.02)
    assert 20 * np.log10(np.abs(speech.samples).max()) == pytest.approx(-20 + 7.01, abs=0.02)
    assert np.abs(background.samples).max() < 1e-7


@pytest.mark.parametrize(("outputs", "found"), [({}, "none"), ({"vocals": "x.wav"}, "vocals")])
def test_a_stem_that_the_task_does_not_have_is_named_before_anything_is_written(tmp_path, outputs, found):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 8000)
    with pytest.raises(SepkitError, match=f"found the stems {found}; name one or more of speech, background, fused"):
        Pipeline(parse_config(PASSTHROUGH)).render(str(tmp_path / "a.wav"), outputs)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_demanding_cuda_where_there_is_none_says_so():
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    pipeline = Pipeline(parse_config(PASSTHROUGH + "device: cuda"))
    with pytest.raises(DeviceError, match="cuda"):
        pipeline.load()


def test_a_member_that_gives_nan_is_named(monkeypatch):
    from sepkit.separators.base import Estimates
    from sepkit.separators.passthrough import Separator

    monkeypatch.setattr(Separator, "separate", lambda self, mix: Estimates(mix.samples * np.float32("nan")))
    with pytest.raises(SepkitError, match="member 'passthrough'"):
        Pipeline(parse_config(PASSTHROUGH)).run(voice_over_noise(0.1, 8000, 1))
