"""A batch with a gate: who passes, who is escalated, who ends in quarantine, and that nobody lies in two places.

Noise of three levels: `loud` passes by itself, `quiet` once it is levelled, `faint` (below BS.1770's absolute gate, so
without a loudness) never.
"""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from sepkit.batch import BatchJob, BatchReport, run_batch
from sepkit.batch.journal import JOURNAL_NAME
from sepkit.cli import main
from sepkit.config import load_config
from sepkit.errors import OutputError, WeightsError
from sepkit.separators.compact import separator as compact
from tests.batch.folders import PASSTHROUGH, RATE_HZ, lay, noise, outputs, samples
from tests.judge.test_gate import RATE_HZ as PILOT_HZ
from tests.judge.test_gate import excerpt

GATE = "gate: {loudness_lufs_min: -30, length_equal: true}\nescalate_to: [louder.yaml]\n"
LOUDER = PASSTHROUGH.replace("target_lufs: null", "target_lufs: -20, least_speech_s: 0")
LEVELS = {"loud.wav": 1.0, "sub/quiet.wav": 0.01, "sub/faint.wav": 0.0002}


@pytest.fixture
def source(tmp_path) -> Path:
    for seed, (name, level) in enumerate(LEVELS.items()):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, level * noise(RATE_HZ, seed=seed), RATE_HZ, subtype="PCM_16")
    return tmp_path / "in"


def settings(folder: Path, gate: str = GATE, extra: str = ""):
    (folder / "louder.yaml").write_text(LOUDER)
    (folder / "first.yaml").write_text(PASSTHROUGH + gate + extra)
    return load_config(folder / "first.yaml")


def batch(folder: Path, gate: str = GATE, extra: str = "", **job: object) -> BatchReport:
    return run_batch(BatchJob(settings(folder, gate, extra), folder / "in", folder / "out", **job))


def verdicts(report: BatchReport) -> dict[str, str]:
    return {row.path: row.verdict for row in report.rows}


EXPECTED = {"loud.wav": "passed", "sub/quiet.wav": "escalated", "sub/faint.wav": "quarantined"}
TREE = [
    "loud__speech_only.wav",
    "quarantine/sub/faint.wav__reasons.txt",
    "quarantine/sub/faint__speech_only.wav",
    "sub/quiet__speech_only.wav",
]


def test_files_pass_are_escalated_or_quarantined_with_their_reasons(tmp_path, source):
    report = batch(tmp_path)
    assert verdicts(report) == EXPECTED
    assert report.exit_code == 3
    out = tmp_path / "out"
    assert sorted(outputs(out)) == TREE
    loud, quiet = (samples(out / TREE[index]) for index in (0, 3))
    np.testing.assert_allclose(loud, samples(source / "loud.wav"), atol=1.01 / 2**15)
    import pyloudnorm

    meter = pyloudnorm.Meter(RATE_HZ)
    assert meter.integrated_loudness(quiet) == pytest.approx(-20, abs=0.1)
    told = (out / "quarantine/sub/faint.wav__reasons.txt").read_text().splitlines()
    assert [line.split(":")[0] for line in told] == ["first", "louder.yaml"]
    assert all("loudness -inf LUFS, at least -30.00 LUFS is asked (gate.loudness_lufs_min)" in line for line in told)
    found_lufs = meter.integrated_loudness(samples(source / "sub/quiet.wav"))
    assert float(report.rows[2].reasons[0].split()[2]) == pytest.approx(found_lufs, abs=0.1)
    lines = report.text().splitlines()
    assert lines[0] == "note: sub/faint.wav: too quiet to measure, left as it is"
    assert lines[1].startswith("quarantined: sub/faint.wav: first: loudness -inf")
    assert lines[2].startswith("escalated: sub/quiet.wav: by louder.yaml; first: loudness -4")
    assert lines[-1] == "3 files: 3 done; 1 escalated, 1 quarantined"
    rows = {row["path"]: row for row in json.loads((out / "report.json").read_text())["files"]}
    assert {path: row["verdict"] for path, row in rows.items()} == EXPECTED
    assert rows["sub/quiet.wav"]["configuration"] == "louder.yaml"
    table = (out / "report.csv").read_text()
    assert 'quarantine/sub/faint__speech_only.wav,,quarantined,louder.yaml,"first: loudness -inf' in table


