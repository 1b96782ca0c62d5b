"""The new track: without loss where the container holds that, whatever its depth, channels and rate."""

import av
import numpy as np
import pytest
import soundfile

from scripts.bench.films import RATE, burst, found_at, heard, video
from sepkit.audio.video.kinds import kind_of
from sepkit.audio.video.new_track import NewTrack
from sepkit.audio.video.remux import remux
from sepkit.errors import OutputError
from tests.audio.sources import sweep

SCALE = {"PCM_16": 2**15, "PCM_24": 2**23}


def given(tmp_path, suffix, channels, subtype="PCM_16", rate=RATE, layout="stereo", codecs=None):
    """A video with other sound, and that sound as it was written."""
    own = {"mono": 1, "stereo": 2, "5.1": 6, "7.1": 8, "hexadecagonal": 16}[layout]
    source = video(tmp_path / f"film.{suffix}", [np.zeros((own, RATE), np.float32)], layout=layout, codecs=codecs)
    noise = np.random.default_rng(1).uniform(-0.9, 0.9, (rate // 2 + 77, channels))
    soundfile.write(tmp_path / "sound.wav", noise, rate, subtype=subtype)
    samples = soundfile.read(tmp_path / "sound.wav", dtype="float64", always_2d=True)[0].T
    return source, samples


def written(source, tmp_path):
    result = tmp_path / f"result{source.suffix}"
    remux(source, result, kind_of(source), [NewTrack(tmp_path / "sound.wav", 1, 0)])
    with av.open(str(result)) as opened:
        stream = opened.streams.audio[0]
        return result, stream.codec_context.name, stream.layout.name, stream.rate


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "flac"), ("mov", "alac"), ("mkv", "flac")])
def test_whole_numbers_come_back_to_the_bit(tmp_path, suffix, codec, subtype):
    source, samples = given(tmp_path, suffix, 2, subtype)
    result, coded, _, _ = written(source, tmp_path)
    assert coded == codec
    with av.open(str(result)) as opened:
        blocks = [frame.to_ndarray().reshape(-1, 2).T if frame.format.is_packed else frame.to_ndarray()
                  for frame in opened.decode(audio=0)]  # fmt: skip
    found = np.concatenate(blocks, axis=1)
    found = found / float(np.iinfo(found.dtype).max + 1)
    assert found.shape[1] >= samples.shape[1] and not found[:, samples.shape[1] :].any()
    np.testing.assert_array_equal(found[:, : samples.shape[1]], samples)


@pytest.mark.parametrize(("suffix", "codec"), [("mov", "pcm_f32le"), ("mkv", "pcm_f32le"), ("mp4", "flac")])
def test_floats_stay_floats_but_in_mp4(tmp_path, suffix, codec):
    source, samples = given(tmp_path, suffix, 2, "FLOAT")
    result, coded, _, _ = written(source, tmp_path)
    found, _ = heard(result)
    step = 0 if codec.startswith("pcm") else 2**-23
    assert coded == codec and np.abs(found[:, : samples.shape[1]] - samples).max() <= step


@pytest.mark.parametrize(
    ("suffix", "layout", "codecs", "codec"),
    [
        ("mp4", "5.1", None, "flac"),
        ("mov", "5.1", None, "alac"),
        ("mkv", "5.1", None, "flac"),
        ("webm", "5.1", None, "opus"),
        ("mp4", "7.1", ("libx264", "flac"), "flac"),
        ("mov", "7.1", ("libx264", "pcm_s16le"), "pcm_s16le"),
        ("mkv", "hexadecagonal", ("libx264", "pcm_s16le"), "pcm_s16le"),
    ],
)
def test_each_channel_keeps_its_place(tmp_path, suffix, layout, codecs, codec):
    channels = {"5.1": 6, "7.1": 8, "hexadecagonal": 16}[layout]
    source, _ = given(tmp_path, suffix, channels, layout=layout, codecs=codecs)
    sounds = np.stack([burst(RATE, seed=number)[0] for number in range(channels)])
    soundfile.write(tmp_path / "sound.wav", sounds.T, RATE)
    result, coded, named, _ = written(source, tmp_path)
    found, _ = heard(result)
    likeness = np.corrcoef(np.concatenate([found[:, :RATE], sounds]))[:channels, channels:]
    lossy_bass = [3] if codec == "opus" else []  # an LFE holds what lies below 120 Hz
    kept = [number for number in range(channels) if number not in lossy_bass]
    assert (
        coded == codec
        and named in (layout, f"{layout}(side)", f"{channels} channels")
        and list(likeness.argmax(1)[kept]) == kept
    )


def test_what_no_coding_holds_is_refused_in_one_line(tmp_path):
    source, _ = given(tmp_path, "mp4", 16)
    with pytest.raises(
        OutputError, match="no coding of MP4 holds 16 channels at 48000 Hz; give --no-video for the sound"
    ):
        written(source, tmp_path)
    assert not (tmp_path / "result.mp4").exists() and not list(tmp_path.glob(".sepkit-*"))


def test_opus_has_48_khz_and_the_sound_its_time(tmp_path):
    source, _ = given(tmp_path, "webm", 2)
    sound = sweep(44_100, 44_100)
    soundfile.write(tmp_path / "sound.wav", sound.T, 44_100)
    result, _, _, rate = written(source, tmp_path)
    found, first_s = heard(result)
    asked = sweep(RATE, RATE)  # the same sound, at the other rate, from its formula
    middle = slice(RATE // 4, 3 * RATE // 4)
    at = found_at(found, asked[:, middle]) + float(first_s * RATE)
    assert rate == RATE and abs(at - middle.start) <= 1


def test_a_sound_longer_or_shorter_than_the_picture_keeps_its_length(tmp_path):
    source, _ = given(tmp_path, "mkv", 2)
    for seconds in (0.3, 5):
        click = burst(RATE // 10)
        sound = np.concatenate([np.zeros((2, round(seconds * RATE) - click.shape[1]), np.float32), click], axis=1)
        soundfile.write(tmp_path / "sound.wav", sound.T, RATE)
        result, *_ = written(source, tmp_path)
        found, _ = heard(result)
        assert found.shape == sound.shape and found_at(found, click) == sound.shape[1] - click.shape[1]
