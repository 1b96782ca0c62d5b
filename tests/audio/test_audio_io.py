"""Reading: every container to the sample, from any place, and one clear line for what cannot be read.

Witnesses: arithmetic on integers (full scale is 2^(bits−1)), soundfile reading the same file whole, and the
signal that was encoded.
"""

import io
import os
import struct
import subprocess
import sys
import tracemalloc

import mutagen.id3
import numpy as np
import pytest
import soundfile

from sepkit.audio.metadata import read_metadata
from sepkit.audio.read import audio_source, open_source, probe, read_audio
from sepkit.audio.samples import Audio
from sepkit.audio.standard_input import stdin_source
from sepkit.errors import SourceError
from tests.audio.sources import FRAMES, RATE, encode, integers, sweep, wav_bytes


@pytest.mark.parametrize(
    ("container", "subtype", "bits"),
    [
        *[("WAV", f"PCM_{name}", bits) for name, bits in (("U8", 8), ("16", 16), ("24", 24), ("32", 32))],
        *[("WAVEX", "PCM_24", 24), ("RF64", "PCM_16", 16), ("W64", "PCM_24", 24), ("AU", "PCM_16", 16)],
        *[("AIFF", "PCM_S8", 8), ("AIFF", "PCM_24", 24), ("CAF", "PCM_32", 32)],
        *[("FLAC", "PCM_S8", 8), ("FLAC", "PCM_16", 16), ("FLAC", "PCM_24", 24)],
        *[("CAF", "ALAC_16", 16), ("CAF", "ALAC_24", 24)],
    ],
)
def test_integers_come_in_exactly_from_any_place(tmp_path, container, subtype, bits):
    values = integers(bits, channels=3)
    if subtype == "ALAC_24":  # libsndfile's own encoder garbles 24-bit white noise at full scale
        values //= 16
    written = (values.T << (32 - bits)).astype(np.int32)
    soundfile.write(tmp_path / "a", written, RATE, format=container, subtype=subtype)
    with open_source(tmp_path / "a") as source:
        info = source.info
        assert (info.sample_rate, info.channels, info.frames) == (RATE, 3, FRAMES)
        assert (info.container, info.subtype, info.lossless) == (container, subtype, True)
        expected = (values / 2.0 ** (bits - 1)).astype(np.float32)
        for start, frames in (
            (0, FRAMES),
            (30_001, 9_000),
            (5, 1),
            (FRAMES - 1, 1),
            (FRAMES, 0),
            (17, 20_000),
        ):
            np.testing.assert_array_equal(source.read(start, frames), expected[:, start : start + frames])
        with pytest.raises(AssertionError):
            source.read(FRAMES - 5, 6)
        with pytest.raises(AssertionError):
            source.read(-1, 2)
    assert probe(tmp_path / "a") == info


@pytest.mark.parametrize(("subtype", "dtype"), [("FLOAT", np.float32), ("DOUBLE", np.float64)])
def test_floats_come_in_exactly_also_beyond_full_scale(tmp_path, subtype, dtype):
    values = (np.random.default_rng(0).standard_normal((2, FRAMES)) * 4).astype(dtype)
    soundfile.write(tmp_path / "a.wav", values.T, RATE, subtype=subtype)
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav").samples, values.astype(np.float32))


@pytest.mark.parametrize(
    ("container", "subtype", "rate"),
    [
        *[("OGG", "VORBIS", 44_100), ("OGG", "OPUS", 48_000), ("MP3", "MPEG_LAYER_III", 44_100)],
        *[("MP3", "MPEG_LAYER_III", 22_050), ("WAV", "ALAW", 8_000), ("WAV", "MS_ADPCM", 44_100)],
    ],
)
def test_lossy_files_have_every_frame_in_its_place(tmp_path, container, subtype, rate):
    samples = sweep(FRAMES, rate)
    soundfile.write(tmp_path / "a", samples.T, rate, format=container, subtype=subtype)
    whole, _ = soundfile.read(tmp_path / "a", dtype="float32")
    with open_source(tmp_path / "a") as source:
        assert (source.info.container, source.info.subtype, source.info.lossless) == (
            container,
            subtype,
            False,
        )
        assert source.info == probe(tmp_path / "a")
        assert abs(source.info.frames - FRAMES) < (1024 if subtype == "MS_ADPCM" else 1)  # ADPCM fills its blocks
        read = source.read(0, source.info.frames)
        # MP3 read in blocks differs from MP3 read at once in the last bit of a float.
        np.testing.assert_allclose(read, whole.T, atol=1e-6)
        np.testing.assert_array_equal(source.read(30_001, 5000), read[:, 30_001:35_001])
    error_db = 10 * np.log10(np.mean((read[:, :FRAMES] - samples) ** 2) / np.mean(samples**2))
    assert error_db < -20  # one frame of shift alone would be −11 dB at 3 kHz and 44.1 kHz, an added delay far more