def test_a_second_run_skips_all_three_and_says_the_same(tmp_path, source):
    first = batch(tmp_path)
    again = batch(tmp_path)
    assert {row.status for row in again.rows} == {"skipped"}
    assert (verdicts(again), again.exit_code) == (EXPECTED, 3)
    assert [row.reasons for row in again.rows] == [row.reasons for row in first.rows]
    foreseen = batch(tmp_path, dry_run=True)
    assert {row.status for row in foreseen.rows} == {"skipped"}


@pytest.mark.parametrize(
    ("left", "code"),
    [(["loud.wav"], 0), (["loud.wav", "sub/quiet.wav"], 4), (["sub/quiet.wav", "sub/faint.wav"], 3)],
)
def test_the_exit_code_tells_the_worst(tmp_path, source, left, code):
    for name in set(LEVELS) - set(left):
        (source / name).unlink()
    assert batch(tmp_path).exit_code == code
    (source / "broken.wav").write_text("no sound")
    assert batch(tmp_path).exit_code == 1


def test_a_file_lies_in_its_place_or_in_quarantine_and_never_in_both(tmp_path, source):
    background = "output: {background: true}\n"
    batch(tmp_path, extra=background)
    out = tmp_path / "out"
    held = [name for name in outputs(out) if name.startswith("quarantine/")]
    assert len(held) == 3  # speech, background, reasons
    lenient = batch(tmp_path, "gate: {length_equal: true}\n", background)
    assert set(verdicts(lenient).values()) == {"passed"} and lenient.exit_code == 0
    assert not (out / "quarantine").exists() and len(outputs(out)) == 6
    strict = batch(tmp_path, "gate: {loudness_lufs_min: 0}\n")  # other outputs too: no background
    assert set(verdicts(strict).values()) == {"quarantined"}
    assert all(name.startswith("quarantine/") for name in outputs(out)) and len(outputs(out)) == 6
    ungated = batch(tmp_path, "")
    assert set(verdicts(ungated).values()) == {"passed"}
    assert sorted(outputs(out)) == sorted(name.replace(".wav", "__speech_only.wav") for name in LEVELS)


def test_workers_give_the_same_tree_and_the_zip_holds_it(tmp_path, source):
    batch(tmp_path, zip_to=tmp_path / "one.zip")
    whole = outputs(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "one")
    report = batch(tmp_path, jobs=2)
    assert verdicts(report) == EXPECTED
    assert outputs(tmp_path / "out") == whole
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == whole


def test_quarantine_never_leaves_its_folder_and_is_never_a_source(tmp_path, source):
    config = settings(tmp_path)
    report = run_batch(BatchJob(config, source, source / "out"))
    again = run_batch(BatchJob(config, source, source / "out"))
    assert verdicts(report) == verdicts(again) == EXPECTED
    out = tmp_path / "out"
    (tmp_path / "elsewhere").mkdir()
    out.mkdir()
    (out / "quarantine").symlink_to(tmp_path / "elsewhere")
    refused = batch(tmp_path)
    assert {row.status for row in refused.rows} == {"failed"}
    assert "a link leads out of" in refused.rows[0].error
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_source_in_a_folder_of_that_name_is_left_alone(tmp_path):
    source = lay(tmp_path / "in", "a.wav", "quarantine/b.wav", "quarantine/a.wav")
    with pytest.raises(OutputError, match=r"'a.wav' and 'quarantine/a.wav' would both be written"):
        batch(tmp_path)
    (source / "a.wav").unlink()
    for gate in (GATE, "gate: {loudness_lufs_min: 0}\n", "", GATE):
        batch(tmp_path, gate)
        assert len([name for name in outputs(tmp_path / "out") if name.endswith("only.wav")]) == 2


def test_a_journal_from_before_the_gate_still_reads(tmp_path, source):
    batch(tmp_path, "")
    path = tmp_path / "out" / JOURNAL_NAME
    new = ("verdict", "configuration", "reasons", "words_sha256")
    records = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({k: v for k, v in r.items() if k not in new}) + "\n" for r in records))
    again = batch(tmp_path, "")
    assert {(row.status, row.verdict) for row in again.rows} == {("skipped", "passed")}


