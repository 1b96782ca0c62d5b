"""What `sepkit run` says and where it puts things. Witness of levels: a sine of 0.1 at 1 kHz has −23.01 LUFS."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepkit import load_config
from sepkit.batch.single import run_files
from sepkit.config.sections import OutputConfig
from sepkit.errors import ConfigError

LEVELLED = """
members: [{separator: passthrough}]
post_mask: null
equalise: null
output: {background: true}
loudness: {least_speech_s: 0}
"""


@pytest.fixture
def config(tmp_path) -> Path:
    (tmp_path / "levelled.yaml").write_text(LEVELLED)
    return tmp_path / "levelled.yaml"


def sine(path: Path, subtype: str = "PCM_16") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(3 * 48_000) / 48_000)
    soundfile.write(path, samples, 48_000, subtype=subtype)
    return path


def sepkit(*words: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sepkit", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def test_a_line_says_what_was_done_where_there_is_no_terminal(tmp_path, config):
    source = sine(tmp_path / "talk.wav")
    done = sepkit("run", source, "-o", tmp_path / "out", "--config", config, "--log", tmp_path / "log.txt")
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(
        rf"sepkit: {source} → {tmp_path}/out/talk__speech_only\.wav, {tmp_path}/out/talk__background\.wav: "
        r"3\.0 s of sound in \d+\.\d s; speech: loudness before levelling -23\.0 LUFS, levelling gain \+7\.0 dB, "
        r"loudness after levelling -16\.0 LUFS",
        line,
    ), line
    told, stages = (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()
    assert told.endswith(line.removeprefix("sepkit: ")) and "fuse" in stages
    quiet = sepkit("run", source, "-o", tmp_path / "quiet", "--config", config, "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_standard_input_and_output_have_their_names(tmp_path, config):
    source, out = sine(tmp_path / "talk.wav").read_bytes(), tmp_path / "out"
    command = [sys.executable, "-m", "sepkit", "run", "-", "--config", str(config), "-o"]
    done = subprocess.run([*command, "-"], input=source, capture_output=True, check=True)
    assert done.stderr.startswith(b"sepkit: standard input \xe2\x86\x92 standard output: 3.0 s of sound in ")
    done = subprocess.run([*command, str(out), "--json"], input=source, capture_output=True, check=True)
    assert json.loads(done.stdout)["source"] == "standard input"
    done = subprocess.run([*command, str(out)], input=source[: len(source) // 2], capture_output=True, check=False)
    assert done.stderr.startswith(b"sepkit: standard input: is cut short")


def test_json_has_an_object_for_each_file(tmp_path, config):
    source, absent = sine(tmp_path / "talk.wav"), tmp_path / "absent.wav"
    done = sepkit("run", source, absent, "-o", tmp_path / "out", "--config", config, "--json")
    assert done.returncode == 1
    found = {Path(each["source"]).name: each for each in map(json.loads, done.stdout.splitlines())}
    assert found["absent.wav"]["verdict"] == "failed" and "No such file" in found["absent.wav"]["error"]
    talk = found["talk.wav"]
    assert talk["facts"]["speech"]["levelling_gain_db"] == pytest.approx(7.01, abs=0.02)
    assert talk["duration_s"] == 3.0 and talk["seconds"] > 0
    assert [Path(path).name for path in talk["stems"].values()] == ["talk__speech_only.wav", "talk__background.wav"]


def test_a_name_after_o_is_the_name_of_the_one_result(tmp_path, config):
    source = sine(tmp_path / "talk.wav")
    assert sepkit("run", source, "-o", tmp_path / "out/clean.flac", "--config", config).returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["clean.flac", "clean__background.flac"]
    assert soundfile.info(tmp_path / "out/clean.flac").format == "FLAC"
    assert sepkit("run", source, "-o", f"{tmp_path}/as.wav/", "--config", config).returncode == 0
    assert (tmp_path / "as.wav/talk__speech_only.wav").is_file()
    done = sepkit("run", source, source, "-o", tmp_path / "both.wav", "--config", config)
    assert done.returncode == 2 and "is one file for 2 inputs" in done.stderr
    done = sepkit("run", source, source, "-o", tmp_path / "twice", "--config", config)
    assert done.returncode == 2 and done.stderr == f"sepkit: INPUT {source}: is named twice; name it once\n"


def test_a_name_that_no_result_can_have_is_refused_with_the_rule(tmp_path, config):
    source, floats = sine(tmp_path / "talk.wav"), sine(tmp_path / "float.wav", "FLOAT")
    for suffix in ("mp3", "ts", "avi", "ac3", "mts", "flv", "3gp", "wv"):
        with pytest.raises(
            ConfigError, match=rf"no result is written as \.{suffix}; name a \.wav, a \.flac, or the fold"
        ):
            run_files([str(source)], f"{tmp_path}/out/clean.{suffix}", load_config(config))
    for suffix in ("aiff", "w64", "caf", "au", "rf64"):
        rule = (
            rf"clean\.{suffix}: this source's result is a \.wav, for a result is WAV or FLAC as its name says, or has "
        )
        with pytest.raises(ConfigError, match=rule + r"its source's container; name it clean\.wav"):
            run_files([str(source)], f"{tmp_path}/out/clean.{suffix}", load_config(config))
    same_depth = load_config(config).model_copy(update={"output": OutputConfig(bit_depth="32f")})
    with pytest.raises(ConfigError, match=r"is a \.wav, for a FLAC does not hold its depth, channels or rate"):
        run_files([str(floats)], f"{tmp_path}/out/clean.flac", same_depth)
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_not_replaced_unasked(tmp_path, config):
    source, there = sine(tmp_path / "talk.wav"), tmp_path / "out/talk__background.wav"
    there.parent.mkdir()
    there.write_bytes(b"mine")
    for choice in ("ask", "never"):
        done = sepkit("run", source, "-o", tmp_path / "out", "--config", config, "--overwrite", choice)
        assert done.returncode == 1 and "talk__background.wav: is there already" in done.stderr
        assert there.read_bytes() == b"mine" and list((tmp_path / "out").iterdir()) == [there]
    assert sepkit("run", source, "-o", tmp_path / "out", "--config", config, "--overwrite", "always").returncode == 0
    assert there.read_bytes() != b"mine"


def test_neither_the_input_by_a_link_nor_a_pipe_is_replaced(tmp_path, config):
    source, link, pipe = sine(tmp_path / "talk.wav"), tmp_path / "link.wav", tmp_path / "pipe.wav"
    before = source.read_bytes()
    link.symlink_to(source)
    done = sepkit("run", source, "-o", link, "--config", config, "--overwrite", "always")
    assert done.returncode == 2 and "link.wav: is the input itself; choose another folder" in done.stderr
    assert source.read_bytes() == before and link.is_symlink()
    os.mkfifo(pipe)
    done = sepkit("run", source, "-o", pipe, "--config", config, "--overwrite", "always")
    assert done.returncode == 1 and "pipe.wav: is a device, a pipe or a socket; name a file" in done.stderr
    assert pipe.is_fifo() and {path.name for path in tmp_path.glob("*.wav")} == {"talk.wav", "link.wav", "pipe.wav"}


def test_a_terminal_shows_the_progress(tmp_path, config):
    """The part done and the time left, in the words of the bar; before it, that models are loaded."""
    source = sine(tmp_path / "talk.wav")
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "sepkit", "run", source, "-o", tmp_path / "out", "--config", config]
    child = subprocess.Popen(list(map(str, words)), stderr=theirs, stdout=theirs, stdin=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert child.wait() == 0
    text = shown.decode()
    assert "loading the models:   0 %" in text
    assert re.search(r"talk\.wav: +\d+ %(, \d+ s left)?", text) and "→" in text


def test_a_file_in_the_place_of_a_command_gets_the_command_that_takes_it(tmp_path, config):
    sine(tmp_path / "my talk.wav")
    told = sepkit("my talk.wav", folder=tmp_path).stderr
    assert told.endswith("did you mean: sepkit run 'my talk.wav' -o cleaned/\n")
    assert sepkit("my talk.wav", "-o", "x", folder=tmp_path).stderr.endswith("sepkit run 'my talk.wav' -o x\n")
    (tmp_path / "talks").mkdir()
    assert sepkit("talks", folder=tmp_path).stderr.endswith("did you mean: sepkit batch talks cleaned/\n")
    done = sepkit("batch", "my talk.wav", "out", folder=tmp_path)
    assert done.returncode == 2 and "sepkit run 'my talk.wav' -o out" in done.stderr
    done = sepkit("pilot", folder=tmp_path)
    assert done.returncode == 1 and "pilot.mix: data/pilot/mix.wav is not here" in done.stderr


def test_shipped_configurations_have_names_that_hold_anywhere(tmp_path):
    listed = sepkit("config", "list", folder=tmp_path).stdout
    assert [line.split()[0] for line in listed.splitlines() if not line.startswith(" ")] == [
        "best_edit",
        "best",
        "dialogue",
        "edit",
        "fast",
        "light",
        "pilot",
        "speakers",
        "speakers_microphones",
    ]
    assert sepkit("config", "check", "fast", folder=tmp_path).stdout == "fast: ok\n"
    done = sepkit("config", "check", "fastest", folder=tmp_path)
    assert (
        done.returncode == 2
        and "give a YAML file, or best_edit, best, dialogue, edit, fast, light, pilot" in done.stderr
    )
    done = sepkit("config", "show", "config/pilot.yaml", folder=tmp_path)
    assert done.returncode == 2 and "or a shipped configuration by its name, as in --config pilot" in done.stderr
    training = Path(__file__).parents[2] / "config/train/speech.yaml"
    (line,) = sepkit("config", "check", training).stderr.splitlines()
    assert line == (
        f"sepkit: {training}: this is the configuration of a training; it is for: sepkit train speech --config FILE "
        "--data DIR"
    )
    (tmp_path / "fast").write_text("members: [{separator: nothing}]")
    assert "nothing" in sepkit("config", "check", "fast", folder=tmp_path).stderr  # a file of that name goes first