@pytest.mark.parametrize(
    ("name", "container", "codec", "rate", "named", "tail_frames"),
    [
        *[("a.m4a", "mp4", "aac", 44_100, "mov", 1), ("a.mov", "mov", "aac", 48_000, "mov", 1)],
        *[
            ("a.mkv", "matroska", "aac", 44_100, "matroska", 1024),
            ("a.webm", "webm", "libopus", 48_000, "matroska", 1),
        ],
        *[("a.mp4", "mp4", "aac", 48_000, "mov", 1)],
    ],
)
def test_ffmpeg_files_begin_where_the_sound_began(tmp_path, name, container, codec, rate, named, tail_frames):
    samples = sweep(FRAMES, rate)
    encode(tmp_path / name, container, codec, rate, samples, picture=name == "a.mp4")
    with open_source(tmp_path / name) as source:
        info = source.info
        assert (info.sample_rate, info.channels, info.container) == (rate, 2, named)
        assert (info.subtype, info.lossless) == ("", False)
        assert FRAMES <= info.frames < FRAMES + tail_frames  # AAC fills its last packet, and MP4 alone says how far
        tags = read_metadata(info).tags
        assert tags["title"] == "Tïtle" and tags["artist"] == "Ärtist"
        read = source.read(0, info.frames)
        np.testing.assert_array_equal(source.read(20_001, 3000), read[:, 20_001:23_001])
    assert probe(tmp_path / name) == info
    inner = slice(2000, FRAMES - 2000)
    error_db = 10 * np.log10(np.mean((read[:, inner] - samples[:, inner]) ** 2) / np.mean(samples**2))
    assert error_db < -30


@pytest.mark.parametrize(
    ("name", "container", "codec", "subtype", "step"),
    [("a.m4a", "mp4", "alac", "PCM_24", 2.0**-23), ("a.mkv", "matroska", "flac", "PCM_16", 2.0**-15)],
)
def test_lossless_streams_of_ffmpeg_are_told_as_such(tmp_path, name, container, codec, subtype, step):
    samples = sweep(FRAMES, RATE)
    encode(tmp_path / name, container, codec, RATE, samples)
    info = probe(tmp_path / name)
    assert (info.frames, info.subtype, info.lossless) == (FRAMES, subtype, True)
    np.testing.assert_allclose(read_audio(tmp_path / name).samples, samples, atol=step)


def test_wavs_that_say_0_bytes_are_read_to_their_end(tmp_path):
    for subtype, bits in (("PCM_U8", 8), ("PCM_16", 16), ("PCM_24", 24), ("PCM_32", 32)):
        values = integers(bits, channels=5)
        file = io.BytesIO()
        written = (values.T << (32 - bits)).astype(np.int32)
        soundfile.write(file, written, RATE, format="WAV", subtype=subtype)
        streamed = bytearray(file.getvalue())
        streamed[4:8] = b"\xff" * 4
        at = streamed.index(b"data") + 4
        streamed[at : at + 4] = bytes(4)
        (tmp_path / "a.wav").write_bytes(streamed)
        info = probe(tmp_path / "a.wav")
        assert (info.container, info.subtype, info.channels, info.frames) == ("WAV", subtype, 5, FRAMES)
        expected = (values / 2.0 ** (bits - 1)).astype(np.float32)
        np.testing.assert_array_equal(read_audio(tmp_path / "a.wav").samples, expected)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000, 0x7FFFEFFC, 0x7FFFFFFF, 0x80000000])
def test_wavs_from_a_pipe_do_not_know_their_length(tmp_path, size):
    data = wav_bytes(integers(16) / 2.0**15)
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", size)
    (tmp_path / "a.wav").write_bytes(data)
    np.testing.assert_array_equal(
        read_audio(tmp_path / "a.wav").samples * 2**15,
        np.rint(soundfile.read(tmp_path / "a.wav")[0].T * 2**15),
    )
    assert probe(tmp_path / "a.wav").frames == FRAMES


