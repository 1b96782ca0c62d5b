"""--log never writes into what is no log: a recording, a result, a list, a pipe. Witness: the bytes before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.batch.folders import PASSTHROUGH, lay


def sepkit(folder, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.fspath(Path.cwd())}
    return subprocess.run(
        [sys.executable, "-m", "sepkit", *words, "--config", "c.yaml"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path):
    lay(tmp_path, "a.wav")
    (tmp_path / "c.yaml").write_text(PASSTHROUGH)
    (tmp_path / "words.txt").write_text("hello\n")
    (tmp_path / "link.txt").symlink_to("a.wav")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "log", "why"),
    [
        (("run", "a.wav", "-o", "out"), "a.wav", "is an input or an output of this command"),
        (("run", "./a.wav", "-o", "out"), "link.txt", "is an input or an output of this command"),
        (("run", "a.wav", "-o", "out/new.flac"), "out/new.flac", "is an input or an output of this command"),
        (("run", "a.wav", "-o", "out"), "out/a__speech_only.wav", "is named like sound"),
        (("batch", ".", "out", "--zip", "new.zip"), "new.zip", "is an input or an output of this command"),
        (("run", "a.wav", "-o", "out"), "words.txt", "is there already and is no log of sepkit"),
        (("run", "a.wav", "-o", "out"), "c.yaml", "is an input or an output of this command"),
        (("run", "a.wav", "-o", "out"), "pipe", "is a pipe or a folder"),
    ],
)
def test_what_is_no_log_is_refused_before_anything_is_done(folder, words, log, why):
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    done = sepkit(folder, *words, "--log", log)
    assert (done.returncode, done.stderr) == (2, f"sepkit: --log {log}: {why}; name another file\n")
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert not (folder / "out").exists()


def test_a_log_of_sepkit_grows_and_the_null_device_takes_all(folder):
    for times in (1, 2):
        done = sepkit(folder, "run", "a.wav", "-o", "out", "--overwrite", "always", "--log", "a.log")
        assert done.returncode == 0, done.stderr
        lines = (folder / "a.log").read_text(encoding="utf-8").splitlines()
        assert sum("a.wav → out/a__speech_only.wav" in line for line in lines) == times
    assert sepkit(folder, "run", "a.wav", "-o", "new", "--log", os.devnull).returncode == 0
