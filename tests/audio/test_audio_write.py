"""Writing: bits that are kept, formats that are chosen, and a file that is whole or absent.

Witnesses: arithmetic on integers, soundfile reading what was written, the rules of formats as a table.
"""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepkit.audio.metadata import Metadata, read_metadata
from sepkit.audio.read import SourceInfo, open_source, probe
from sepkit.audio.riff import Body
from sepkit.audio.write import AudioWriter, output_format
from sepkit.errors import OutputError
from sepkit.files.whole_file import PART_PATTERN

RATE = 44_100
FLOAT_CONTAINERS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU")
FRAMES = 70_001  # more than one stretch of CODED_FRAMES

WAV_SUBTYPES = (("PCM_U8", 8), ("PCM_16", 16), ("PCM_24", 24), ("PCM_32", 32))
CODINGS = [
    *[(container, subtype, bits) for container in ("WAV", "WAVEX", "RF64", "W64") for subtype, bits in WAV_SUBTYPES],
    *[(container, subtype, bits) for container in ("AIFF", "CAF", "AU") for subtype, bits in WAV_SUBTYPES[1:]],
    *[("CAF", "PCM_S8", 8), ("AU", "PCM_S8", 8)],
    *[("FLAC", "PCM_S8", 8), ("FLAC", "PCM_16", 16), ("FLAC", "PCM_24", 24)],
]


def info(name: str = "a.wav", container: str = "WAV", subtype: str = "PCM_16", **other) -> SourceInfo:
    values = {"sample_rate": RATE, "channels": 2, "frames": 10, "lossless": True} | other
    return SourceInfo(Path(name), container=container, subtype=subtype, **values)


def integers(bits: int, channels: int = 2, frames: int = FRAMES) -> np.ndarray:
    top = 2 ** (bits - 1)
    values = np.random.default_rng(bits).integers(-top, top, (channels, frames))
    values[:, 100], values[:, 101] = top - 1, -top
    return values


@pytest.mark.parametrize(("container", "subtype", "bits"), CODINGS)
def test_what_passes_through_keeps_every_bit(tmp_path, container, subtype, bits):
    """Up to 24 bits: float32 holds no more. Of 32 bits the upper 24 or so stay."""
    values = integers(bits)
    written = (values.T << (32 - bits)).astype(np.int32)
    soundfile.write(tmp_path / "in", written, RATE, format=container, subtype=subtype)
    with (
        open_source(tmp_path / "in") as source,
        AudioWriter(tmp_path / "out", RATE, 2, container, subtype, frames=FRAMES) as writer,
    ):
        for start in range(0, FRAMES, 30_000):
            writer.write(source.read(start, min(30_000, FRAMES - start)))
    found, rate = soundfile.read(tmp_path / "out", dtype="int32")
    assert rate == RATE and (
        soundfile.info(tmp_path / "out").subtype,
        soundfile.info(tmp_path / "out").format,
    ) == (subtype, container)
    if bits <= 24:
        np.testing.assert_array_equal(found, written)
    else:
        np.testing.assert_allclose(found.astype(np.int64), written, atol=2**7)  # half a step of 24 bits


def test_floats_keep_every_bit_and_have_no_clock_in_them(tmp_path):
    samples = (np.random.default_rng(0).standard_normal((2, FRAMES)) * 3).astype(np.float32)
    codings = [(container, coding) for container in FLOAT_CONTAINERS for coding in ("FLOAT", "DOUBLE")]
    for run in "ab":
        for container, coding in codings:
            with AudioWriter(tmp_path / f"{container}.{coding}.{run}", RATE, 2, container, coding) as writer:
                writer.write(samples)
        time.sleep(1.01)  # the clock that libsndfile notes has whole seconds
    for container, coding in codings:
        first, second = (tmp_path / f"{container}.{coding}.{run}" for run in "ab")
        assert first.read_bytes() == second.read_bytes(), (container, coding)
        np.testing.assert_array_equal(soundfile.read(first, dtype="float32")[0].T, samples)


