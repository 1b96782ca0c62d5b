"""`--track` and `--salvage`: which sound is taken, and what is said of it."""

import json

import av
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from sepkit.cli import main
from sepkit.config import parse_config
from tests.audio.timed import RATE, burst, timed

CONFIG = (
    "members: [{separator: passthrough}]\npost_mask: null\nequalise: null\nevaluate: {batch_metrics: []}\n"
    "loudness: {target_lufs: -30}\n"
)
FIRST, SECOND = burst(RATE), burst(RATE, seed=1)


@pytest.fixture
def config(tmp_path):
    (tmp_path / "c.yaml").write_text(CONFIG)
    return ["--config", str(tmp_path / "c.yaml")]


@pytest.fixture
def two(tmp_path):
    (tmp_path / "in").mkdir()
    labels = {"language": ["eng", "deu"], "disposition": ["comment", "default"]}
    return timed(tmp_path / "in/talk.mkv", "matroska", "flac", [[(0, FIRST)], [(0, SECOND)]], **labels)


def sepkit(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


def is_of(path, samples):
    """Whether a result is a track at another level."""
    found = soundfile.read(path, dtype="float32")[0].T
    return found.shape == samples.shape and abs(np.corrcoef(found[0], samples[0])[0, 1]) > 0.99


def test_one_track_or_all(tmp_path, two, config):
    out = tmp_path / "out"
    done = sepkit("run", two, "-o", out, *config)
    assert done.exit_code == 0, done.stderr
    assert "of 2 sound tracks, 2 (deu, default) was taken, not 1 (eng)" in done.stderr
    assert is_of(out / "talk__speech_only.flac", SECOND)
    assert sepkit("run", two, "-o", out, "--track", "eng", "--overwrite", "always", *config).exit_code == 0
    assert is_of(out / "talk__speech_only.flac", FIRST)
    done = sepkit("run", two, "-o", out, "--track", "all", *config)
    assert done.exit_code == 0, done.stderr
    assert is_of(out / "talk.track1__speech_only.flac", FIRST)
    assert is_of(out / "talk.track2__speech_only.flac", SECOND)
    assert "; track 1 of 2 (eng)" in done.stderr and "was taken" not in done.stderr


def test_a_batch_takes_one_track_and_says_which(tmp_path, two, config):
    options = ("batch", tmp_path / "in", tmp_path / "out", "--pattern", "*.mkv", *config)
    assert sepkit(*options, "--track", "1").exit_code == 0
    assert is_of(tmp_path / "out/talk__speech_only.flac", FIRST)
    done = sepkit(*options)  # another track is another result
    assert "note: talk.mkv: of 2 sound tracks, 2 (deu, default) was taken" in done.stdout
    assert is_of(tmp_path / "out/talk__speech_only.flac", SECOND)
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["files"][0]["note"].startswith("of 2 sound tracks")
    done = sepkit(*options, "--track", "all")
    assert done.exit_code == 2 and "a batch takes one track" in done.stderr
    assert f"for every track: sepkit run {tmp_path}/in/* -o {tmp_path}/out --track all" in done.stderr


def test_mistakes_are_named(tmp_path, two, config):
    done = sepkit("run", two, "-o", tmp_path / "out", "--track", "0", *config)
    assert done.exit_code == 2 and "--track: '0' found; give a number from 1" in done.stderr
    done = sepkit("run", two, "-o", tmp_path / "out", "--track", "fra", *config)
    assert done.exit_code == 1 and "has no sound track 'fra'" in done.stderr
    assert sepkit("run", two, "-o", "-", "--track", "all", *config).exit_code == 2
    named = sepkit("run", two, "-o", tmp_path / "clean.wav", "--track", "all", *config)
    assert named.exit_code == 2 and "clean.wav: is one file for several results; give -o a folder" in named.stderr


def test_what_is_salvaged_is_marked(tmp_path, config):
    soundfile.write(tmp_path / "a.wav", FIRST.T, RATE)
    data = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(data[: len(data) * 3 // 4])
    done = sepkit("run", tmp_path / "a.wav", "-o", tmp_path / "out", *config)
    assert done.exit_code == 1 and "take what is there with --salvage" in done.stderr
    done = sepkit("run", tmp_path / "a.wav", "-o", tmp_path / "out", "--salvage", *config)
    assert done.exit_code == 0 and "salvaged: the file is cut short" in done.stderr
    with soundfile.SoundFile(tmp_path / "out/a__speech_only.wav") as file:
        assert file.frames == (len(data) * 3 // 4 - 44) // 4
        assert file.copy_metadata()["comment"].startswith("salvaged: the file is cut short: its header promises 48000")


def test_an_mp4_without_its_index_promises_no_salvage(tmp_path, config):
    """Its index is written last; with the index first, what is there is taken."""
    for front in (False, True):
        path = timed(tmp_path / f"{front}.mp4", "mp4", "aac", [[(0, FIRST)]])
        if front:
            index_first(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
        for salvage in ([], ["--salvage"]):
            done = sepkit("run", path, "-o", tmp_path / "out", *salvage, *config)
            assert done.exit_code == (0 if front and salvage else 1), done.stderr
            assert ("its index (moov) is missing, so that nothing can be salvaged" in done.stderr) is not front
            assert ("with --salvage" in done.stderr) is (front and not salvage)


def index_first(path):
    """Copy the packets of an MP4 as they are."""
    whole = path.rename(path.with_name("whole.mp4"))
    with av.open(str(whole)) as given, av.open(str(path), "w", options={"movflags": "faststart"}) as copy:
        stream = copy.add_stream_from_template(given.streams.audio[0])
        for packet in given.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)


def test_the_fingerprint_knows_them_only_where_they_are_said():
    plain = parse_config(CONFIG)
    assert parse_config(CONFIG + "source: {track: default, salvage: false}").fingerprint() == plain.fingerprint()
    assert parse_config(CONFIG + "source: {track: 2}").fingerprint() != plain.fingerprint()
    assert parse_config(CONFIG + "source: {salvage: true}").fingerprint() != plain.fingerprint()
