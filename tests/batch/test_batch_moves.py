"""kill −9 at every step with which a file moves between its place and quarantine, then either configuration again."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from sepkit.batch import BatchJob, moves, run_batch
from sepkit.batch.journal import JOURNAL_NAME
from sepkit.judge.quarantine import Arrival
from tests.batch.folders import config, lay, outputs, statuses

STEPS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
BACKGROUND = "output: {background: true}\n"
LENIENT, STRICT = (f"gate: {{{bound}}}\n{BACKGROUND}" for bound in ("length_equal: true", "loudness_lufs_min: 0"))
OWN = {"a__background.wav", "a__speech_only.wav"}
HELD = {f"quarantine/{name}" for name in (*OWN, "a.wav__reasons.txt")}
PLACES = {LENIENT: OWN, STRICT: HELD}


def killed(job: BatchJob, step: int) -> bool:
    """Run it in a process of its own, killed at a step counted from when the moves begin; False where it ended."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    left = [step]

    def count(event: str, arguments: tuple) -> None:
        if event in STEPS and (left[0] < step or moves.PREFIX in str(arguments[0])):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    try:
        run_batch(job)
    finally:
        os._exit(0)


@pytest.mark.parametrize(("before", "then"), [(LENIENT, STRICT), (STRICT, LENIENT)])
def test_whatever_comes_after_a_kill_one_place_holds_the_file_and_nothing_of_the_user_is_lost(tmp_path, before, then):
    source, whole = lay(tmp_path / "in", "a.wav"), tmp_path / "whole"
    run_batch(BatchJob(config(before), source, whole))
    edited = next(name for name in PLACES[before] if name.endswith("background.wav"))
    (whole / edited).write_bytes(b"mine")
    step, going_on = 0, True
    while going_on:
        step += 1
        shutil.copytree(whole, tmp_path / "killed")
        going_on = killed(BatchJob(config(then), source, tmp_path / "killed"), step)
        for resumed in (before, then):
            out = tmp_path / "out"
            shutil.copytree(tmp_path / "killed", out)
            report = run_batch(BatchJob(config(resumed), source, out))
            assert report.with_status("failed") == (), (step, report.text())
            found = outputs(out)
            rendered = {name for name, content in found.items() if content != b"mine"}
            assert rendered == PLACES[resumed], (step, resumed)
            assert list(found.values()).count(b"mine") == 1, (step, resumed)
            assert {path.name for path in out.rglob(".*")} == {JOURNAL_NAME, ".sepkit-lock"}
            shutil.rmtree(out)
        shutil.rmtree(tmp_path / "killed")
    assert step > 10


def test_moves_that_fail_halfway_are_undone(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    run_batch(BatchJob(config(LENIENT), source, out))
    before = outputs(out)
    (out / "quarantine/a__speech_only.wav").mkdir(parents=True)  # the last one to move
    failed = run_batch(BatchJob(config(STRICT), source, out))
    assert "is a folder" in failed.rows[0].error
    assert outputs(out) == before and statuses(run_batch(BatchJob(config(LENIENT), source, out))) == {
        "a.wav": "skipped"
    }


def test_undoing_removes_what_was_moved_and_nothing_else(tmp_path):
    """A list that somebody wrote, or files that somebody changed since, must cost nothing."""
    out, outside = tmp_path / "out", tmp_path / "outside.wav"
    out.mkdir()
    paths = (out / "moved.wav", out / "changed.wav", outside)
    for path in paths:
        path.write_bytes(path.name.encode())
    arrivals = [Arrival(path, out / os.path.relpath(path, out)) for path in paths]
    moves.announce(out, "a.wav", arrivals)
    (out / "changed.wav").write_bytes(b"mine")
    (out / f"{moves.PREFIX}other").write_text('{"path": 3, "files": [{"path": "\\u0000"}, 5]}\n[]\n{}\n{"files": 1}\n')
    moves.undo(out)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["changed.wav", "out", "outside.wav"]
    assert Path(out / "changed.wav").read_bytes() == b"mine"


def test_what_the_journal_names_is_not_undone(tmp_path):
    """As after a kill, or a Ctrl-C, between the record and the end of the list."""
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    run_batch(BatchJob(config(), source, out))
    before, there = outputs(out), out / "a__speech_only.wav"
    moves.announce(out, "a.wav", [Arrival(there, there)])
    moves.undo(out)
    assert outputs(out) == before and not list(out.glob(f"{moves.PREFIX}*"))