def test_a_flac_from_a_pipe_does_not_know_its_length(tmp_path):
    values = integers(16)
    soundfile.write(tmp_path / "a.flac", values.T.astype(np.int16), RATE)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] &= 0xF0  # STREAMINFO's 36 bits of total samples begin in the middle of byte 21 (RFC 9639, 8.2)
    data[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(data)
    info = probe(tmp_path / "a.flac")
    assert (info.frames, info.lossless, info.subtype) == (FRAMES, True, "PCM_16")
    np.testing.assert_array_equal(read_audio(tmp_path / "a.flac").samples * 2**15, values)


def test_tags(tmp_path):
    for container in ("WAV", "FLAC", "RF64", "CAF"):
        with soundfile.SoundFile(tmp_path / "a", "w", RATE, 1, "PCM_16", format=container) as file:
            file.title, file.artist, file.software = "Tïtle", "Ä", "other"
            file.write(np.zeros(100))
        assert read_metadata(probe(tmp_path / "a")).tags == {"title": "Tïtle", "artist": "Ä"}
    soundfile.write(tmp_path / "a.mp3", np.zeros(RATE), RATE)
    mutagen.id3.ID3().save(tmp_path / "a.mp3")
    tags = mutagen.id3.ID3(tmp_path / "a.mp3")
    tags.add(mutagen.id3.TIT2(encoding=1, text="Tïtle"))
    tags.add(mutagen.id3.TRCK(encoding=3, text="7"))
    tags.save()
    assert read_metadata(probe(tmp_path / "a.mp3")).tags == {"title": "Tïtle", "tracknumber": "7"}


def test_sound_in_memory_reads_like_a_file():
    audio = Audio(sweep(1000, 8000), 8000)
    source = audio_source(audio)
    assert (source.info.frames, source.info.channels, source.info.sample_rate) == (1000, 2, 8000)
    np.testing.assert_array_equal(source.read(10, 20), audio.samples[:, 10:30])
    with pytest.raises(AssertionError):
        source.read(990, 11)
    with pytest.raises(SourceError, match=r"\(nan\) at 0.010 s"):
        audio_source(Audio(np.full((1, 100), np.nan), 100)).read(1, 5)


def test_a_piece_in_memory(tmp_path):
    values = integers(16, channels=1)
    soundfile.write(tmp_path / "a.wav", values.T.astype(np.int16), RATE)
    piece = read_audio(tmp_path / "a.wav", start_s=0.5, longest_s=0.25)
    np.testing.assert_array_equal(piece.samples * 2**15, values[:, 22_050 : 22_050 + 11_025])
    assert read_audio(tmp_path / "a.wav", start_s=1.0).frames == 137
    assert read_audio(tmp_path / "a.wav", longest_s=99).frames == FRAMES


def test_one_sample_and_odd_names(tmp_path):
    for name in ("new\nline.wav", "emoji 🎙️.wav", "ä" * 125 + ".wav", os.fsdecode(b"not\xffutf8.wav")):
        soundfile.write(os.fsencode(tmp_path / name), np.array([0.5]), 8000, format="WAV")
        np.testing.assert_array_equal(read_audio(tmp_path / name).samples, [[0.5]])
        (tmp_path / name).write_bytes(b"no sound at all")
        with pytest.raises(SourceError) as caught:
            probe(tmp_path / name)
        str(caught.value).encode()
        assert "\n" not in str(caught.value)
    path = tmp_path / os.fsdecode(b"\xff.m4a")
    encode(tmp_path / "a.m4a", "mp4", "aac", RATE, sweep(FRAMES, RATE))
    (tmp_path / "a.m4a").rename(path)
    assert probe(path).channels == 2


def test_standard_input(tmp_path, monkeypatch):
    data = bytes(wav_bytes(integers(16) / 2.0**15))

    class Stdin:
        buffer = io.BytesIO(data)

    monkeypatch.setattr(sys, "stdin", Stdin)
    with stdin_source() as path:
        assert path.read_bytes() == data
        assert probe(path).frames == FRAMES
    assert not path.parent.exists()
    with pytest.raises(SourceError, match=r"standard input: is empty \(0 bytes\)"), stdin_source():
        pass


def test_a_pipe_of_the_shell(tmp_path):
    (tmp_path / "a.wav").write_bytes(wav_bytes(integers(16) / 2.0**15))
    code = (
        "from sepkit.audio.read import *\nfrom sepkit.audio.standard_input import *\n"
        "with stdin_source() as path: print(probe(path).frames)"
    )
    with (tmp_path / "a.wav").open("rb") as file:
        ran = subprocess.run([sys.executable, "-c", code], stdin=file, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(FRAMES)


def test_tags_that_are_not_utf8_do_not_stop_the_reading(tmp_path):
    encode(tmp_path / "a.m4a", "mp4", "aac", RATE, sweep(FRAMES, RATE))
    data = (tmp_path / "a.m4a").read_bytes()
    (tmp_path / "a.m4a").write_bytes(data.replace("Tïtle".encode(), b"T\xef\xeftle"))
    assert read_metadata(probe(tmp_path / "a.m4a")).tags["title"] == "Tïïtle"


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_reading_two_channels_of_many_holds_little_more_than_these(tmp_path, kind):
    """Witness: soundfile. 8 channels of 3,000,000 frames are 96 MB in memory, two of them 24."""
    path, frames = tmp_path / f"wide.{kind}", 3_000_000
    samples = (np.arange(8 * frames, dtype=np.int32) % 30_011).astype(np.int16).reshape(frames, 8)
    soundfile.write(path, samples, 655_350, subtype="PCM_16")
    expected = samples[5:-1, 4:6].T / np.float32(2**15)
    del samples
    with open_source(path) as source:
        tracemalloc.start()
        found = source.read(5, frames - 6, range(4, 6))
        held_mb = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
    np.testing.assert_array_equal(found, expected)
    assert held_mb < 24 + 45, held_mb