@pytest.mark.parametrize(("container", "subtype", "bits"), CODINGS)
def test_beyond_full_scale_nothing_wraps_around(tmp_path, container, subtype, bits):
    ramp = np.array([[-1e9, -3.0, -1.0 - 2.0**-23, -1.0, 1.0 - 2.0**-24, 1.0, 1.0 + 2.0**-23, 2.5, 1e9]], np.float32)
    with AudioWriter(tmp_path / "a", RATE, 1, container, subtype) as writer:
        writer.write(ramp)
    top = 2 ** (bits - 1)
    found = soundfile.read(tmp_path / "a", dtype="int32")[0] >> (32 - bits)
    below = min(top - 1, int(np.rint((1 - 2.0**-24) * top)))
    np.testing.assert_array_equal(found, [-top, -top, -top, -top, below, top - 1, top - 1, top - 1, top - 1])


def test_rounding_is_to_the_nearest_step(tmp_path):
    samples = np.random.default_rng(1).uniform(-1, 1, (1, 1000)).astype(np.float32)
    with AudioWriter(tmp_path / "a.wav", RATE, 1, "WAV", "PCM_16") as writer:
        writer.write(samples)
    found = soundfile.read(tmp_path / "a.wav", dtype="int16")[0] / 2.0**15
    error = np.abs(found - samples[0])[np.abs(samples[0]) < 0.999]
    assert 0.49 * 2.0**-15 < error.max() <= 0.5 * 2.0**-15


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64", "FLAC", "CAF", "AIFF", "W64", "AU"])
def test_tags_where_the_container_holds_them(tmp_path, container):
    tags = {"title": "Tïtle", "artist": "Ä", "comment": "c"}
    with AudioWriter(tmp_path / "a", RATE, 1, container, "PCM_16", Metadata(tags)) as writer:
        writer.write(np.zeros((1, 10), np.float32))
    assert read_metadata(probe(tmp_path / "a")).tags == ({} if container in ("W64", "AU") else tags)
    lost = ("left out, for", "the tags artist and comment and title")
    assert all(part in "".join(writer.notes) for part in lost) == (container in ("W64", "AU"))


def test_a_long_wav_is_written_as_rf64(tmp_path):
    """4 GiB less 1 MiB of 16-bit stereo is 1 073 479 680 frames; nothing of the size is written here."""
    for frames, container in ((1_073_479_680, "WAV"), (1_073_479_681, "RF64")):
        writer = AudioWriter(tmp_path / "a.wav", RATE, 2, "WAV", "PCM_16", frames=frames)
        with pytest.raises(AssertionError, match=f"10 of {frames} frames"), writer:
            writer.write(np.zeros((2, 10), np.float32))
            part = next(tmp_path.glob(PART_PATTERN))
            writer._file.flush()
            assert part.read_bytes()[:4] == {"WAV": b"RIFF", "RF64": b"RF64"}[container]
        scene = Metadata(chunks=(Body(b"iXML", b"x"),))  # what belongs to the file takes room too
    assert AudioWriter(tmp_path / "a.wav", RATE, 2, "WAV", "PCM_16", scene, frames=1_073_479_680)._container == "RF64"
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(OutputError, match=r"a\.aiff: cannot be written \(AIFF ends at 4 GiB\)"),
        AudioWriter(tmp_path / "a.aiff", RATE, 2, "AIFF", "PCM_16") as writer,
    ):
        writer.write(np.broadcast_to(np.float32(0), (2, 2)))
        writer.frames = 1_073_479_680
        writer.write(np.zeros((2, 1), np.float32))
    assert list(tmp_path.iterdir()) == []


def test_the_name_appears_at_the_end_and_replaces_what_was_there(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"old")
    with AudioWriter(tmp_path / "a.wav", RATE, 1, "WAV", "PCM_16") as writer:
        writer.write(np.zeros((1, 10), np.float32))
        assert (tmp_path / "a.wav").read_bytes() == b"old"
        assert all(path.name.startswith(".") for path in tmp_path.iterdir() if path.name != "a.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
    assert probe(tmp_path / "a.wav").frames == 10
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "a.wav").stat().st_mode) == 0o666 & ~umask


