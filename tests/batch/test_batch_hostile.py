"""What somebody may put where a batch looks: it ends in time, one line each, and the rest is rendered."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from sepkit.batch import BatchJob, run_batch
from sepkit.batch.find import matcher
from sepkit.batch.journal import JOURNAL_NAME, sha256_of
from sepkit.batch.later_pages import again
from sepkit.batch.single import run_files
from sepkit.errors import SepkitError, SourceError
from sepkit.separators.passthrough import Separator
from tests.batch.folders import config, lay, outputs, statuses

TOO_LONG = "n" * 300


def in_time(work, limit_s: float = 20.0):
    """What `work` gives or raises, from a process that is killed where it waits for ever."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    end_s = time.monotonic() + limit_s
    while time.monotonic() < end_s:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.02)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return False


def refused(job: BatchJob) -> str:
    with pytest.raises(SepkitError) as caught:
        run_batch(job)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_source_that_became_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    assert in_time(lambda: sha256_of(tmp_path / "a.wav"))
    with pytest.raises(SourceError, match="no regular file any more"):
        sha256_of(tmp_path / "a.wav")


def test_devices_and_pipes_are_no_deliveries(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    jobs = [BatchJob(config(), source, tmp_path / "out") for source in (Path("/dev/zero"), tmp_path / "pipe")]
    for job in jobs:
        assert in_time(lambda job=job: run_batch(job))
        assert "is a pipe or a device" in refused(job)


@pytest.mark.parametrize("kind", ["pipe", "link", "dangling link", "folder"])
def test_only_its_own_file_is_the_journal(tmp_path, kind):
    source, out, precious = lay(tmp_path / "in", "a.wav"), tmp_path / "out", tmp_path / "precious"
    out.mkdir()
    precious.write_text("one line\nand one without an end")
    place = out / JOURNAL_NAME
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(precious if kind == "link" else tmp_path / "nowhere")
    job = BatchJob(config(), source, out)
    assert in_time(lambda: run_batch(job))
    assert JOURNAL_NAME in refused(job)
    assert precious.read_text() == "one line\nand one without an end"
    assert not (tmp_path / "nowhere").exists() and outputs(out) == {}


def test_many_folders_of_any_depth_are_matched_in_time():
    path = "/".join(["a"] * 60) + "/b.wav"
    started_s = time.process_time()
    for pattern, expected in (
        ("**/" * 30 + "zz*.wav", False),
        ("**/" * 30 + "b*.wav", True),
        ("**/a/" * 20 + "c", False),
    ):
        assert matcher(pattern)(path) == expected
    assert time.process_time() - started_s < 2  # the ways to match grow as 60^30 where each is tried alone


def deep(folder: Path, levels: int) -> None:
    """A tree deeper than a path may be long, each level with a name of one letter."""
    folder.mkdir(exist_ok=True)
    before = os.open(".", os.O_RDONLY)
    os.chdir(folder)
    for _ in range(levels):
        Path("d").mkdir()
        os.chdir("d")
    Path("x.wav").touch()
    os.fchdir(before)
    os.close(before)


def test_odd_paths_fail_alone(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav", "b/loop/c.wav", "b/d.wav"), tmp_path / "out"
    deep(source / "deep", 2100)
    (out / "b").mkdir(parents=True)
    (out / "b/loop").symlink_to("loop")
    report = run_batch(BatchJob(config(), source, out))
    found = statuses(report)
    assert [path for path, status in found.items() if status == "done"] == ["a.wav", "b/d.wav"]
    failed = report.with_status("failed")
    assert failed[0].path == "b/loop/c.wav"
    assert len(failed) == 2 and "File name too long" in failed[1].error
    subprocess.run(["rm", "-rf", source / "deep"], check=True)


@pytest.mark.parametrize("what", ["source", "out", "zip_to"])
def test_names_that_no_file_can_have_are_one_line(tmp_path, what):
    lay(tmp_path / "in", "a.wav")
    named = {"source": tmp_path / "in", "out": tmp_path / "out", what: tmp_path / TOO_LONG}
    assert TOO_LONG in refused(BatchJob(config(), **named))


def test_run_goes_on_after_names_that_no_file_can_have(tmp_path):
    good = str(lay(tmp_path / "in", "a.wav") / "a.wav")
    report = run_files([str(tmp_path / TOO_LONG), good], str(tmp_path / "out"), config())
    assert sorted(each.verdict for each in report.results) == ["failed", "passed"]
    (result,) = run_files([good], str(tmp_path / TOO_LONG), config()).results
    assert result.verdict == "failed"


def test_run_goes_on_after_a_file_that_memory_does_not_hold(tmp_path, monkeypatch):
    """The allocation is real, and refused by the kernel: 2^60 bytes."""
    import numpy as np

    lay(tmp_path, "a.wav", "b.wav", "c.wav")
    separate, seen = Separator.separate, []

    def greedy(self, mix):
        seen.append(1)
        return np.empty(2**58, np.float32) if len(seen) == 2 else separate(self, mix)

    monkeypatch.setattr(Separator, "separate", greedy)
    report = run_files([str(tmp_path / f"{name}.wav") for name in "abc"], str(tmp_path / "out"), config())
    assert [each.verdict for each in report.results] == ["passed", "failed", "passed"] and report.exit_code == 1
    errors = [each.error for each in report.results if each.error]
    assert [str(error) for error in errors] == [
        f"{tmp_path}/b.wav: there is not enough memory for it; free some, or choose a smaller windows.body_s"
    ]
    assert all(error.__traceback__ is None for error in errors)  # it would hold what did not fit


RECORD = {
    "path": "a.wav",
    "input_sha256": "1",
    "config_sha256": "2",
    "weights_sha256": "3",
    "outputs": [],
    "duration_s": 1.0,
    "seconds": 1.0,
    "workers": 1,
    "metrics": {},
    "note": "",
}


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        "NaN",
        *(
            json.dumps({**RECORD, **change})
            for change in (
                {"path": ["a.wav"]},
                {"path": None},
                {"outputs": 5},
                {"outputs": [{"path": 1, "sha256": "2", "size_bytes": 3}]},
                *(
                    {"outputs": [{"path": path, "sha256": "2", "size_bytes": 3}]}
                    for path in ("\0", "\ud800", "", "../in/a.wav", "/in/a.wav", "n" * 5000)
                ),
                {"duration_s": "long"},
                {"duration_s": float("nan")},
                {"workers": 0},
                {"metrics": 5},
                {"metrics": {"loudness": [1, 2]}},
                {"metrics": {"loudness": {"before": "loud"}}},
                {"metrics": {"loudness": {"better": "red"}}},
                {"metrics": {"loudness": {"why": "\ud800"}}},
                {"note": 7},
                {"note": "\ud800"},
                {"verdict": "splendid"},
                {"reasons": [1]},
                {"stages": [1]},
                {"stages": {"read": "long"}},
            )
        ),
    ],
)
def test_a_damaged_record_is_said_and_its_file_rendered_again(tmp_path, line):
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    out.mkdir()
    (out / JOURNAL_NAME).write_text(line + "\n")
    report = run_batch(BatchJob(config("report: true\n"), source, out))
    assert f"note: {JOURNAL_NAME}: 1 line was damaged and left out" in report.text().splitlines()
    assert statuses(report) == {"a.wav": "done"}
    again = run_batch(BatchJob(config("report: true\n"), source, out))
    assert statuses(again) == {"a.wav": "skipped"} and not again.notes  # it is told once


