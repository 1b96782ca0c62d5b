"""`task: dialogue` from a source to its stems, through run, batch, pages, compare and videos.

Witness: a tone for each of the three, found by the Fourier sum in the files: each in its own stem, as loud as in the
mix whatever the members kept of it, and in the remix at the gain that was asked for.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from scripts.bench.films import RATE as FILM_RATE
from scripts.bench.films import heard, packets, video

RATE = 16_000
TONES_HZ = {"speech": 200, "music": 1000, "effects": 5000}
AMPLITUDES = {"speech": 0.2, "music": 0.1, "effects": 0.05}
GAINS_DB = {"speech": 0, "music": -40, "effects": -6}
CONFIG = """
task: dialogue
members: [{separator: sounds, options: {keeps: 0.7}}, {separator: sounds, options: {keeps: 0.9}}]
fuse: {rule: mean, mask: none}
windows: {body_s: 1, crossfade_s: 0.05}
dialogue: {mix_gains_db: {speech: 0, music: -40, effects: -6}}
evaluate: {metrics: [{metric: si_sdr}], batch_metrics: [{metric: loudness}]}
"""


def tone(stem: str, seconds: float = 3.0, rate: int = RATE) -> np.ndarray:
    return AMPLITUDES[stem] * np.sin(2 * np.pi * TONES_HZ[stem] * np.arange(round(seconds * rate)) / rate)


def lay(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        soundfile.write(folder / name, sum(map(tone, TONES_HZ)), RATE, subtype="FLOAT")
    return folder


def amplitude(samples: np.ndarray, stem: str, rate: int = RATE) -> float:
    """Of a stem's tone: twice the Fourier coefficient at its frequency, over a whole number of periods."""
    inside = samples[rate // 2 : 3 * rate // 2]
    return 2 * abs(np.mean(inside * np.exp(-2j * np.pi * TONES_HZ[stem] * np.arange(rate) / rate)))


def check(samples: np.ndarray, name: str, rate: int = RATE, within: float = 0.002) -> None:
    """A stem, or the remix."""
    for stem, level in AMPLITUDES.items():
        gain_db = GAINS_DB[stem] if name == "remix" else 0 if name == stem else -400
        assert amplitude(samples, stem, rate) == pytest.approx(level * 10 ** (gain_db / 20), abs=within), (name, stem)


def sepkit(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.dialogue.command", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def names_on(page: Path) -> set[str]:
    """What can be heard on a page."""
    data = re.search(r'id="page"[^>]*>(.*?)</script>', page.read_text(), re.DOTALL)[1]
    return {track["name"] for track in json.loads(data)["tracks"]}


@pytest.fixture
def config(tmp_path) -> Path:
    (tmp_path / "own.yaml").write_text(CONFIG)
    return tmp_path / "own.yaml"


@pytest.mark.parametrize("fuse", ["rule: mean, mask: none", "rule: mean, mask: power", "rule: max, mask: root"])
def test_each_stem_is_as_loud_as_in_the_mix_and_together_they_are_it(tmp_path, config, fuse):
    config.write_text(CONFIG.replace("rule: mean, mask: none", fuse))
    source = lay(tmp_path / "in", "a.wav") / "a.wav"
    done = sepkit("dialogue", source, "-o", tmp_path / "out", "--config", config)
    assert done.returncode == 0, done.stderr
    found = {path.stem.removeprefix("a__"): soundfile.read(path)[0] for path in (tmp_path / "out").iterdir()}
    assert sorted(found) == ["effects", "music", "remix", "speech"]
    for name, samples in found.items():
        check(samples, name)
    mix = soundfile.read(source)[0]
    np.testing.assert_allclose(found["speech"] + found["music"] + found["effects"], mix, atol=1e-6)
    gains = {stem: 10 ** (gain_db / 20) for stem, gain_db in GAINS_DB.items()}
    np.testing.assert_allclose(found["remix"], sum(gains[stem] * found[stem] for stem in TONES_HZ), atol=1e-6)


def test_gains_of_the_command_line_go_before_and_without_any_there_is_no_remix(tmp_path, config):
    source = lay(tmp_path / "in", "a.wav") / "a.wav"
    asked = ["--gain", "music", "-400", "--gain", "speech", "6"]
    done = sepkit("dialogue", source, "-o", tmp_path / "a.wav", "--config", config, *asked)
    assert done.returncode == 2
    assert "--gain music: Input should be greater than or equal to -120, found -400" in done.stderr
    done = sepkit(
        "dialogue",
        source,
        "-o",
        tmp_path / "a.wav",
        "--config",
        config,
        "--gain",
        "music",
        "-3",
        "--gain",
        "music",
        "-9",
    )
    assert done.returncode == 2 and "--gain music: is given 2 times; give it once" in done.stderr
    asked[2] = "-20"
    done = sepkit("dialogue", source, "-o", tmp_path / "a.wav", "--config", config, *asked)
    assert done.returncode == 0, done.stderr
    remix = soundfile.read(tmp_path / "a.wav")[0]  # one file gets the first stem
    for stem, gain_db in {"speech": 6, "music": -20, "effects": -6}.items():
        assert amplitude(remix, stem) == pytest.approx(AMPLITUDES[stem] * 10 ** (gain_db / 20), rel=0.01)
    config.write_text(re.sub(r"dialogue: .*", "", CONFIG.replace("task: dialogue", "task:  dialogue")))
    assert sepkit("run", source, "-o", tmp_path / "out", "--config", config).returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"a__{stem}.wav" for stem in sorted(TONES_HZ)]


def test_a_batch_has_every_stem_in_journal_report_and_pages(tmp_path, config):
    lay(tmp_path / "in", "a.wav", "b.wav")
    config.write_text(CONFIG + "report: true\n")
    arguments = ["batch", tmp_path / "in", tmp_path / "out", "--config", config]
    assert sepkit(*arguments, "--jobs", 2).stdout.splitlines()[-1] == "2 files: 2 done"
    assert sepkit(*arguments).stdout.splitlines()[-1] == "2 files: 2 already done"
    for row in csv.DictReader((tmp_path / "out/report.csv").open(newline="")):
        # BS.1770: a sine of amplitude 1 at 1 kHz has −3.01 LUFS.
        assert float(row["music loudness_after"]) == pytest.approx(20 * np.log10(0.1) - 3.01, abs=0.1)
    assert names_on(tmp_path / "out/report/a.wav.html") == {"Before", "Speech", "Remix", "Music", "Effects"}
    told = sepkit("plan", tmp_path / "in", "--config", config).stdout
    assert "then: fuse mean, share out, remix speech +0 dB, music -40 dB, effects -6 dB" in told


def test_a_comparison_measures_each_against_its_own_truth(tmp_path, config):
    """SI-SDR of a tone in the whole mix is its power over that of the two others."""
    lay(tmp_path / "set/mix", "a.wav", "b.wav")
    for stem in TONES_HZ:
        (tmp_path / f"set/{stem}").mkdir()
        for name in ("a.wav", "b.wav"):
            soundfile.write(tmp_path / f"set/{stem}/{name}", tone(stem), RATE, subtype="FLOAT")
    done = sepkit("compare", "--config", config, "--set", tmp_path / "set", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text().splitlines()]
    found = {(line["method"], line["mix"]): line["metrics"] for line in lines}
    before, after = found["unprocessed", "a"], found["own", "a"]
    assert before["si_sdr"]["after"] == pytest.approx(10 * np.log10(0.04 / 0.0125), abs=0.01)
    assert before["effects si_sdr"]["after"] == pytest.approx(10 * np.log10(0.0025 / 0.05), abs=0.01)
    assert min(after[f"{stem}si_sdr"]["after"] for stem in ("", "music ", "effects ")) > 30


@pytest.fixture
def film(tmp_path) -> Path:
    (tmp_path / "in").mkdir()
    mix = sum(tone(stem, 2.0, FILM_RATE) for stem in TONES_HZ)
    return video(tmp_path / "in/film.mkv", [np.stack([mix, mix]).astype(np.float32)])


def test_a_video_gets_the_remix_and_its_stems_lie_beside_it(tmp_path, config, film):
    done = sepkit("dialogue", film, "-o", tmp_path / "out", "--config", config)
    assert done.returncode == 0, done.stderr
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {"film__remix.mkv", *(f"film__{stem}.flac" for stem in TONES_HZ)}
    assert packets(tmp_path / "out/film__remix.mkv") == packets(film)
    check(heard(tmp_path / "out/film__remix.mkv")[0][0], "remix", FILM_RATE)
    check(soundfile.read(tmp_path / "out/film__music.flac")[0][:, 0], "music", FILM_RATE)
    done = sepkit("dialogue", film, "-o", tmp_path / "talk.mkv", "--stem", "speech", "--config", config)
    assert done.returncode == 0, done.stderr
    check(heard(tmp_path / "talk.mkv")[0][0], "speech", FILM_RATE)


@pytest.mark.parametrize("tracks", ["add", "replace"])
def test_pages_of_videos_can_be_made_again(tmp_path, config, film, tracks):
    config.write_text(CONFIG + f"report: true\noutput: {{format: source, video_tracks: {tracks}}}\n")
    done = sepkit("batch", film.parent, tmp_path / "out", "--config", config)
    assert done.returncode == 0, done.stderr
    if tracks == "add":
        with av.open(str(tmp_path / "out/film__remix.mkv")) as opened:
            titles = [stream.metadata.get("title") for stream in opened.streams.audio]
        assert titles[1:] == ["Remix", "Speech", "Music", "Effects"]
    page = tmp_path / "out/report/film.mkv.html"
    for again in (False, True):
        if again:
            page.unlink()
            done = sepkit("report", tmp_path / "out")
            assert done.returncode == 0, done.stderr
        assert names_on(page) == {"Before", "Speech", "Music", "Effects", "Remix"}


@pytest.mark.parametrize(
    ("command", "change", "said"),
    [
        ("run", ("sounds, options: {keeps: 0.7}", "passthrough"), "'passthrough' does not tell speech, music, effects"),
        ("run", ("fuse:", "skip_silence: {}\nfuse:"), "skip_silence: the task 'dialogue' separates what is heard"),
        ("run", ("music: -40", "music: quiet"), "dialogue.mix_gains_db.music: Input should be a valid number"),
        ("run", ("music: -40", "sfx: -40"), "dialogue.mix_gains_db.sfx: unknown key"),
        ("run", ("task: dialogue", "task: speech"), "dialogue: the task 'speech' has none; leave it out, or set task"),
        ("speakers", ("", ""), "its task is dialogue; give one with task: speakers"),
    ],
)
def test_what_cannot_be_is_one_line_that_says_so(tmp_path, config, command, change, said):
    config.write_text(CONFIG.replace(*change, 1))
    done = sepkit(command, lay(tmp_path / "in", "a.wav") / "a.wav", "-o", tmp_path / "out", "--config", config)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_shipped_one_without_weights_says_what_to_fetch(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    done = sepkit("dialogue", lay(tmp_path / "in", "a.wav") / "a.wav", "-o", tmp_path / "out")
    first, second = done.stderr.splitlines()
    assert done.returncode == 2
    assert "run 'sepkit models fetch bandit-v2-multi' or copy https" in first
    assert second.endswith("or choose a smaller model: see 'sepkit models list --task dialogue'")
