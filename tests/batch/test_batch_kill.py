"""kill −9 at random points, then the same command again: the tree must equal one made without interruption,
byte for byte.

Points are counted in what the process does to the file system (Python's audit events: open, rename, remove,
…), so that kills fall between any two of its steps, and in time, so that they also fall inside the writing of
samples.
"""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sepkit.batch.journal import JOURNAL_NAME, Journal
from sepkit.files.whole_file import PART_PATTERN
from tests.batch.folders import PASSTHROUGH, RATE_HZ, lay, outputs

FILES = ("a.wav", "b/b.wav", "b/c.wav", "d.wav")
CONFIG = PASSTHROUGH + "output: {background: true}\nwindows: {body_s: 0.5}\n"

STEPS = 139
"""How many steps a batch of these files takes; a change here only moves the points."""

CHILD = """
import os, signal, sys, threading
from pathlib import Path
from sepkit.batch import BatchJob, run_batch
from sepkit.config import parse_config
import sepkit.separators.passthrough, scipy.signal

source, out, config, jobs, kind, point = sys.argv[1:]
job = BatchJob(parse_config(config), Path(source), Path(out), jobs=int(jobs))
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
if kind == "step":
    left = [int(point)]
    def count(event, arguments):
        if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"):
            left[0] -= 1
            if left[0] == 0:
                die()
    sys.addaudithook(count)
elif kind == "record":
    left = [int(point)]
    def count(event, arguments):
        if event == "open" and str(arguments[0]).endswith(".jsonl") and arguments[1] == "a":
            left[0] -= 1
            if left[0] == 0:
                die()
    sys.addaudithook(count)
elif kind == "time":
    threading.Timer(float(point), die).start()
report = run_batch(job)
print(len(report.with_status("done")), len(report.with_status("skipped")))
os._exit(report.exit_code)
"""


def batch(source: Path, out: Path, kind: str = "", point: float = 0, jobs: int = 1) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHILD, str(source), str(out), CONFIG, str(jobs), kind, str(point)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    """The sources, and the tree made without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    lay(folder / "in", *FILES, frames=RATE_HZ * 4)
    done = batch(folder / "in", folder / "out")
    assert done.stdout.split() == ["4", "0"], done.stderr
    tree = outputs(folder / "out")
    assert len(tree) == 2 * len(FILES)
    return folder / "in", tree


def resume_and_compare(source: Path, out: Path, tree: dict[str, bytes], jobs: int = 1) -> None:
    """What the journal holds is not rendered again, the rest is, and nothing else remains."""
    finished = len(Journal(out).records) if out.exists() else 0
    done = batch(source, out, jobs=jobs)
    assert done.returncode == 0, done.stderr
    assert [int(word) for word in done.stdout.split()] == [len(FILES) - finished, finished]
    assert outputs(out) == tree
    hidden = {path.name for path in out.rglob(".*")}
    assert hidden <= {JOURNAL_NAME, ".sepkit-lock"}


@pytest.mark.parametrize("seed", range(3))
def test_killed_again_and_again_between_any_two_steps(tmp_path, whole, seed):
    source, tree = whole
    out, points = tmp_path / "out", random.Random(seed)
    before = 0
    for _ in range(2):
        killed = batch(source, out, "step", points.randint(1, STEPS))
        assert killed.returncode in (0, -signal.SIGKILL), killed.stderr
        finished = len(Journal(out).records) if out.exists() else 0
        speech = len([name for name in outputs(out) if "speech" in name]) if out.exists() else 0
        assert finished >= before and speech - finished <= 1  # only the file in hand is lost
        before = finished
    resume_and_compare(source, out, tree)


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_time(tmp_path, whole, seed):
    source, tree = whole
    killed = batch(source, tmp_path / "out", "time", random.Random(seed).uniform(0.0, 0.4))
    assert killed.returncode in (0, -signal.SIGKILL), killed.stderr
    resume_and_compare(source, tmp_path / "out", tree)


def test_workers_end_with_a_parent_that_was_killed(tmp_path, whole):
    source, tree = whole
    # Returns only once the workers, too, have let go of standard output.
    killed = batch(source, tmp_path / "out", "record", 2, jobs=2)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    resume_and_compare(source, tmp_path / "out", tree, jobs=2)


@pytest.mark.parametrize(("sent", "jobs"), [(signal.SIGTERM, 1), (signal.SIGINT, 2)])
def test_an_interruption_keeps_what_is_done_and_says_how_to_go_on(tmp_path, sent, jobs):
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    lay(source, "b.wav", frames=RATE_HZ * 1800)
    (tmp_path / "c.yaml").write_text(PASSTHROUGH + "windows: {body_s: 0.1}\n")
    command = [
        sys.executable,
        "-m",
        "sepkit",
        "batch",
        source,
        out,
        "--config",
        tmp_path / "c.yaml",
        "--jobs",
        str(jobs),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (out / JOURNAL_NAME).is_file():
        time.sleep(0.02)
    process.send_signal(sent)
    text, errors = process.communicate()
    assert process.returncode == 130, errors
    assert text.startswith("interrupted; run the same command again to go on: 2 files: ")
    assert list(Journal(out).records) == ["a.wav"]
    assert not [path for path in out.iterdir() if path.name.startswith((".sepkit-work", "b"))]
    assert not list(out.rglob(PART_PATTERN))
    assert (out / "report.json").is_file() and (out / "a__speech_only.wav").is_file()