def test_an_error_leaves_what_was_there(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"old")
    for error in (ZeroDivisionError, KeyboardInterrupt):
        with pytest.raises(error), AudioWriter(tmp_path / "a.wav", RATE, 1, "WAV", "PCM_16") as writer:
            writer.write(np.zeros((1, 10), np.float32))
            raise error
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["ä" * 125 + ".wav", "x" * 251 + ".wav", "new\nline 🎙.wav", os.fsdecode(b"\xff.wav")])
def test_odd_and_longest_names(tmp_path, name):
    with AudioWriter(tmp_path / name, RATE, 1, "WAV", "PCM_16") as writer:
        writer.write(np.full((1, 10), 0.5, np.float32))
    assert soundfile.read(os.fsencode(tmp_path / name))[0].tolist() == [0.5] * 10


def test_no_place_to_write(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.wav").mkdir()
    for path, told in (
        (tmp_path / "none" / "a.wav", "No such file or directory"),
        (tmp_path / "file" / "a.wav", "Not a directory"),
        (tmp_path / "folder.wav", "is a folder; move it away"),
        (Path("/proc/a.wav"), "a.wav: cannot be written"),
    ):
        with pytest.raises(OutputError, match=told) as caught, AudioWriter(path, RATE, 1, "WAV", "PCM_16"):
            pass
        assert "\n" not in str(caught.value) and ";" in str(caught.value)
    with (
        pytest.raises(OutputError, match="a stage gave NaN or Inf"),
        AudioWriter(tmp_path / "a.wav", RATE, 1, "WAV", "PCM_16") as writer,
    ):
        writer.write(np.array([[0, np.nan]], np.float32))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.wav"]


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("RF64", "FLOAT")])
@pytest.mark.parametrize("room_bytes", [0, 20_000, 79_990])
def test_a_full_disk(tmp_path, container, subtype, room_bytes):
    """A limit on the size of files stands for it: libsndfile is told of both by a write that ends early."""
    if container == "FLAC" and room_bytes == 79_990:
        room_bytes = 40_000
    code = (
        "import resource, sys, pathlib, numpy as np; from sepkit.audio.write import AudioWriter\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room_bytes}, {room_bytes}))\n"
        f"noise = np.random.default_rng(0).uniform(-1, 1, (1, 40_000)).astype('f4')\n"
        f"with AudioWriter(pathlib.Path(sys.argv[1]), 8000, 1, '{container}', '{subtype}') as writer:\n"
        "    writer.write(noise)"
    )
    ran = subprocess.run([sys.executable, "-c", code, tmp_path / "a"], check=False, capture_output=True, text=True)
    last = ran.stderr.strip().splitlines()[-1]
    assert last.startswith(f"sepkit.errors.OutputError: {tmp_path / 'a'}: cannot be written (")
    assert "free space" in last
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "format", "bit_depth", "expected"),
    [
        # lossless sources stay what they are
        (info(), "same", "same", (".wav", "WAV", "PCM_16")),
        (info("a.WAV", subtype="PCM_U8"), "same", "same", (".WAV", "WAV", "PCM_U8")),
        (info(subtype="DOUBLE"), "same", "same", (".wav", "WAV", "DOUBLE")),
        (info("a.flac", "FLAC", "PCM_24"), "same", "same", (".flac", "FLAC", "PCM_24")),
        (info("a.aif", "AIFF", "PCM_S8"), "same", "same", (".aif", "AIFF", "PCM_16")),
        (info("a.wav", "RF64", "FLOAT"), "same", "same", (".wav", "RF64", "FLOAT")),
        (info("a.w64", "W64", "PCM_24"), "same", "same", (".w64", "W64", "PCM_24")),
        (info("a.wav", "WAVEX", "PCM_24", channels=6), "same", "same", (".wav", "WAVEX", "PCM_24")),
        (info("a.caf", "CAF", "ALAC_20"), "same", "same", (".caf", "CAF", "PCM_24")),
        # named for something else than it is
        (info("a.wav", "FLAC", "PCM_16"), "same", "same", (".flac", "FLAC", "PCM_16")),
        # lossy codings
        (info(subtype="ALAW", lossless=False), "same", "same", (".wav", "WAV", "PCM_16")),
        (info("a.mp3", "MP3", "MPEG_LAYER_III", lossless=False), "same", "same", (".flac", "FLAC", "PCM_16")),
        (info("a.mp4", "mov", "", lossless=False), "same", "same", (".flac", "FLAC", "PCM_16")),
        (info("a.mp4", "mov", "", lossless=False), "same", "24", (".flac", "FLAC", "PCM_24")),
        (info("a.mp4", "mov", "", lossless=False), "wav", "same", (".wav", "WAV", "PCM_16")),
        (info("a.ogg", "OGG", "OPUS", lossless=False, channels=9), "same", "same", (".wav", "WAV", "PCM_16")),
        (info("a.m4a", "mov", "PCM_24"), "same", "same", (".flac", "FLAC", "PCM_24")),
        (info("a.mat", "MAT5", "DOUBLE"), "same", "same", (".wav", "WAV", "DOUBLE")),
        # asked for by name
        (info(subtype="PCM_24"), "flac", "same", (".flac", "FLAC", "PCM_24")),
        (info(subtype="PCM_U8"), "flac", "same", (".flac", "FLAC", "PCM_S8")),
        (info(subtype="FLOAT"), "flac", "same", (".flac", "FLAC", "PCM_24")),
        (info(subtype="PCM_32"), "flac", "same", (".flac", "FLAC", "PCM_24")),
        (info(subtype="PCM_16"), "flac", "32f", (".wav", "WAV", "FLOAT")),
        (info(subtype="PCM_16"), "flac", "32", (".wav", "WAV", "PCM_32")),
        (info("a.flac", "FLAC", "PCM_16"), "same", "64f", (".wav", "WAV", "DOUBLE")),
        (info("a.flac", "FLAC", "PCM_S8"), "wav", "same", (".wav", "WAV", "PCM_U8")),
        (info("a.wav", "RF64", "PCM_16"), "wav", "24", (".wav", "RF64", "PCM_24")),
        (info("a.aiff", "AIFF", "FLOAT"), "same", "16", (".aiff", "AIFF", "PCM_16")),
        (info(channels=9), "flac", "same", (".wav", "WAV", "PCM_16")),
        (info(sample_rate=655_351), "flac", "same", (".wav", "WAV", "PCM_16")),
        (info(sample_rate=655_350, channels=8), "flac", "same", (".flac", "FLAC", "PCM_16")),
    ],
)
def test_formats(tmp_path, source, format, bit_depth, expected):
    suffix, container, subtype = output_format(source, format, bit_depth)
    assert (suffix, container, subtype) == expected
    path = tmp_path / f"a{suffix}"
    with AudioWriter(path, source.sample_rate, source.channels, container, subtype) as writer:
        writer.write(np.full((source.channels, 5), 0.5, np.float32))
    found = soundfile.info(path)
    assert (found.format, found.subtype, found.samplerate, found.channels, found.frames) == (
        container,
        subtype,
        source.sample_rate,
        source.channels,
        5,
    )


def test_standard_output(tmp_path):
    (tmp_path / "a.wav").write_bytes(os.urandom(3_000_000))
    code = "import sys, pathlib, sepkit.audio.write as w; w.write_stdout(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(tmp_path / "a.wav")]
    ran = subprocess.run(command, capture_output=True, check=True)
    assert ran.stdout == (tmp_path / "a.wav").read_bytes() and ran.stderr == b""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(10)
        process.stdout.close()
        told = process.stderr.read().decode().strip().splitlines()
    assert told[-1].startswith("sepkit.errors.OutputError: standard output: ended early (Broken pipe); ")
    assert "Exception ignored" not in "".join(told)
