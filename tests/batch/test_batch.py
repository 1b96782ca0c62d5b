"""Batches with the real pipeline: `passthrough` alone, so that what goes in must come out.

Witnesses: soundfile and numpy for the samples, the csv and zipfile modules for what was written.
"""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepkit.batch import BatchJob, run_batch
from sepkit.batch.journal import JOURNAL_NAME
from sepkit.config import parse_config
from sepkit.errors import ConfigError, OutputError, SourceError, WeightsError
from tests.batch.folders import PASSTHROUGH, RATE_HZ, config, lay, outputs, samples, statuses


def test_the_tree_is_mirrored_and_the_samples_come_through(tmp_path):
    names = ["a.wav", "sub/b.WAV", "sub/deep/c.wav"]
    lay(tmp_path / "in", *names, "notes.flac")
    report = run_batch(BatchJob(config(), tmp_path / "in", tmp_path / "out", "**/*.wav"))
    assert report.exit_code == 0
    assert statuses(report) == dict.fromkeys(names, "done")
    written = {
        "a.wav": "a__speech_only.wav",
        "sub/b.WAV": "sub/b__speech_only.WAV",
        "sub/deep/c.wav": "sub/deep/c__speech_only.wav",
    }
    assert sorted(outputs(tmp_path / "out")) == sorted(written.values())
    for source, output in written.items():
        np.testing.assert_allclose(
            samples(tmp_path / "out" / output), samples(tmp_path / "in" / source), atol=1.01 / 2**15
        )
    hidden = sorted(path.name for path in (tmp_path / "out").iterdir() if path.name.startswith("."))
    assert JOURNAL_NAME in hidden and not any("work" in name for name in hidden)


def test_bad_files_fail_alone_and_are_listed_at_the_end(tmp_path):
    source = lay(tmp_path / "in", "good.wav", "z/good.wav")
    (source / "empty.wav").touch()
    (source / "text.wav").write_text("this is no sound")
    (source / "broken.wav").write_bytes((source / "good.wav").read_bytes()[:1000])
    soundfile.write(source / "nan.wav", np.full(4000, np.nan), RATE_HZ, subtype="FLOAT")
    (source / "folder.wav").mkdir()
    (source / "link.wav").symlink_to("nowhere")
    report = run_batch(BatchJob(config(), source, tmp_path / "out"))
    bad = ["broken.wav", "empty.wav", "link.wav", "nan.wav", "text.wav"]
    assert report.exit_code == 1
    assert [row.path for row in report.with_status("failed")] == bad
    assert [line.split(":")[1].strip() for line in report.text().splitlines() if line.startswith("failed:")] == bad
    assert report.text().splitlines()[-1] == "7 files: 2 done, 5 failed"
    assert sorted(outputs(tmp_path / "out")) == ["good__speech_only.wav", "z/good__speech_only.wav"]
    again = run_batch(BatchJob(config(), source, tmp_path / "out"))
    assert statuses(again) == {**dict.fromkeys(bad, "failed"), "good.wav": "skipped", "z/good.wav": "skipped"}


