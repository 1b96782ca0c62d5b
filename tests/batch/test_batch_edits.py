"""A batch whose files have edits of their own, on a separator that is a filter (`tests.prompted`)."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

import tests.prompted
from sepkit.batch import BatchJob, later_pages, run_batch
from sepkit.batch.edits import FileEdits
from sepkit.batch.journal import JOURNAL_NAME
from sepkit.config import load_config
from sepkit.config.edits import Edit
from sepkit.config.labelled import Labelled
from sepkit.errors import ConfigError, SourceError
from tests.dropped import dropped_in

RATE = 8000
CONFIG = "task: edit\nmembers: [{separator: halves}]\n"
HEADER = "path,prompt,mode,start_s,end_s,fade_ms\n"


@pytest.fixture(autouse=True)
def separator():
    with dropped_in(Path(tests.prompted.__file__).parent, "separators"):
        yield


def lay(folder, *names):
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, np.random.default_rng(seed).uniform(-0.4, 0.4, RATE), RATE, "PCM_16")


def job(tmp_path, edits, rows="", source="in", **more):
    (tmp_path / "edit.yaml").write_text(CONFIG + f"edits: {edits}\n" + more.pop("also", ""))
    if rows:
        (tmp_path / "edits.csv").write_text(HEADER + rows)
    return BatchJob(load_config(tmp_path / "edit.yaml"), tmp_path / source, tmp_path / "out", quiet=True, **more)


def changed(tmp_path, name):
    """From when to when a result differs from its source, in seconds; None where it does not."""
    found, before = (soundfile.read(tmp_path / path)[0] for path in (f"out/{name}__edited.wav", f"in/{name}.wav"))
    at = np.flatnonzero(found != before)
    return (round(at[0] / RATE, 2), round((at[-1] + 1) / RATE, 2)) if at.size else None


def statuses(report):
    return {row.path: row.status for row in report.rows}


def test_a_table_gives_each_file_its_edits_and_a_changed_row_redoes_that_file_alone(tmp_path):
    lay(tmp_path / "in", "a.wav", "sub/b.wav", "c.wav")
    rows = "a.wav,high,remove,0.2,0.4,0\nsub/b.wav,low,keep,0.5,0.75,0\n"
    report = run_batch(job(tmp_path, "edits.csv", rows))
    assert statuses(report) == {"a.wav": "done", "sub/b.wav": "done"}
    assert "left out, for they have no edits: 1 (c.wav)" in report.notes
    assert changed(tmp_path, "a") == (0.2, 0.4) and changed(tmp_path, "sub/b") == (0.5, 0.75)
    assert "'high' removed in 1 window, 0.20 s" in report.rows[0].note

    assert statuses(run_batch(job(tmp_path, "edits.csv"))) == {"a.wav": "skipped", "sub/b.wav": "skipped"}
    report = run_batch(job(tmp_path, "edits.csv", rows.replace("0.5,0.75", "0.5,0.9")))
    assert statuses(report) == {"a.wav": "skipped", "sub/b.wav": "done"}
    assert changed(tmp_path, "sub/b") == (0.5, 0.9)
    dry = run_batch(job(tmp_path, "edits.csv", rows.replace("0.2,0.4", "0.2,0.5"), dry_run=True))
    assert {row.path: row.reason for row in dry.rows if row.status == "pending"} == {
        "a.wav": "its edits changed",
        "sub/b.wav": "its edits changed",
    }


def test_rows_of_one_file_are_its_edits_wherever_they_stand(tmp_path):
    rows = "path,prompt,mode,start_s,end_s\nsub/a.wav,dog,keep,0,1\nb.wav,cat,remove,,\nsub/a.wav,dog,keep,2,3\n"
    (tmp_path / "edits.csv").write_text(rows)
    found = FileEdits(Labelled(labels=str(tmp_path / "edits.csv")))
    assert {path: found.of(path, tmp_path / path) for path in ("sub/a.wav", "b.wav")} == {
        "sub/a.wav": (Edit(prompt="dog", mode="keep", windows=((0, 1), (2, 3))),),
        "b.wav": (Edit(prompt="cat", mode="remove"),),
    }


def test_the_same_edits_elsewhere_in_a_table_are_no_change(tmp_path):
    lay(tmp_path / "in", "a.wav", "b.wav")
    rows = ["a.wav,high,remove,0.2,0.4,0\n", "b.wav,low,keep,0.5,0.75,0\n"]
    run_batch(job(tmp_path, "edits.csv", "".join(rows)))
    again = run_batch(job(tmp_path, "edits.csv", "".join(rows[::-1]).replace("a.wav", "./a.wav")))
    assert set(statuses(again).values()) == {"skipped"}


def test_label_files_beside_the_inputs(tmp_path):
    lay(tmp_path / "in", "a.wav", "b.wav", "c.wav", "d.wav")
    (tmp_path / "in/a.txt").write_text("0.2\t0.4\thigh\n")
    (tmp_path / "in/b.srt").write_text("1\n00:00:00,500 --> 00:00:00,750\nlow\n")
    for suffix in ("txt", "csv"):
        (tmp_path / f"in/d.{suffix}").write_text("0.2\t0.4\thigh\n")
    report = run_batch(job(tmp_path, "{labels: beside, fade_ms: 0}"))
    assert statuses(report) == {"a.wav": "done", "b.wav": "done", "d.wav": "failed"}
    assert "d.txt, d.csv lie beside it" in next(row.error for row in report.rows if row.path == "d.wav")
    assert "left out, for they have no edits: 1 (c.wav)" in report.notes
    assert changed(tmp_path, "a") == (0.2, 0.4) and changed(tmp_path, "b") == (0.5, 0.75)


def test_a_table_without_paths_is_for_every_file(tmp_path):
    lay(tmp_path / "in", "a.wav", "b.wav")
    (tmp_path / "all.txt").write_text("0.2\t0.4\tany\n")
    run_batch(job(tmp_path, "{labels: all.txt, prompt: high, fade_ms: 0}"))
    assert changed(tmp_path, "a") == changed(tmp_path, "b") == (0.2, 0.4)


def test_a_zip_brings_its_labels(tmp_path):
    lay(tmp_path / "in", "a.wav", "b.wav")
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.write(tmp_path / "in/a.wav", "a.wav")
        archive.write(tmp_path / "in/b.wav", "b.wav")
        archive.writestr("a.txt", "0.2\t0.4\thigh\n")
        archive.writestr("b.txt", "0.4\t0.2\thigh\n")
    report = run_batch(job(tmp_path, "{labels: beside, fade_ms: 0}", source="in.zip"))
    assert statuses(report) == {"a.wav": "done", "b.wav": "failed"}
    error = next(row.error for row in report.rows if row.path == "b.wav")
    assert "line 1 (row 1): its end, 0.2 s, is not after its start" in error and "unpacked" not in error
    assert changed(tmp_path, "a") == (0.2, 0.4)


def test_edits_of_the_configuration_hold_for_all_and_count_in_its_fingerprint(tmp_path):
    lay(tmp_path / "in", "a.wav")
    edits = "[{prompt: high, mode: remove, windows: [[0.2, 0.4]], fade_ms: 0}]"
    run_batch(job(tmp_path, edits))
    assert statuses(run_batch(job(tmp_path, edits))) == {"a.wav": "skipped"}
    assert statuses(run_batch(job(tmp_path, edits.replace("0.4", "0.5")))) == {"a.wav": "done"}
    assert changed(tmp_path, "a") == (0.2, 0.5)


def test_a_prompt_that_means_nothing_is_its_files_fault_alone(tmp_path):
    lay(tmp_path / "in", "a.wav", "b.wav")
    report = run_batch(job(tmp_path, "edits.csv", "a.wav,dog,remove,0.2,0.4,0\nb.wav,low,keep,0.5,0.75,0\n"))
    assert statuses(report) == {"a.wav": "failed", "b.wav": "done"}
    assert "'dog' names neither high nor low" in report.rows[0].error


def test_workers_get_the_edits_too(tmp_path):
    lay(tmp_path / "in", "a.wav", "b.wav")
    run = job(tmp_path, "edits.csv", "a.wav,high,remove,0.2,0.4,0\nb.wav,low,keep,0.5,0.75,0\n")
    command = [sys.executable, "-m", "tests.prompted._command", "batch", run.source, run.out, "--jobs", 2, "-q"]
    done = subprocess.run([*map(str, command), "--config", str(tmp_path / "edit.yaml")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    assert changed(tmp_path, "a") == (0.2, 0.4) and changed(tmp_path, "b") == (0.5, 0.75)


def test_gate_report_and_page_know_the_stems(tmp_path):
    lay(tmp_path / "in", "a.wav", "b.wav")
    soundfile.write(tmp_path / "in/b.wav", np.full(RATE, 2**-14), RATE, "PCM_16")
    also = "report: true\ngate: {loudness_lufs_min: -60, length_equal: true}\n"
    also += "evaluate: {batch_metrics: [{metric: loudness}]}"
    rows = "a.wav,high,remove,0.2,0.4,0\nb.wav,low,keep,0.5,0.75,0\n"
    report = run_batch(job(tmp_path, "edits.csv", rows, also=also))
    assert {row.path: row.verdict for row in report.rows} == {"a.wav": "passed", "b.wav": "quarantined"}
    assert {path.name for path in (tmp_path / "out/quarantine").iterdir()} == {
        "b__edited.wav",
        "b__taken.wav",
        "b.wav__reasons.txt",
    }
    page = (tmp_path / "out/report/a.wav.html").read_text()
    assert "Edited" in page and "Taken" in page and "removed in 1 window" in page and "Masks are drawn" not in page
    (tmp_path / "out/report/a.wav.html").unlink()
    made = later_pages.again(tmp_path / "out", lambda rows: rows)
    assert not made.problems and "Taken" in (tmp_path / "out/report/a.wav.html").read_text()
    records = [json.loads(line) for line in (tmp_path / "out" / JOURNAL_NAME).read_text().splitlines()]
    assert {tuple(record["stems"]) for record in records} == {("edited", "taken")}
    assert str(tmp_path) not in (tmp_path / "out/report.json").read_text()


@pytest.mark.parametrize(
    ("edits", "rows", "told"),
    [
        ("nowhere.csv", "", r"nowhere\.csv: cannot be read"),
        ("edits.csv", "a.wav,high,remove,0.4,0.2,0\n", r"edits\.csv, line 2 \(row 1\): its end, 0\.2 s, is not after"),
        ("edits.csv", "a.wav,high,cut,0.2,0.4,0\n", r"edits\.csv, line 2"),
        (
            "edits.csv",
            "a.wav,high,keep,0.2,0.4,0\n,low,keep,0.5,0.75,0\n",
            r"line 3 \(row 2\): names no file, while other",
        ),
    ],
)
def test_what_is_wrong_with_a_table_stops_the_batch_before_it_begins(tmp_path, edits, rows, told):
    lay(tmp_path / "in", "a.wav")
    with pytest.raises(ConfigError, match=told):
        run_batch(job(tmp_path, edits, rows))
    assert not (tmp_path / "out").exists()


def test_a_folder_in_which_nothing_has_edits_is_refused_and_unused_rows_are_named(tmp_path):
    lay(tmp_path / "in", "a.wav")
    with pytest.raises(
        SourceError, match=r"edits whose file is not among the inputs: b\.wav.*have no edits: 1 \(a\.wav\)"
    ):
        run_batch(job(tmp_path, "edits.csv", "b.wav,high,remove,0.2,0.4,0\n"))


def test_a_hundred_thousand_rows(tmp_path):
    rows = "".join(
        f"{index % 1000}.wav,high,remove,{index // 1000},{index // 1000 + 0.5},0\n" for index in range(100_000)
    )
    (tmp_path / "edits.csv").write_text(HEADER + rows)
    found = FileEdits(Labelled(labels=str(tmp_path / "edits.csv")))
    (only,) = found.of("7.wav", tmp_path / "7.wav")
    assert only == Edit(
        prompt="high", mode="remove", windows=tuple((float(at), at + 0.5) for at in range(100)), fade_ms=0
    )


@pytest.mark.parametrize(
    ("edits", "begins_s"), [("edits.csv", 0.2), ("[{prompt: low, mode: keep, windows: [[0.3, 0.6]]}]", 0.3)]
)
def test_the_gate_counts_what_changed_outside_each_files_own_windows(tmp_path, edits, begins_s):
    lay(tmp_path / "in", "a.wav")
    gate = "gate: {outside_samples_max: 0, outside_l2_max: 0}\nevaluate: {batch_metrics: [{metric: outside}]}\n"
    report = run_batch(job(tmp_path, edits, "a.wav,low,remove,0.2,0.4,0\na.wav,low,keep,0.7,0.8,0\n", also=gate))
    assert [row.verdict for row in report.rows] == ["passed"]
    (line,) = map(json.loads, (tmp_path / "out" / JOURNAL_NAME).read_text().splitlines())
    assert line["metrics"]["outside"]["after"] == 0
    assert changed(tmp_path, "a")[0] == pytest.approx(begins_s, abs=0.01)
