"""Standard streams that are closed or full, and signals at awkward moments. Witness: the shell and the kernel."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sepkit.files.workspace import WORK_PREFIX
from tests.batch.folders import PASSTHROUGH, RATE_HZ, lay


@pytest.fixture
def plain(tmp_path) -> Path:
    (tmp_path / "c.yaml").write_text(PASSTHROUGH + "windows: {body_s: 0.1}\n")
    return tmp_path / "c.yaml"


def shell(line: str, folder: Path) -> tuple[int, str]:
    """The exit code, and what was said on standard error."""
    command = f"{sys.executable} -m sepkit {line}"
    environment = {**os.environ, "PYTHONPATH": os.fspath(Path.cwd())}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("batch in out --config c.yaml > /dev/full", 1, "sepkit: standard output: cannot be used (No space left"),
        ("--help > /dev/full", 1, "sepkit: standard output: cannot be used (No space left"),
        ("batch in out --config c.yaml > /dev/null <&- >&- 2>&-", 0, ""),
        ("run - -o out --config c.yaml <&-", 2, "sepkit: INPUT -: standard input is closed"),
        ("run in/a.wav -o - --config c.yaml >&-", 2, "sepkit: -o -: standard output is closed"),
        ("batch '' out --config c.yaml", 2, "Error: Invalid value for 'IN_DIR': is empty"),
        ("run in/a.wav -o '' --config c.yaml", 2, "Error: Invalid value for '-o' / '--out': is empty"),
    ],
)
def test_a_stream_that_cannot_be_used_is_one_line(tmp_path, plain, line, code, said):
    lay(tmp_path / "in", "a.wav")
    found, told = shell(line, tmp_path)
    assert found == code, told
    assert told.splitlines()[-1:] == [] if not said else told.splitlines()[-1].startswith(said)
    assert "Traceback" not in told
    if "batch in out" in line:
        assert (tmp_path / "out/a__speech_only.wav").is_file()


def begun(tmp_path: Path, plain: Path) -> subprocess.Popen[str]:
    """`sepkit run` of half an hour, inside its first seconds of rendering."""
    source = lay(tmp_path / "in", "a.wav", frames=1800 * RATE_HZ) / "a.wav"
    command = [sys.executable, "-m", "sepkit", "run", source, "-o", tmp_path / "out", "--config", plain]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(tmp_path.glob(f"out/{WORK_PREFIX}*/*.part")):
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("gap_s", [0.0, 0.01, 0.1])
def test_a_second_ctrl_c_cuts_no_tidying_short(tmp_path, plain, gap_s):
    process = begun(tmp_path, plain)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(gap_s)
    _, said = process.communicate()
    assert (process.returncode, said) == (130, "sepkit: interrupted; what was finished is kept\n")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("module", ["sepkit.cli", "click.core", "sepkit.cli.run", "sepkit.batch.single", "numpy"])
def test_a_ctrl_c_while_sepkit_is_loaded_is_one_line(tmp_path, plain, module):
    """Two signals come just as a module is looked for: a hook of Python's sends them."""
    lay(tmp_path / "in", "a.wav")
    code = f"""
import os, runpy, signal, sys
def hook(event, arguments):
    if event == "import" and arguments[0] == {module!r} and not sent:
        sent.append(1)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
sent = []
signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's job in the background inherits that it is ignored
sys.addaudithook(hook)
sys.argv = ["sepkit", "run", "in/a.wav", "-o", "out", "--config", "c.yaml"]
runpy.run_module("sepkit", run_name="__main__")
"""
    environment = {**os.environ, "PYTHONPATH": os.fspath(Path.cwd())}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "sepkit: interrupted; what was finished is kept\n")


def test_a_closed_terminal_leaves_nothing_half_written(tmp_path, plain):
    process = begun(tmp_path, plain)
    process.send_signal(signal.SIGHUP)
    _, said = process.communicate()
    assert process.returncode == 130, said
    assert list((tmp_path / "out").iterdir()) == []


def test_a_killed_run_leaves_nothing_to_the_next(tmp_path, plain):
    process = begun(tmp_path, plain)
    process.kill()
    process.communicate()
    assert len(list((tmp_path / "out").iterdir())) == 1
    lay(tmp_path / "in", "b.wav")
    code, said = shell("run in/b.wav -o out --config c.yaml -q", tmp_path)
    assert (code, said) == (0, "")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b__speech_only.wav"]
