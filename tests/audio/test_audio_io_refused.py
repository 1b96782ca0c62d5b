"""Sources that cannot be read, or are not whole: each is refused, or told, in one line."""

import os
import struct
import tempfile
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from sepkit.audio.read import open_source, probe
from sepkit.errors import SourceError
from tests.audio.sources import FRAMES, RATE, encode, integers, refusal, sweep, wav_bytes


@pytest.mark.parametrize("found", [np.nan, np.inf, -np.inf])
def test_no_numbers_are_told_with_their_place(tmp_path, found):
    samples = sweep(RATE, RATE)
    samples[1, 22_050] = found
    samples[0, 30_000] = np.nan
    soundfile.write(tmp_path / "a.wav", samples.T, RATE, subtype="FLOAT")
    with open_source(tmp_path / "a.wav") as source:
        source.read(0, 22_050)
        with pytest.raises(SourceError, match=rf"a\.wav: holds a sample that is no number \({found}\) at 0\.500 s"):
            source.read(20_000, 20_000)


def test_a_sample_beyond_any_sound_is_told_and_integers_read_as_floats_are_sound(tmp_path):
    samples = sweep(RATE, RATE)
    samples[1, 22_050], samples[0, 100] = -1e20, 2.0**31
    soundfile.write(tmp_path / "a.wav", samples.T, RATE, subtype="DOUBLE")
    with open_source(tmp_path / "a.wav") as source:
        assert source.read(0, 22_050).max() == 2.0**31
        with pytest.raises(
            SourceError, match=r"a\.wav: holds a sample that is no sound \(-1\.0+\d*e\+20\) at 0\.500 s"
        ):
            source.read(20_000, 20_000)


def test_missing_folder_pipe_and_empty(tmp_path):
    assert "No such file" in refusal(tmp_path / "none.wav")
    (tmp_path / "folder.wav").mkdir()
    assert "is a folder" in refusal(tmp_path / "folder.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    assert "not a regular file" in refusal(tmp_path / "pipe.wav")
    (tmp_path / "empty.wav").touch()
    assert "is empty (0 bytes)" in refusal(tmp_path / "empty.wav")
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nowhere")
    assert "No such file" in refusal(tmp_path / "dangling.wav")
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    assert "symbolic links" in refusal(tmp_path / "loop.wav")


def test_no_permission():
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        path = Path(name) / "a.wav"
        soundfile.write(path, np.zeros(10), RATE)
        path.chmod(0)
        owner = os.geteuid()
        if owner == 0:  # nothing is forbidden to root
            os.seteuid(65_534)
        try:
            with pytest.raises(SourceError, match=r"a\.wav: cannot be read \(Permission denied\); check"):
                probe(path)
        finally:
            os.seteuid(owner)


@pytest.mark.parametrize("name", ["a.wav", "a.snd", "a.vox", "a.raw", "a.mp3", "a.flac"])
def test_text_is_no_sound_whatever_its_name(tmp_path, name):
    (tmp_path / name).write_text("This is a letter, not a recording.\n" * 200)
    assert "cannot be read as sound" in refusal(tmp_path / name)


def test_a_playlist_opens_nothing(tmp_path):
    encode(tmp_path / "secret.mp4", "mp4", "aac", RATE, sweep(FRAMES, RATE))
    (tmp_path / "a.wav").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    assert "cannot be read as sound" in refusal(tmp_path / "a.wav")
    (tmp_path / "a.wav").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.mp4\n#EXT-X-ENDLIST\n")
    assert "cannot be read as sound" in refusal(tmp_path / "a.wav")


def test_zero_frames(tmp_path):
    for name, subtype in (
        ("a.wav", "PCM_16"),
        ("a.aiff", "PCM_16"),
        ("a.w64", "PCM_16"),
        ("a.rf64", "FLOAT"),
    ):
        soundfile.write(tmp_path / name, np.zeros((0, 2)), RATE, subtype=subtype)
        assert "(0 frames)" in refusal(tmp_path / name)
    with soundfile.SoundFile(tmp_path / "tagged.wav", "w", RATE, 1, "PCM_16") as file:
        file.title = "a chunk after the empty one"
    assert "(0 frames)" in refusal(tmp_path / "tagged.wav")


def test_no_audio_stream(tmp_path):
    with av.open(str(tmp_path / "silent.mp4"), "w") as output:
        video = output.add_stream("mpeg4", rate=25)
        video.width = video.height = 64
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        output.mux(video.encode(frame))
        output.mux(video.encode(None))
    assert "no audio stream" in refusal(tmp_path / "silent.mp4")


@pytest.mark.parametrize("kept", [4, 11, 20, 30, 36, 40, 43])
def test_a_header_cut_anywhere(tmp_path, kept):
    (tmp_path / "a.wav").write_bytes(wav_bytes(integers(16) / 2.0**15)[:kept])
    told = "(0 frames)" if kept == 43 else "cannot be read as sound (libsndfile: "
    assert told in refusal(tmp_path / "a.wav")


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.mp3", "a.aiff", "a.caf", "a.w64", "a.m4a", "a.mkv"])
def test_any_header_cut_off(tmp_path, name):
    if name in ("a.m4a", "a.mkv"):
        encode(tmp_path / name, "mp4" if name == "a.m4a" else "matroska", "aac", RATE, sweep(FRAMES, RATE))
    else:
        soundfile.write(tmp_path / name, sweep(FRAMES, RATE).T, RATE)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:40])
    refusal(tmp_path / name)


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        *[("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAVEX", "PCM_16"), ("RF64", "PCM_16")],
        *[("AIFF", "PCM_16"), ("W64", "PCM_16"), ("AU", "PCM_16")],
    ],
)
def test_cut_data_are_counted_in_frames(tmp_path, container, subtype):
    samples = sweep(FRAMES, RATE)
    soundfile.write(tmp_path / "a", samples.T, RATE, format=container, subtype=subtype)
    frame_bytes = 2 * {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}[subtype]
    data = (tmp_path / "a").read_bytes()
    start = len(data) - FRAMES * frame_bytes  # the samples stand last in all of these
    (tmp_path / "a").write_bytes(data[: start + 30_000 * frame_bytes])
    assert f"promises {FRAMES} frames, it holds 30000" in refusal(tmp_path / "a")


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        ("FLAC", "PCM_16"),
        ("MP3", "MPEG_LAYER_III"),
        ("CAF", "PCM_16"),
        ("CAF", "ALAC_16"),
        ("WAV", "IMA_ADPCM"),
    ],
)
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.97])
def test_cut_data_of_other_codings(tmp_path, container, subtype, kept):
    soundfile.write(tmp_path / "a", sweep(10 * FRAMES, RATE).T, RATE, format=container, subtype=subtype)
    data = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(data[: int(kept * len(data))])
    with (
        pytest.raises(SourceError, match=r"a: is cut short: its header promises \d+ (frames|bytes), it holds"),
        open_source(tmp_path / "a"),
    ):
        pass


