"""What a batch never does to the files of others: packed over, swept, pruned, taken for sources, left stale."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from sepkit.batch import BatchJob, run_batch
from sepkit.batch.journal import JOURNAL_NAME
from sepkit.batch.single import run_files
from sepkit.cli import main
from sepkit.errors import ConfigError, OutputError
from tests.batch.folders import PASSTHROUGH, RATE_HZ, config, lay, outputs, statuses

STRICT = "gate: {loudness_lufs_min: 0}\n"
BACKGROUND = "output: {background: true}\n"


def delivery(path: Path, source: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in source.rglob("*.wav"):
            archive.write(file, file.relative_to(source).as_posix())
    return path


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("in/a.wav", "lies under IN_DIR"),
        ("in/new.zip", "lies under IN_DIR"),
        ("link/a.wav", "lies under IN_DIR"),
        ("pointer.zip", "lies under IN_DIR"),
        (f"out/{JOURNAL_NAME}", "lies in OUT_DIR"),
        ("out/a__speech_only.wav", "lies in OUT_DIR"),
        ("words.csv", "does not end in .zip"),
        ("thesis.docx", "does not end in .zip"),
        ("words.zip", "was not packed by sepkit"),
        ("theirs.zip", "was not packed by sepkit"),
        ("new.txt", "does not end in .zip"),
        ("folder.zip", "is a folder"),
    ],
)
def test_nothing_is_packed_over(tmp_path, target, why):
    source = lay(tmp_path / "in", "a.wav")
    (tmp_path / "link").symlink_to(source)
    (tmp_path / "pointer.zip").symlink_to(source / "a.wav")
    (tmp_path / "words.csv").write_text("path,words\n")
    for name in ("thesis.docx", "theirs.zip"):
        delivery(tmp_path / name, source)
    (tmp_path / "words.zip").write_text("path,words\n")
    (tmp_path / "folder.zip").mkdir()
    run_batch(BatchJob(config(), source, tmp_path / "out"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(OutputError, match=why):
        run_batch(BatchJob(config(), source, tmp_path / "out", zip_to=tmp_path / target))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_an_archive_of_sepkit_is_packed_again_as_long_as_nobody_has_put_anything_into_it(tmp_path):
    archive = tmp_path / "out.zip"
    job = BatchJob(config(), lay(tmp_path / "in", "a.wav"), tmp_path / "out", zip_to=archive)
    run_batch(job)
    before = archive.read_bytes()
    lay(tmp_path / "in", "b.wav")
    run_batch(job)
    with zipfile.ZipFile(archive, "a") as opened:
        assert opened.namelist() == ["a__speech_only.wav", "b__speech_only.wav"] and archive.read_bytes() != before
        opened.write(tmp_path / "in/a.wav", "mine.wav")
    before = archive.read_bytes()
    with pytest.raises(OutputError, match="was not packed by sepkit; give a name elsewhere"):
        run_batch(job)
    assert archive.read_bytes() == before


def test_a_zip_is_no_folder(tmp_path):
    lay(tmp_path / "in", "a.wav")
    done = CliRunner().invoke(main, ["batch", f"{tmp_path}/in", f"{tmp_path}/out", "--zip", f"{tmp_path}/out.zip/"])
    assert done.exit_code == 2 and "out.zip/' is a folder; name a file" in done.stderr
    assert not (tmp_path / "out.zip").exists()


def test_the_delivery_itself_is_not_packed_over(tmp_path):
    archive = delivery(tmp_path / "d.zip", lay(tmp_path / "in", "a.wav"))
    before = archive.read_bytes()
    (tmp_path / "alias.zip").symlink_to(archive)
    for name in ("d.zip", "alias.zip"):
        with pytest.raises(OutputError, match="the delivery itself"):
            run_batch(BatchJob(config(), archive, tmp_path / "out", zip_to=tmp_path / name))
    assert archive.read_bytes() == before and not (tmp_path / "out").exists()


BATCH = """
import sys
from pathlib import Path
from sepkit.batch import BatchJob, run_batch
from sepkit.batch.single import run_files
from sepkit.config import parse_config