def test_only_the_failed_files_meet_the_next_models_which_are_loaded_once(tmp_path, monkeypatch):
    """The pilot's music stays where nothing separates; its own network takes it away."""
    (tmp_path / "in").mkdir()
    for name, part in (("a", (0.0, 4.5)), ("b", (7.0, 11.0))):
        soundfile.write(tmp_path / f"in/{name}.wav", excerpt("mix.wav", *part), PILOT_HZ)
    soundfile.write(tmp_path / "in/clean.wav", excerpt("speech.wav", 7.0, 11.0), PILOT_HZ)
    plain = "post_mask: null\nequalise: null\n"
    (tmp_path / "next.yaml").write_text("members: [{separator: compact}]\n" + plain)
    gate = "gate: {residual_db_max: -18}\nescalate_to: [next.yaml]\n"
    (tmp_path / "first.yaml").write_text("members: [{separator: passthrough}]\n" + plain + gate)
    loads, load = [], compact.Separator.load

    def counted(self, device):
        loads.append(device)
        load(self, device)

    monkeypatch.setattr(compact.Separator, "load", counted)
    config = load_config(tmp_path / "first.yaml")
    report = run_batch(BatchJob(config, tmp_path / "in", tmp_path / "out"))
    assert verdicts(report) == {"a.wav": "escalated", "b.wav": "escalated", "clean.wav": "passed"}
    assert len(loads) == 1
    assert report.exit_code == 4
    assert [row.configuration for row in report.rows] == ["next.yaml", "next.yaml", "first"]
    assert all(row.metrics["music_residual"]["after"] <= -18 for row in report.rows)


def test_weights_of_every_configuration_are_asked_for_before_any_audio_is_read(tmp_path, source, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    config = settings(tmp_path)
    (tmp_path / "louder.yaml").write_text("members: [{separator: demucs}]")
    with pytest.raises(WeightsError, match="sepkit models fetch"):
        run_batch(BatchJob(config, source, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


# sepkit run


def run(folder: Path, name: str, out: str | Path) -> tuple[int, str, bytes]:
    settings(folder)
    words = ["run", str(folder / "in" / name), "-o", str(out), "--config", str(folder / "first.yaml")]
    result = CliRunner().invoke(main, words)
    return result.exit_code, result.stderr, result.stdout_bytes


@pytest.mark.parametrize(
    ("name", "code", "tree"),
    [
        ("loud.wav", 0, ["loud__speech_only.wav"]),
        ("sub/quiet.wav", 4, ["quiet__speech_only.wav"]),
        ("sub/faint.wav", 3, ["quarantine/faint.wav__reasons.txt", "quarantine/faint__speech_only.wav"]),
    ],
)
def test_a_single_file_is_held_to_the_gate(tmp_path, source, name, code, tree):
    found, said, _ = run(tmp_path, name, tmp_path / "out")
    assert found == code
    assert sorted(outputs(tmp_path / "out")) == tree
    assert ("gate.loudness_lufs_min" in said) == bool(code)


def test_a_single_file_never_lies_in_both_places(tmp_path, source):
    out = tmp_path / "out"
    run(tmp_path, "loud.wav", out)
    own = outputs(out)
    words = [
        "run",
        str(source / "loud.wav"),
        "-o",
        str(out),
        "--config",
        str(tmp_path / "first.yaml"),
        "--overwrite",
        "always",
    ]
    (tmp_path / "first.yaml").write_text(PASSTHROUGH + "gate: {loudness_lufs_min: 0}\n")
    assert CliRunner().invoke(main, words).exit_code == 3
    assert sorted(outputs(out)) == ["quarantine/loud.wav__reasons.txt", "quarantine/loud__speech_only.wav"]
    (tmp_path / "first.yaml").write_text(PASSTHROUGH)
    assert CliRunner().invoke(main, words).exit_code == 0
    assert outputs(out) == own and not (out / "quarantine").exists()


def test_standard_output_gets_nothing_that_fails(tmp_path, source):
    code, said, sound = run(tmp_path, "sub/faint.wav", "-")
    assert (code, sound) == (3, b"")
    assert "nothing was written" in said and "gate.loudness_lufs_min" in said
    code, said, sound = run(tmp_path, "sub/quiet.wav", "-")
    assert code == 4 and sound[:4] == b"RIFF"


# Clean speech