@pytest.mark.parametrize(("name", "container"), [("a.mp4", "mp4"), ("fast.mp4", "mp4"), ("a.mkv", "matroska")])
def test_cut_data_of_ffmpeg(tmp_path, name, container):
    options = {"movflags": "faststart"} if name == "fast.mp4" else {}
    encode(tmp_path / name, container, "aac", RATE, sweep(FRAMES, RATE), picture=True, **options)
    probe(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(0.7 * len(data))])
    assert "is cut short: its header promises" in refusal(tmp_path / name)


def test_damage_in_the_middle_is_no_silence(tmp_path):
    soundfile.write(tmp_path / "a.flac", sweep(10 * FRAMES, RATE).T, RATE)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 20_000] = bytes(20_000)
    (tmp_path / "a.flac").write_bytes(data)
    with (
        open_source(tmp_path / "a.flac") as source,
        pytest.raises(SourceError, match=r"a\.flac: is (damaged|cut)"),
    ):
        for start in range(0, source.info.frames - RATE, RATE):
            source.read(start, RATE)


@pytest.mark.parametrize(
    ("offset", "form", "value", "told"),
    [
        (2, "<H", 0, "cannot be read as sound"),
        (2, "<H", 65_535, "cannot be read as sound"),
        (2, "<H", 300, "claims 300 channels"),
        (4, "<I", 0, "cannot be read as sound"),
        (4, "<I", 3, "claims 2 channels at 3 Hz"),
        (4, "<I", 0x7FFFFFFF, "at 2147483647 Hz"),
        (4, "<I", 0xFFFFFFFF, "cannot be read as sound"),
        (14, "<H", 77, "cannot be read as sound"),
        (0, "<H", 0x2000, "cannot be read as sound"),
    ],
)
def test_absurd_header_values(tmp_path, offset, form, value, told):
    data = wav_bytes(integers(16) / 2.0**15)
    struct.pack_into(form, data, data.index(b"fmt ") + 8 + offset, value)
    (tmp_path / "a.wav").write_bytes(data)
    assert told in refusal(tmp_path / "a.wav")


def test_a_flac_that_claims_a_day(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.zeros(100), RATE)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] |= 0x08
    (tmp_path / "a.flac").write_bytes(data)
    assert "promises 34359738468 frames, it holds fewer" in refusal(tmp_path / "a.flac")