@pytest.mark.parametrize(
    "change",
    [
        None,
        {"path": 5},
        {"path": "\ud800"},
        {"outputs": 5},
        {"outputs": ["\ud800"]},
        {"metrics": [1]},
        {"stages": 3},
        {"duration_s": "x"},
        {"error": {}},
        {"stems": 4},
    ],
)
def test_a_damaged_report_is_named(tmp_path, change):
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    run_batch(BatchJob(config(), source, out))
    record = json.loads((out / "report.json").read_text())
    text = json.dumps({**record, "files": [{**record["files"][0], **change}]}) if change else "[" * 100_000
    (out / "report.json").write_text(text)
    with pytest.raises(SourceError, match="run the batch again") as caught:
        again(out, lambda rows: rows)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [{"notes": 5}, {"notes": None}, {"notes": [1, "told"]}, {"interrupted": {}}, None])
def test_what_a_report_says_of_the_whole_may_be_absent(tmp_path, change):
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    run_batch(BatchJob(config(), source, out))
    record = json.loads((out / "report.json").read_text()) | (change or {})
    if change is None:
        del record["notes"], record["interrupted"]
    (out / "report.json").write_text(json.dumps(record))
    made = again(out, lambda rows: rows, look=False)
    assert made.problems == [] and "interrupted" not in made.page.read_text()


def test_a_link_in_out_dir_makes_no_source_a_result(tmp_path):
    """The journal names link/a.wav, and the link leads to IN_DIR."""
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    out.mkdir()
    (out / "link").symlink_to(source)
    stamp = {"path": "link/a.wav", "sha256": sha256_of(source / "a.wav"), "size_bytes": 3}
    (out / JOURNAL_NAME).write_text(json.dumps({**RECORD, "outputs": [stamp]}) + "\n")
    assert statuses(run_batch(BatchJob(config(), source, out))) == {"a.wav": "done"}
    assert (source / "a.wav").is_file()


def test_a_path_of_many_parts_that_is_too_long_costs_no_file(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    out.mkdir()
    stamp = {"path": "n/" * 2500 + "a.wav", "sha256": "2", "size_bytes": 3}
    (out / JOURNAL_NAME).write_text(json.dumps({**RECORD, "outputs": [stamp]}) + "\n")
    assert statuses(run_batch(BatchJob(config(), source, out))) == {"a.wav": "done"}
