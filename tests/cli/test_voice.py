"""-q, -v and --log, which every command that works on sound has; what a batch says where no bar can be shown.

Witness of a limiter: a burst of amplitude 0.8, raised by the gain that the line tells, over a ceiling of −1 dBTP.
"""

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 48_000
CONFIG = """
members: [{separator: passthrough}]
post_mask: null
equalise: null
loudness: {least_speech_s: 0}
report: false
evaluate: {metrics: [{metric: si_sdr}], batch_metrics: []}
"""


@pytest.fixture
def config(tmp_path) -> Path:
    (tmp_path / "c.yaml").write_text(CONFIG)
    return tmp_path / "c.yaml"


def lay(folder: Path, *names: str) -> Path:
    """A sine of 0.1 with 10 ms of 0.8 in it."""
    folder.mkdir(parents=True)
    amplitude = np.full(3 * RATE, 0.1)
    amplitude[RATE : RATE + RATE // 100] = 0.8
    for name in names:
        samples = amplitude * np.sin(2 * np.pi * 1000 * np.arange(3 * RATE) / RATE)
        soundfile.write(folder / name, samples, RATE, subtype="FLOAT")
    return folder


def sepkit(*words: object, stderr: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sepkit", *map(str, words)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, text=True, check=False)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_batch_says_a_line_for_each_file_where_there_is_no_bar(tmp_path, config, jobs):
    source, log = lay(tmp_path / "in", "a.wav", "b.wav"), tmp_path / "log.txt"
    (source / "c.wav").write_text("no sound")
    done = sepkit("batch", source, tmp_path / "out", "--config", config, "--jobs", jobs, "--log", log)
    lines = sorted(done.stderr.splitlines())
    assert done.returncode == 1 and len(lines) == 2, lines
    for name, line in zip("ab", lines, strict=True):
        assert line.startswith(f"sepkit: {name}.wav → {name}__speech_only.wav: 3.0 s of sound in "), line
        gain_db, limited_db = (float(re.search(rf"{what} ([+-]?\d+\.\d) dB", line)[1]) for what in ("gain", "most"))
        assert abs(limited_db) == pytest.approx(20 * np.log10(0.8) + gain_db + 1, abs=0.15)
    kept = log.read_text(encoding="utf-8").splitlines()
    assert {line.partition(" INFO ")[2] for line in kept} >= {line.removeprefix("sepkit: ") for line in lines}
    assert sum("fuse" in line for line in kept) == 2  # the seconds of each stage, as -v says them


def test_a_quiet_batch_says_only_what_went_wrong(tmp_path, config):
    source = lay(tmp_path / "in", "a.wav")
    done = sepkit("batch", source, tmp_path / "out", "--config", config, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    soundfile.write(source / "b.wav", np.full(4000, np.nan), RATE, subtype="FLOAT")
    done = sepkit("batch", source, tmp_path / "out", "--config", config, "-q")
    assert done.returncode == 1 and done.stdout.splitlines()[-1] == "2 files: 1 already done, 1 failed"
    (line,) = done.stderr.splitlines()
    assert line.startswith("sepkit: b.wav: ") and "no number" in line


def test_beside_a_bar_the_log_alone_has_the_lines(tmp_path, config):
    source, log = lay(tmp_path / "in", "a.wav"), tmp_path / "log.txt"
    ours, theirs = pty.openpty()
    done = sepkit("batch", source, tmp_path / "out", "--config", config, "--log", log, stderr=theirs)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # the other end is closed
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    assert done.returncode == 0 and b"batch:" in shown and "→".encode() not in shown, shown
    assert "a.wav → a__speech_only.wav: 3.0 s of sound" in log.read_text(encoding="utf-8")


def test_the_commands_of_a_pair_are_as_quiet_or_talkative(tmp_path, config):
    mix, log = lay(tmp_path / "set/mix", "a.wav") / "a.wav", tmp_path / "log.txt"
    lay(tmp_path / "set/speech", "a.wav")
    with config.open("a") as file:
        file.write(f"pilot: {{mix: {mix}, reference: {mix}, background: null, words: null}}\n")
    commands = {
        "pilot": ["--config", config, "--artifacts", tmp_path / "pilot"],
        "evaluate": ["--config", config, "--mix", mix, "--clean", mix],
        "compare": ["--config", config, "--set", tmp_path / "set", "-o"],
    }
    for command, options in commands.items():
        own = {"compare": [tmp_path / "quiet"]}.get(command, [])
        quiet = sepkit(command, *options, *own, "-q")
        assert (quiet.returncode, quiet.stderr) == (0, ""), quiet.stderr
        own = {"compare": [tmp_path / "talkative"]}.get(command, [])
        done = sepkit(command, *options, *own, "-v", "--log", log)
        assert "3.0 s of sound" in done.stderr.splitlines()[0]
        assert done.stdout.splitlines()[0] == quiet.stdout.splitlines()[0]  # the result is no chatter
        said = [line.removeprefix("sepkit: ") for line in done.stderr.splitlines()]
        assert [line.split(" ", 2)[2] for line in log.read_text(encoding="utf-8").splitlines()] == said
        log.unlink()
        if command != "compare":
            assert re.search(r"SI-SDR \d+\.\d\d s", done.stderr), done.stderr
    both = sepkit("evaluate", *commands["evaluate"], "-q", "-v")
    assert both.returncode == 2 and "give one of them" in both.stderr
