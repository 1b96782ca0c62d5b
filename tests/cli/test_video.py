"""Videos of videos: what `run`, `edit` and `batch` leave, its names, and what is said where that cannot be."""

import subprocess
import sys

import av
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from scripts.bench.films import RATE, burst, packets, time_of, video
from sepkit.batch.single import run_files
from sepkit.cli import main
from sepkit.config import parse_config
from tests.audio.timed import timed

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
def film(tmp_path):
    (tmp_path / "in").mkdir()
    labels = ({"language": "eng", "title": "Talk"}, {"language": "deu"})
    return video(tmp_path / "in/film.mkv", [FIRST, SECOND], labels=labels, dispositions=("default", "comment"))


def sepkit(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


def sounds(path):
    with av.open(str(path)) as opened:
        return [
            (each.metadata.get("language"), each.metadata.get("title"), each.disposition)
            for each in opened.streams.audio
        ]


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_of_a_video_comes_that_video_with_the_speech(tmp_path, film, config):
    before = film.read_bytes()
    done = sepkit("run", film, "-o", tmp_path / "out", *config)
    assert done.exit_code == 0, done.stderr
    result = tmp_path / "out/film__speech_only.mkv"
    assert names(tmp_path / "out") == ["film__speech_only.mkv"] and f"→ {result}: " in done.stderr
    assert packets(result) == packets(film) and sounds(result) == sounds(film)
    assert time_of(result, FIRST, 0) == 0 and packets(result, "audio")[1] == packets(film, "audio")[1]
    assert film.read_bytes() == before


def test_the_sound_alone_where_that_is_asked_for(tmp_path, film, config):
    assert sepkit("run", film, "-o", tmp_path / "out", "--no-video", *config).exit_code == 0
    assert names(tmp_path / "out") == ["film__speech_only.flac"]
    assert sepkit("run", film, "-o", tmp_path / "talk.wav", *config).exit_code == 0
    assert soundfile.info(tmp_path / "talk.wav").format == "WAV"
    (tmp_path / "flac.yaml").write_text(CONFIG + "output: {format: flac}\n")
    assert sepkit("run", film, "-o", tmp_path / "flac", "--config", tmp_path / "flac.yaml").exit_code == 0
    assert names(tmp_path / "flac") == ["film__speech_only.flac"]
    assert sepkit("run", film, "-o", tmp_path / "v", "--video", "--config", tmp_path / "flac.yaml").exit_code == 0
    assert names(tmp_path / "v") == ["film__speech_only.mkv"]


def test_a_video_by_its_name(tmp_path, film, config):
    assert sepkit("run", film, "-o", tmp_path / "clean.mkv", *config).exit_code == 0
    assert packets(tmp_path / "clean.mkv") == packets(film)
    other = sepkit("run", film, "-o", tmp_path / "clean.mp4", *config)
    assert other.exit_code == 2 and "clean.mp4: this source's result is a .mkv, for a video keeps" in other.stderr
    both = sepkit("run", film, "-o", tmp_path / "clean.mkv", "--no-video", *config)
    assert both.exit_code == 2 and "contradict each other" in both.stderr
    soundfile.write(tmp_path / "talk.wav", FIRST.T, RATE)
    sound = sepkit("run", tmp_path / "talk.wav", "-o", tmp_path / "talk.mp4", *config)
    assert sound.exit_code == 2 and "no other source gives one; name it talk.wav" in sound.stderr


def test_tracks_beside_the_old_ones(tmp_path, film):
    (tmp_path / "add.yaml").write_text(CONFIG + "output: {background: true, video_tracks: add}\n")
    done = sepkit("run", film, "-o", tmp_path / "out", "--track", "deu", "--config", tmp_path / "add.yaml")
    assert done.exit_code == 0, done.stderr
    assert names(tmp_path / "out") == ["film__speech_only.mkv"]
    result = tmp_path / "out/film__speech_only.mkv"
    none = av.stream.Disposition(0)
    assert sounds(result) == [*sounds(film), ("deu", "Speech", none), ("deu", "Background", none)]
    assert packets(result, "audio")[:2] == packets(film, "audio") and time_of(result, SECOND, 2) == 0


def test_every_track_in_one_video(tmp_path, film):
    (tmp_path / "all.yaml").write_text(CONFIG + "output: {background: true}\n")
    done = sepkit("run", film, "-o", tmp_path / "out", "--track", "all", "--config", tmp_path / "all.yaml")
    assert done.exit_code == 0, done.stderr
    result = tmp_path / "out/film__speech_only.mkv"
    assert sounds(result) == sounds(film)
    assert [time_of(result, each, number) for number, each in enumerate((FIRST, SECOND))] == [0, 0]
    assert names(tmp_path / "out") == [
        *("film.track1__background.flac", "film.track2__background.flac", "film__speech_only.mkv")
    ]
    assert "track 2: track 2 of 2 (deu)" in done.stderr


def test_the_other_stem_can_be_the_sound(tmp_path, film):
    (tmp_path / "both.yaml").write_text(CONFIG + "output: {background: true}\n")
    options = ("--stem", "background", "--config", tmp_path / "both.yaml")
    assert sepkit("run", film, "-o", tmp_path / "rest.mkv", *options).exit_code == 0
    with av.open(str(tmp_path / "rest.mkv")) as opened:
        assert not np.any([frame.to_ndarray() for frame in opened.decode(audio=0)][:3])  # passthrough leaves none
    assert names(tmp_path)[-2:] == ["rest.mkv", "rest__speech_only.flac"]


def test_a_pipe_takes_the_sound_and_no_video(tmp_path, film, config):
    done = sepkit("run", film, "-o", "-", "--video", *config)
    assert done.exit_code == 2 and "-o -: a video is not written down a pipe" in done.stderr
    command = [sys.executable, "-m", "sepkit", "run", str(film), "-o", "-", *config]
    assert subprocess.run(command, capture_output=True, check=True).stdout.startswith(b"fLaC")


def test_a_video_on_standard_input_and_one_with_the_longest_name(tmp_path, film, config):
    command = [sys.executable, "-m", "sepkit", "run", "-", "-o", str(tmp_path / "out"), *config]
    subprocess.run(command, input=film.read_bytes(), check=True)
    (piped,) = (tmp_path / "out").iterdir()
    assert piped.suffix == ".mkv" and packets(piped) == packets(film)
    long = film.rename(film.with_name("n" * 251 + ".mkv"))
    assert sepkit("run", long, "-o", tmp_path / "long", *config).exit_code == 0
    (result,) = (tmp_path / "long").iterdir()
    assert len(result.name) == 255 and result.name.endswith("__speech_only.mkv") and packets(result) == packets(long)


def test_what_has_no_sound_fails_alone(tmp_path, film, config):
    silent = video(tmp_path / "silent.mp4", [])
    done = sepkit("run", silent, film, "-o", tmp_path / "out", *config)
    assert done.exit_code == 1 and f"{silent}: holds no audio stream; name a file with sound" in done.stderr
    assert names(tmp_path / "out") == ["film__speech_only.mkv"]


def test_an_edit_gives_the_edited_sound(tmp_path, film):
    options = ("--prompt", "speech", "--window", "0.2", "0.3")
    done = sepkit("edit", film, "-o", tmp_path / "out", *options)
    assert done.exit_code == 0, done.stderr
    assert names(tmp_path / "out") == ["film__edited.mkv", "film__taken.flac"]
    result = tmp_path / "out/film__edited.mkv"
    assert packets(result) == packets(film)
    with av.open(str(result)) as after, av.open(str(film)) as before:
        sound = [np.concatenate([f.to_ndarray() for f in each.decode(audio=0)], axis=1) for each in (before, after)]
    assert sound[0].shape == sound[1].shape
    outside = slice(2 * RATE * 3 // 10, None)  # the samples of two channels, side by side
    np.testing.assert_array_equal(sound[1][:, outside], sound[0][:, outside])


def test_voices_are_no_sound_of_a_video(tmp_path, film):
    for asked in ((tmp_path / "out", "--video"), (tmp_path / "out/voice.mkv",)):
        done = sepkit("speakers", film, "-o", *asked, "--config", "speakers_microphones")
        assert done.exit_code == 2 and "gives several voices, none of which is the sound of the video" in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_not_written_comes_as_sound_and_a_line(tmp_path, config):
    source = timed(tmp_path / "old.avi", "avi", "mp2", [[(0, FIRST)]], picture_s=1)
    done = sepkit("run", source, "-o", tmp_path / "out", *config)
    assert done.exit_code == 0 and names(tmp_path / "out") == ["old__speech_only.flac"]
    assert "the picture is left out, since videos are written as MP4, MOV, Matroska, WebM alone" in done.stderr


def test_a_sound_is_as_it_was_before(tmp_path, config):
    soundfile.write(tmp_path / "talk.wav", FIRST.T, RATE)
    for more in ([], ["--video"], ["--no-video"]):
        assert (
            sepkit(
                "run", tmp_path / "talk.wav", "-o", tmp_path / "o", *more, *config, "--overwrite", "always"
            ).exit_code
            == 0
        )
        assert names(tmp_path / "o") == ["talk__speech_only.wav"]


def test_a_gate_sends_the_whole_video_into_quarantine(tmp_path, film):
    (tmp_path / "gate.yaml").write_text(CONFIG + "gate: {speech_s_min: 60}\n")
    done = sepkit("run", film, "-o", tmp_path / "out", "--track", "all", "--config", tmp_path / "gate.yaml")
    assert done.exit_code == 3, done.stderr
    assert names(tmp_path / "out") == ["quarantine/film.mkv__reasons.txt", "quarantine/film__speech_only.mkv"]
    reasons = (tmp_path / "out/quarantine/film.mkv__reasons.txt").read_text().splitlines()
    assert [each.partition(":")[0] for each in reasons] == ["track 1", "track 2"]


def test_the_fingerprint_of_sounds_is_as_it_was():
    plain = parse_config(CONFIG)
    for said in ("format: source", "video_tracks: replace", "format: source, video_tracks: replace"):
        assert parse_config(CONFIG + f"output: {{{said}}}").fingerprint() == plain.fingerprint()
    assert parse_config(CONFIG + "output: {video_tracks: add}").fingerprint() != plain.fingerprint()


def test_in_python_the_format_asks_for_it(tmp_path, film):
    assert run_files([str(film)], str(tmp_path / "out"), parse_config(CONFIG)).exit_code == 0
    assert names(tmp_path / "out") == ["film__speech_only.flac"]
    asked = parse_config(CONFIG + "output: {format: source}")
    assert run_files([str(film)], str(tmp_path / "out"), asked).exit_code == 0
    assert names(tmp_path / "out") == ["film__speech_only.flac", "film__speech_only.mkv"]