def test_done_means_input_configuration_and_output_are_as_the_journal_says(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav", "b.wav", "c.wav", "d.wav"), tmp_path / "out"
    first = run_batch(BatchJob(config(), source, out))
    whole = outputs(out)
    status = (source / "a.wav").stat()
    data = bytearray((source / "a.wav").read_bytes())
    data[-1] ^= 1
    (source / "a.wav").write_bytes(data)  # the same size and, as some copying programs keep it, the same time
    os.utime(source / "a.wav", ns=(status.st_atime_ns, status.st_mtime_ns))
    (out / "b__speech_only.wav").unlink()
    (out / "c__speech_only.wav").write_bytes(whole["c__speech_only.wav"][:-1] + b"!")
    foreseen = run_batch(BatchJob(config(), source, out, dry_run=True))
    reasons = {row.path: row.reason for row in foreseen.rows}
    assert reasons["a.wav"] == "the input changed"
    assert reasons["b.wav"] == reasons["c.wav"] == "its output is missing or was changed"
    second = run_batch(BatchJob(config(), source, out))
    assert statuses(second) == {"a.wav": "done", "b.wav": "done", "c.wav": "done", "d.wav": "skipped"}
    restored = outputs(out)
    assert {name: restored[name] == whole[name] for name in whole} == {
        "a__speech_only.wav": False,
        "b__speech_only.wav": True,
        "c__speech_only.wav": True,
        "d__speech_only.wav": True,
    }
    skipped = next(row for row in second.rows if row.path == "d.wav")
    assert (skipped.seconds, skipped.outputs) == (first.rows[3].seconds, first.rows[3].outputs)
    third = run_batch(BatchJob(config("seed: 1"), source, out))
    assert set(statuses(third).values()) == {"done"}


def test_a_batch_made_before_journals_named_stems_is_done(tmp_path):
    """Its records lack `stems`, and nothing else is different."""
    source, out = lay(tmp_path / "in", "a.wav", "b.wav"), tmp_path / "out"
    with_background = config("output: {background: true}")
    run_batch(BatchJob(with_background, source, out))
    journal = out / JOURNAL_NAME
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    assert all(record.pop("stems") == ["speech", "background"] for record in records)
    journal.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    report = run_batch(BatchJob(with_background, source, out))
    assert len(report.with_status("skipped")) == 2
    rows = list(csv.DictReader((out / "report.csv").open(newline="")))
    assert [(row["speech"], row["background"]) for row in rows] == [
        (f"{name}__speech_only.wav", f"{name}__background.wav") for name in "ab"
    ]


def test_another_batch_in_the_same_folder_is_refused(tmp_path):
    from filelock import FileLock

    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    out.mkdir()
    with FileLock(out / ".sepkit-lock"), pytest.raises(OutputError, match="another batch writes here"):
        run_batch(BatchJob(config(), source, out))


def test_a_dry_run_writes_nothing_and_foresees_time_and_disk(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav", "b.wav"), tmp_path / "out"
    foreseen = run_batch(BatchJob(config("output: {background: true}"), source, out, dry_run=True))
    assert not out.exists()
    assert statuses(foreseen) == {"a.wav": "pending", "b.wav": "pending"}
    assert foreseen.estimate.audio_s == 1.0
    assert foreseen.estimate.disk_bytes == 2 * 2 * 4000 * 2  # files × outputs × frames × bytes
    assert foreseen.estimate.seconds > 0
    assert "noise" in foreseen.estimate.basis
    assert foreseen.text().splitlines()[:2] == ["would render: a.wav: new", "would render: b.wav: new"]


def test_a_dry_run_takes_the_speed_from_the_journal_where_it_can(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    done = run_batch(BatchJob(config(), source, out))
    lay(tmp_path / "in", "a.wav", "b.wav", frames=12000)  # a.wav is another file now
    foreseen = run_batch(BatchJob(config(), source, out, dry_run=True))
    assert foreseen.estimate.basis == "as 1 files of the journal took"
    assert foreseen.estimate.seconds == pytest.approx(done.rows[0].seconds * 3.0 / 0.5)


def test_two_inputs_for_one_output_are_refused_before_the_start(tmp_path):
    source = lay(tmp_path / "in", "a.wav", "a.flac", "b.wav")
    job = BatchJob(config("output: {format: wav, bit_depth: '16'}"), source, tmp_path / "out", "*")
    with pytest.raises(OutputError, match=r"'a.flac' and 'a.wav' would both be written to"):
        run_batch(job)
    assert outputs(tmp_path / "out") == {}


def test_no_source_is_ever_replaced(tmp_path):
    source = lay(tmp_path / "out/sub", "a.wav", "sub/a.wav")
    before = outputs(source)
    with pytest.raises(OutputError, match="is a source of this batch"):
        run_batch(BatchJob(config("output: {speech_suffix: ''}"), source, tmp_path / "out"))
    with pytest.raises(OutputError, match="OUT_DIR is IN_DIR"):
        run_batch(BatchJob(config(), source, source))
    assert outputs(source) == before


def test_outputs_inside_the_input_folder_are_not_fed_back(tmp_path):
    source = lay(tmp_path / "in", "a.wav")
    for expected in ("done", "skipped"):
        report = run_batch(BatchJob(config(), source, source / "cleaned"))
        assert statuses(report) == {"a.wav": expected}


def test_links_never_carry_an_output_out_of_its_folder(tmp_path):
    source, out = lay(tmp_path / "in", "sub/a.wav", "b.wav"), tmp_path / "out"
    (tmp_path / "elsewhere").mkdir()
    out.mkdir()
    (out / "sub").symlink_to(tmp_path / "elsewhere")
    victim = tmp_path / "victim.wav"
    victim.write_bytes(b"keep me")
    (out / "b__speech_only.wav").symlink_to(victim)
    report = run_batch(BatchJob(config(), source, out))
    assert statuses(report) == {"b.wav": "done", "sub/a.wav": "failed"}
    assert "a link leads out of" in report.rows[1].error
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert victim.read_bytes() == b"keep me"
    assert not (out / "b__speech_only.wav").is_symlink()


def test_odd_names_survive_tree_journal_json_and_csv(tmp_path):
    odd = [
        "new\nline.wav",
        "🎙 ünï.wav",
        os.fsdecode(b"\xff\xfe.wav"),
        'quote",;.wav',
        "l" * 251 + ".wav",
        "-rf.wav",
    ]
    source, out = lay(tmp_path / "in", *odd), tmp_path / "out"
    report = run_batch(BatchJob(config(), source, out))
    assert statuses(report) == dict.fromkeys(odd, "done"), report.text()
    assert statuses(run_batch(BatchJob(config(), source, out))) == dict.fromkeys(odd, "skipped")
    rows = json.loads((out / "report.json").read_text())["files"]
    assert sorted(row["path"] for row in rows) == sorted(odd)
    for row in rows:
        np.testing.assert_allclose(samples(out / row["outputs"][0]), samples(source / row["path"]), atol=1.01 / 2**15)
    table = list(csv.DictReader(io.StringIO((out / "report.csv").read_text(encoding="utf-8"), newline="")))
    readable = [name.replace("\udcff\udcfe", r"\xff\xfe").replace("-rf", "'-rf") for name in sorted(odd)]
    assert [row["path"] for row in table] == readable
    assert all(line.isprintable() for line in report.text().splitlines())
    assert f"note: {'l' * 251}.wav: the name was too long" in report.text()


def test_reports_hold_a_row_with_metrics_for_every_file(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav", frames=24000), tmp_path / "out"
    (source / "b.wav").touch()
    measuring = config("evaluate: {batch_metrics: [{metric: loudness}, {metric: si_sdr}]}")
    first = run_batch(BatchJob(measuring, source, out))
    assert statuses(first) == {"a.wav": "done", "b.wav": "failed"}
    again = run_batch(BatchJob(measuring, source, out))
    assert statuses(again) == {"a.wav": "skipped", "b.wav": "failed"}
    import pyloudnorm

    expected_lufs = pyloudnorm.Meter(RATE_HZ).integrated_loudness(samples(source / "a.wav"))
    for report in (first, again):
        score = report.rows[0].metrics["loudness"]
        assert score["before"] == pytest.approx(expected_lufs, abs=0.1)
        assert score["after"] == pytest.approx(expected_lufs, abs=0.1)
    table = list(csv.DictReader((out / "report.csv").open(newline="")))
    assert float(table[0]["loudness_after"]) == first.rows[0].metrics["loudness"]["after"]
    assert table[0]["speech"] == "a__speech_only.wav"
    assert (table[1]["status"], table[1]["loudness_after"]) == ("failed", "")
    assert "empty" in table[1]["error"]


def test_a_zip_goes_in_and_a_zip_comes_out(tmp_path):
    source = lay(tmp_path / "in", "a.wav", "sub/b.wav")
    run_batch(BatchJob(config(), source, tmp_path / "expected"))
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for name in ("a.wav", "sub/b.wav"):
            archive.write(source / name, name)
    job = BatchJob(config(), tmp_path / "in.zip", tmp_path / "out", zip_to=tmp_path / "cleaned.zip")
    assert statuses(run_batch(job)) == {"a.wav": "done", "sub/b.wav": "done"}
    assert outputs(tmp_path / "out") == outputs(tmp_path / "expected")
    with zipfile.ZipFile(tmp_path / "cleaned.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == outputs(tmp_path / "expected")
    packed = (tmp_path / "cleaned.zip").read_bytes()
    assert statuses(run_batch(job)) == {"a.wav": "skipped", "sub/b.wav": "skipped"}
    assert (tmp_path / "cleaned.zip").read_bytes() == packed


def test_absent_weights_stop_before_any_audio_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.wav").write_text("never looked at")
    absent = parse_config("members: [{separator: demucs}]")
    with pytest.raises(WeightsError, match=r"--config pilot"):
        run_batch(BatchJob(absent, source, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"jobs": 0}, ConfigError, "give 1 or more"),
        ({"source": Path("/nonexistent/in")}, SourceError, "no such folder"),
        ({"pattern": "*.mp3"}, SourceError, "no file matches"),
        ({"out": Path("/dev/null")}, OutputError, "give a folder"),
        ({"out": Path("/proc/out")}, OutputError, "cannot be written"),
    ],
)
def test_what_makes_the_whole_batch_impossible_is_one_line(tmp_path, change, error, match):
    lay(tmp_path / "in", "a.wav")
    job = {"config": config(), "source": tmp_path / "in", "out": tmp_path / "out", **change}
    with pytest.raises(error, match=match) as caught:
        run_batch(BatchJob(**job))
    assert "\n" not in str(caught.value)


def test_where_nobody_watches_standard_error_has_a_line_a_file_and_none_with_q(tmp_path):
    source = lay(tmp_path / "in", "a.wav")
    (tmp_path / "c.yaml").write_text(PASSTHROUGH)
    command = [sys.executable, "-m", "sepkit", "batch", source, "--config", tmp_path / "c.yaml"]
    done = subprocess.run([*command, tmp_path / "out"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "1 files: 1 done\n")
    assert [line[:35] for line in done.stderr.splitlines()] == ["sepkit: a.wav → a__speech_only.wav:"]
    quiet = subprocess.run([*command, tmp_path / "quiet", "-q"], capture_output=True, text=True, check=False)
    assert (quiet.returncode, quiet.stderr, quiet.stdout) == (0, "", "")
