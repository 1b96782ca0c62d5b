"""A batch mirrors videos to videos: resumed, killed, foreseen, shown."""

import signal
import subprocess
import sys

import numpy as np
import pytest

from scripts.bench.films import RATE, burst, packets, video
from sepkit.audio import decode
from sepkit.audio.read import read_audio
from sepkit.batch import BatchJob, run_batch
from sepkit.batch.film import heard
from sepkit.batch.later_pages import again
from sepkit.batch.single import run_files
from sepkit.config import parse_config
from tests.batch.folders import PASSTHROUGH

CONFIG = PASSTHROUGH + "output: {format: source}\nevaluate: {batch_metrics: []}\n"

CHILD = """
import os, signal, sys
from pathlib import Path
from sepkit.audio.video import remux
from sepkit.batch import BatchJob, run_batch
from sepkit.config import parse_config

copied = remux._packets
def killed(*arguments):
    for number, packet in enumerate(copied(*arguments)):
        if number == 30:
            os.kill(os.getpid(), signal.SIGKILL)
        yield packet
remux._packets = killed
run_batch(BatchJob(parse_config(sys.argv[3]), Path(sys.argv[1]), Path(sys.argv[2]), quiet=True))
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in/sub").mkdir(parents=True)
    for number, name in enumerate(("one.mp4", "sub/two.mp4")):
        video(tmp_path / "in" / name, [burst(RATE, seed=number)])
    return tmp_path


def job(folder, config=CONFIG, **more):
    return BatchJob(parse_config(config), folder / "in", folder / "out", "**/*.mp4", quiet=True, **more)


def left(folder):
    return sorted(path.relative_to(folder / "out").as_posix() for path in (folder / "out").rglob("*.mp4"))


def test_videos_are_mirrored_and_done_once(folder):
    report = run_batch(job(folder))
    assert report.exit_code == 0 and left(folder) == ["one__speech_only.mp4", "sub/two__speech_only.mp4"]
    for name in ("one", "sub/two"):
        source, result = folder / f"in/{name}.mp4", folder / f"out/{name}__speech_only.mp4"
        assert packets(result) == packets(source)
    assert len(run_batch(job(folder)).with_status("skipped")) == 2


def test_a_killed_run_leaves_no_half_video_and_is_taken_up(folder):
    command = [sys.executable, "-c", CHILD, folder / "in", folder / "out", CONFIG]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert left(folder) == []
    assert list((folder / "out").glob(".sepkit-work-*/.sepkit-*.part"))  # what it was at
    report = run_batch(job(folder))
    assert report.exit_code == 0 and left(folder) == ["one__speech_only.mp4", "sub/two__speech_only.mp4"]
    assert not list((folder / "out").rglob(".sepkit-work-*"))


def test_results_change_with_what_is_asked_for(folder):
    run_batch(job(folder))
    report = run_batch(job(folder, CONFIG.replace("source", "same")))
    assert len(report.with_status("done")) == 2 and left(folder) == []
    assert (folder / "out/one__speech_only.flac").is_file()
    assert "removed one__speech_only.mp4" in report.rows[0].note


def test_the_disk_counts_what_is_copied(folder):
    sounds = run_batch(job(folder, CONFIG.replace("source", "same"), dry_run=True)).estimate
    videos = run_batch(job(folder, dry_run=True)).estimate
    copied = sum(path.stat().st_size for path in (folder / "in").rglob("*.mp4"))
    assert videos.disk_bytes - sounds.disk_bytes == copied
    run_batch(job(folder))
    assert sum((folder / "out" / name).stat().st_size for name in left(folder)) <= videos.disk_bytes


def test_a_video_has_its_page_and_gets_it_afterwards_too(folder):
    report = run_batch(job(folder, CONFIG + "report: {pages: 5}\n"))
    page = folder / "out/report/one.mp4.html"
    assert report.exit_code == 0 and "one__speech_only.mp4" in page.read_text(encoding="utf-8")
    page.unlink()
    made = again(folder / "out", lambda items: items)
    assert (made.problems, made.made) == ([], 1)
    assert "one__speech_only.mp4" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(("tracks", "asked"), [("replace", "2"), ("add", "1"), ("add", "2")])
def test_what_a_page_hears_of_a_video_is_the_new_track(tmp_path, tracks, asked):
    """Its witness is the level, which the old tracks do not have."""
    sounds = [burst(RATE), burst(RATE, seed=1)]
    source = video(tmp_path / "in.mkv", sounds)
    told = f"output: {{format: source, video_tracks: {tracks}}}\nsource: {{track: {asked}}}\n"
    config = parse_config("members: [{separator: passthrough}]\npost_mask: null\nequalise: null\n" + told)
    config = config.model_copy(
        update={"loudness": config.loudness.model_copy(update={"target_lufs": -30.0, "least_speech_s": 0.0})}
    )
    assert run_files([str(source)], str(tmp_path / "out"), config).exit_code == 0
    (tmp_path / "work").mkdir()
    found = heard({"speech": tmp_path / "out/in__speech_only.mkv"}, source, config, tmp_path / "work")
    samples = read_audio(found["speech"]).samples
    old = sounds[int(asked) - 1]
    assert np.corrcoef(samples[0], old[0])[0, 1] > 0.99 and np.std(samples) < 0.5 * np.std(old)


def test_a_sound_is_decoded_to_be_rendered_and_to_be_measured_and_no_more(folder, monkeypatch):
    """Names and stems follow from its beginning. A film of hours takes a minute to decode."""
    decoded = []
    blocks = decode._blocks

    def counted(path, *arguments):
        yield from blocks(path, *arguments)
        decoded.append(path.name)

    monkeypatch.setattr(decode, "_blocks", counted)
    config = parse_config(PASSTHROUGH + "output: {format: source}\nevaluate: {batch_metrics: [{metric: loudness}]}\n")
    run_batch(BatchJob(config, folder / "in", folder / "out", quiet=True))
    run_batch(BatchJob(parse_config(PASSTHROUGH), folder / "in", folder / "sounds", quiet=True))
    assert sorted(decoded) == 3 * ["one.mp4"] + 3 * ["two.mp4"]