kind, source, out, config = sys.argv[1:]
if kind == "run":
    report = run_files([str(path) for path in sorted(Path(source).iterdir())], out, parse_config(config))
else:
    report = run_batch(BatchJob(parse_config(config), Path(source), Path(out)))
print(*getattr(report, "failures", ()), report.text() if kind == "batch" else "")
sys.exit(report.exit_code)
"""


@pytest.mark.parametrize(("kind", "below"), [("batch", "sub"), ("run", "")])
def test_who_renders_into_the_same_tree_loses_nothing_to_a_batch(tmp_path, kind, below):
    """Twenty short batches sweep, while files of a minute in windows of 0.1 s take their time."""
    out = tmp_path / "out"
    long = lay(tmp_path / "long", "x.wav", "y.wav", frames=60 * RATE_HZ)
    slow = PASSTHROUGH + "windows: {body_s: 0.1}\n"
    command = [sys.executable, "-c", BATCH, kind, long, out / below, slow]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        short, sweeps = lay(tmp_path / "short", "a.wav"), 0
        while process.poll() is None:
            run_batch(BatchJob(config(), short, out))
            sweeps += 1
        said = process.stdout.read()
    assert process.returncode == 0, said
    assert sweeps > 2
    assert sorted(path.name for path in out.rglob("*only.wav")) == [f"{name}__speech_only.wav" for name in "axy"]


def test_run_removes_what_a_killed_run_left_and_no_folder_of_the_user(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    (out / "quarantine/keep").mkdir(parents=True)
    (out / ".sepkit-work-killed").mkdir()
    (out / ".sepkit-work-killed/a__speech_only.wav").write_bytes(b"half")
    assert run_files([str(source / "a.wav")], str(out), config(STRICT)).exit_code == 3
    assert run_files([str(source / "a.wav")], str(out), config()).exit_code == 0
    run_batch(BatchJob(config(), source, out))
    found = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if not path.name.startswith("report"))
    assert found == [JOURNAL_NAME, ".sepkit-lock", "a__speech_only.wav", "quarantine", "quarantine/keep"]


def test_all_that_sounds_is_taken_and_own_results_are_no_sources(tmp_path):
    folder = lay(tmp_path, "a.wav", "b.FLAC", "sub/c.aiff", "d.au")
    (folder / "notes.txt").write_text("no sound")
    taken = ["a.wav", "b.FLAC", "d.au", "sub/c.aiff"]
    assert run_files([str(folder / "a.wav")], str(folder), config()).exit_code == 0
    for out in ("one", "two"):  # the first one's results lie among the sources of the second
        report = run_batch(BatchJob(config(), folder, folder / out))
        assert statuses(report) == dict.fromkeys(taken, "done"), out
    told = [line for line in report.text().splitlines() if line.startswith("note: left out")]
    assert told == [
        "note: left out, for they are results of sepkit: 5 (a__speech_only.wav, one/a__speech_only.wav, "
        "one/b__speech_only.FLAC, …)"
    ]
    some = run_batch(BatchJob(config(), folder, folder / "two", ("**/*.wav", "*.flac"), exclude=("A.*",), dry_run=True))
    assert statuses(some) == {"b.FLAC": "skipped"}


def test_results_that_the_journal_names_are_no_sources_whatever_they_are_called(tmp_path):
    out = tmp_path / "out"
    source = lay(out / "sub", "x.wav")
    renamed = config("output: {speech_suffix: clean}\n")
    lay(out / "sub/sub", "y.wav")
    first = run_batch(BatchJob(renamed, source, out, "**/y.wav"))  # lands in out/sub, which is IN_DIR
    assert first.rows[0].outputs == ("sub/yclean.wav",)
    again = run_batch(BatchJob(renamed, source, out))
    assert statuses(again) == {"x.wav": "done", "sub/y.wav": "skipped"}


def test_run_twice_over_all_files_of_a_folder_takes_each_once(tmp_path):
    lay(tmp_path, "a.wav", "b.wav")
    for _ in range(2):
        report = run_files([str(path) for path in sorted(tmp_path.glob("*.wav"))], str(tmp_path), config(BACKGROUND))
        assert (report.exit_code, [each.verdict for each in report.results].count("passed")) == (0, 2)
    left = [each.source.name for each in report.results if each.verdict == "left out"]
    assert left == ["a__background.wav", "a__speech_only.wav", "b__background.wav", "b__speech_only.wav"]
    assert len(list(tmp_path.glob("*.wav"))) == 6


def test_an_input_that_another_would_replace_stops_the_run(tmp_path):
    """Without a suffix nothing tells a result from a recording of that name."""
    one, two = lay(tmp_path, "a/talk.wav", "b/talk.wav") / "a/talk.wav", tmp_path / "b/talk.wav"
    before = two.read_bytes()
    with pytest.raises(ConfigError):
        run_files([str(one), str(two)], str(tmp_path / "b"), config("output: {speech_suffix: ''}\n"))
    assert two.read_bytes() == before


def test_no_stale_background_lies_beside_a_new_result(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav", "sub/b.wav"), tmp_path / "out"
    run_batch(BatchJob(config(BACKGROUND), source, out))
    report = run_batch(BatchJob(config(), source, out))
    assert sorted(outputs(out)) == ["a__speech_only.wav", "sub/b__speech_only.wav"]
    assert [row.note for row in report.rows] == [
        f"removed {name}__background.wav, which is not written any more" for name in ("a", "sub/b")
    ]
    renamed = run_batch(BatchJob(config("output: {speech_suffix: __voice}\n"), source, out))
    assert sorted(outputs(out)) == ["a__voice.wav", "sub/b__voice.wav"]
    assert renamed.rows[0].note == "removed a__speech_only.wav, which is not written any more"


def test_run_removes_no_background_that_it_does_not_write_and_says_so(tmp_path):
    """There is no journal to say that it is as sepkit wrote it."""
    source, out = lay(tmp_path / "in", "a.wav") / "a.wav", tmp_path / "out"
    lay(out, "other__background.wav")
    for extra, held in ((BACKGROUND, ""), (BACKGROUND + STRICT, "quarantine/")):
        run_files([str(source)], str(out), config(extra))
        (result,) = run_files([str(source)], str(out), config()).results
        left = [f"{held}a__background.wav", "a__speech_only.wav", "other__background.wav"]
        assert sorted(outputs(out)) == sorted(left)
        why = "for it is not known to be as sepkit wrote it"
        assert result.notes == (f"an older {out}/{held}a__background.wav stays beside the new result, {why}",)


def test_a_wav_beside_a_flac_may_both_be_quarantined(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav", "a.flac"), tmp_path / "out"
    report = run_batch(BatchJob(config(STRICT), source, out))
    assert {row.verdict for row in report.rows} == {"quarantined"}
    kinds = ["a.flac__reasons.txt", "a.wav__reasons.txt", "a__speech_only.flac", "a__speech_only.wav"]
    assert sorted(outputs(out)) == [f"quarantine/{name}" for name in kinds]


def test_reasons_by_their_former_name_are_found_and_go_with_the_file(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav", "b.wav"), tmp_path / "out"
    run_batch(BatchJob(config(STRICT), source, out))
    journal = out / JOURNAL_NAME
    for name in "ab":
        (out / f"quarantine/{name}.wav__reasons.txt").rename(out / f"quarantine/{name}__reasons.txt")
    journal.write_text(journal.read_text().replace(".wav__reasons", "__reasons"))
    before = outputs(out)
    report = run_batch(BatchJob(config(STRICT), source, out))
    assert set(statuses(report).values()) == {"skipped"} and outputs(out) == before
    assert run_files([str(source / "b.wav")], str(tmp_path / "out"), config(STRICT)).exit_code == 3
    assert not (out / "quarantine/b__reasons.txt").exists() and (out / "quarantine/b.wav__reasons.txt").is_file()
    run_batch(BatchJob(config(), source, out))
    assert sorted(outputs(out)) == ["a__speech_only.wav", "b__speech_only.wav"]
