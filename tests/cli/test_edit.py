"""`sepkit edit` on a separator that is a filter (`tests.prompted`); what is heard of a tone is found by numpy."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import tests.prompted
from sepkit.cli import main
from tests.dropped import dropped_in

RATE = 16_000
LOW, HIGH = (0.2, 200), (0.1, 4000)
CONFIG = "task: edit\nmembers: [{separator: halves}]\n"


def tone(which, seconds=3.0):
    amplitude, hertz = which
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def amplitude(samples, which, start_s, stop_s):
    """Of a tone between two whole tenths of a second: twice the Fourier coefficient at its frequency."""
    inside = np.arange(round(start_s * RATE), round(stop_s * RATE))
    return 2 * abs(np.mean(samples[inside] * np.exp(-2j * np.pi * which[1] * inside / RATE)))


def sepkit(*arguments, sent=None):
    if sent is None:
        with dropped_in(Path(tests.prompted.__file__).parent, "separators"):
            done = CliRunner().invoke(main, list(map(str, arguments)))
        return done.exit_code, done.stdout, done.stderr
    command = [sys.executable, "-m", "tests.prompted._command", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, input=sent, check=False, env=dict(os.environ))
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.fixture
def here(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(LOW) + tone(HIGH), RATE, "PCM_16")
    (tmp_path / "edit.yaml").write_text(CONFIG)
    return tmp_path


def edit(here, *options, source="a.wav", out="out", sent=None):
    given = source if source == "-" else here / source
    target = out if out == "-" else here / out
    return sepkit("edit", given, "-o", target, "--config", here / "edit.yaml", *options, sent=sent)


def test_a_window_without_the_sound_and_both_stems(here):
    code, _, said = edit(here, "--prompt", "high", "--window", "0:01", "2")
    assert code == 0, said
    (line,) = said.splitlines()
    assert "a__edited.wav" in line and "a__taken.wav" in line and "'high' removed in 1 window, 1.00 s" in line
    before, edited, taken = (
        soundfile.read(here / name)[0] for name in ("a.wav", "out/a__edited.wav", "out/a__taken.wav")
    )
    assert amplitude(edited, HIGH, 1.1, 1.9) < 1e-3 and amplitude(edited, LOW, 1.1, 1.9) == pytest.approx(0.2, abs=1e-3)
    assert amplitude(taken, HIGH, 1.1, 1.9) == pytest.approx(0.1, abs=1e-3)
    outside = np.r_[0:RATE, 2 * RATE : 3 * RATE]
    np.testing.assert_array_equal(edited[outside], before[outside])


def test_keep_strength_and_fade(here):
    code, _, said = edit(
        here, "--prompt", "high", "--mode", "keep", "--strength", "0.5", "--window", "1", "2", "--fade-ms", "0"
    )
    assert code == 0, said
    edited = soundfile.read(here / "out/a__edited.wav")[0]
    assert amplitude(edited, LOW, 1, 2) == pytest.approx(0.1, abs=1e-3)
    assert amplitude(edited, HIGH, 1, 2) == pytest.approx(0.1, abs=1e-3)


def test_labels_give_windows_and_prompts(here):
    (here / "labels.txt").write_text("1.0\t1.5\thigh\n2\t2.5\tlow\n")
    code, _, said = edit(here, "--labels", here / "labels.txt")
    assert code == 0, said
    assert "'high' removed in 1 window, 0.50 s" in said and "'low' removed in 1 window" in said
    edited = soundfile.read(here / "out/a__edited.wav")[0]
    assert amplitude(edited, HIGH, 1.1, 1.4) < 1e-3 and amplitude(edited, LOW, 2.1, 2.4) < 1e-3
    (here / "labels.csv").write_text("prompt,mode,start_s,end_s\nhigh,keep,1,2\n")
    code, _, said = edit(here, "--labels", here / "labels.csv", out="kept")
    assert code == 0 and "'high' kept alone in 1 window, 1.00 s" in said
    code, _, said = edit(here, "--labels", here / "labels.txt", "--prompt", "low", "--mode", "keep", out="one")
    assert code == 0 and "'low' kept alone in 2 windows, 1.00 s" in said


def test_a_pipe_gets_the_stem_that_is_asked_for(here):
    sent = (here / "a.wav").read_bytes()
    for options, left in (([], LOW), (["--stem", "taken"], HIGH)):
        code, out, said = edit(here, "--prompt", "high", *options, source="-", out="-", sent=sent)
        assert code == 0, said
        heard = soundfile.read(io.BytesIO(out))[0]
        for which in (LOW, HIGH):
            expected = which[0] if which == left else 0
            assert amplitude(heard, which, 1, 2) == pytest.approx(expected, abs=1e-3)
    code, _, said = edit(here, "--prompt", "high", "--stem", "taken", out="only.wav")
    assert code == 0, said
    assert amplitude(soundfile.read(here / "only.wav")[0], HIGH, 1, 2) == pytest.approx(0.1, abs=1e-3)
    assert (here / "only__edited.wav").is_file()


def test_json_says_what_was_done(here):
    code, out, _ = edit(here, "--prompt", "high", "--window", "2", "9", "--json", "-q")
    (found,) = map(json.loads, out.splitlines())
    assert code == 0 and list(found["stems"]) == ["edited", "taken"]
    assert found["notes"] == [
        "'high' removed in 1 window, 1.00 s",
        "'high': 1 window reaches beyond the end at 3 s and ends there (2–9 s)",
    ]


def test_quiet_hides_no_warning_that_the_result_may_be_wrong(here):
    (here / "edit.yaml").write_text(CONFIG.replace("halves", "told"))  # to which "high" is far, and "low" near
    assert edit(here, "--prompt", "low", "--window", "1", "2", "-q") == (0, "", "")
    code, _, said = edit(here, "--prompt", "high", "--window", "1", "2", "-q", out="far")
    assert code == 0 and len(said.splitlines()) == 1
    assert "'high' is understood as hiss (0.31), which is far from it: name the sound in other words" in said
    code, _, said = edit(here, "--prompt", "low", "--window", "2", "9", "-q", out="beyond")
    assert code == 0 and "1 window reaches beyond the end at 3 s and ends there (2–9 s)" in said


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "edits: none is asked for; name one, as `sepkit edit INPUT -o OUT --prompt"),
        (["--window", "1", "2"], "--prompt: is absent; name the sound"),
        (["--prompt", "  "], "--prompt: is empty; name a sound"),
        (["--prompt", "x" * 10_000], "--prompt: has 10000 characters, at most 1000"),
        (["--prompt", "a\nb"], "--prompt: holds the control character U+000A"),
        (["--prompt", "dog"], "prompt: 'dog' names neither high nor low"),
        (["--prompt", "low", "--window", "4", "2"], "--window 4 2: its end, 2 s, is not after its start, 4 s"),
        (["--prompt", "low", "--window", "-1", "2"], "--window -1 2: its start, -1 s, is negative"),
        (["--prompt", "low", "--window", "nan", "2"], "--window nan 2: its start is nan"),
        (["--prompt", "low", "--window", "1.2.3", "2"], "--window: '1.2.3' is no time; give seconds, M:SS"),
        (["--prompt", "low", "--window", "1", "2", "--labels", "x.txt"], "--labels and --window both say where"),
        (["--labels", "nowhere.txt"], "nowhere.txt: cannot be read (No such file or directory)"),
        (
            ["--prompt", "low", "--stem", "speech"],
            "--stem speech: is no stem that is written; choose one of edited,",
        ),
        (["--prompt", "low", "--stem", "taken"], "--stem taken: is for a pipe or one file, and -o is a folder"),
        (["--prompt", "low", "--fade-ms", "-1"], "Invalid value for '--fade-ms'"),
        (["--prompt", "low", "--strength", "nan"], "strength: "),
    ],
)
def test_what_cannot_be_done_is_one_line(here, options, told):
    code, out, said = edit(here, *options)
    assert code in (1, 2) and not out, said
    assert told in said.splitlines()[-1], said
    assert not (here / "out/a__edited.wav").exists()


def test_a_configuration_of_another_task_is_refused(here):
    code, _, said = sepkit("edit", here / "a.wav", "-o", here / "out", "--config", "pilot", "--prompt", "low")
    assert code == 2 and "--config: its task is speech; give one with task: edit" in said


def test_run_takes_the_edits_of_a_configuration(here):
    (here / "edit.yaml").write_text(CONFIG + "edits: [{prompt: low, mode: keep, windows: [[1, 2]]}]")
    code, _, said = sepkit("run", here / "a.wav", "-o", here / "out", "--config", here / "edit.yaml")
    assert code == 0 and "'low' kept alone in 1 window, 1.00 s" in said
    code, _, said = edit(here, out="again")
    assert code == 0 and "'low' kept alone" in said


def test_a_table_that_names_no_input_is_an_error_that_says_which_path_it_looked_for(here):
    (here / "edits.csv").write_text("path,prompt,start_s,end_s\nother.wav,high,1,2\n")
    code, _, said = edit(here, "--labels", here / "edits.csv")
    assert code == 1 and "a.wav: it has no edits: no row of edits.csv has the path a.wav" in said
    assert not (here / "out").exists()


def test_run_reads_the_labels_beside_its_inputs(here):
    (here / "b.wav").write_bytes((here / "a.wav").read_bytes())
    (here / "a.txt").write_text("1\t2\thigh\n")
    (here / "edit.yaml").write_text(CONFIG + "edits: {labels: beside, mode: keep}")
    code, _, said = sepkit("run", here / "a.wav", here / "b.wav", "-o", here / "out", "--config", here / "edit.yaml")
    assert code == 0, said
    assert "'high' kept alone in 1 window, 1.00 s" in said and "left out: " in said
    assert "b.wav: it has no edits: no label file of its name lies beside it" in said
    assert sorted(path.name for path in (here / "out").iterdir()) == ["a__edited.wav", "a__taken.wav"]
