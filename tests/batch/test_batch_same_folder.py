"""Two folders into one OUT_DIR: no result of the one is replaced by the other's without a word."""

import shutil
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from sepkit.batch import BatchJob, run_batch
from sepkit.batch.journal import JOURNAL_NAME
from sepkit.cli import main
from sepkit.errors import OutputError
from tests.batch.folders import PASSTHROUGH, config, lay, outputs, statuses

DEEPER = "output: {bit_depth: '24'}\n"
CHANGED = "its source has changed since, and this replaces the earlier result"


def two(tmp_path):
    """Both have an a.wav, of other content."""
    lay(tmp_path / "d1", "a.wav")
    lay(tmp_path / "d2", "b.wav", "a.wav")
    return tmp_path / "d1", tmp_path / "d2", tmp_path / "out"


@pytest.mark.parametrize("extra", ["", DEEPER])
@pytest.mark.parametrize("dry_run", [False, True])
def test_another_folder_is_refused_before_anything_is_rendered(tmp_path, extra, dry_run):
    """Whether or not the configuration is another one too."""
    first, second, out = two(tmp_path)
    run_batch(BatchJob(config(), first, out))
    before = outputs(out)
    with pytest.raises(OutputError, match=r"holds the result of another a\.wav, from .*d1.*give another OUT_DIR"):
        run_batch(BatchJob(config(extra), second, out, dry_run=dry_run))
    assert outputs(out) == before


def test_the_user_may_want_it(tmp_path):
    first, second, out = two(tmp_path)
    (tmp_path / "c.yaml").write_text(PASSTHROUGH)
    run_batch(BatchJob(config(), first, out))
    command = ["batch", str(second), str(out), "--config", str(tmp_path / "c.yaml")]
    refused = CliRunner().invoke(main, command)
    assert refused.exit_code == 2
    told = refused.stderr.splitlines()
    assert len(told) == 1 and "add --replace to the command if that is wanted; nothing was rendered" in told[0]
    done = CliRunner().invoke(main, [*command, "--replace"])
    assert done.exit_code == 0 and f"note: a.wav: {CHANGED}" in done.stdout
    assert set(statuses(run_batch(BatchJob(config(), second, out))).values()) == {"skipped"}  # they are d2's now


def test_a_folder_that_was_moved_or_is_called_otherwise_resumes(tmp_path, monkeypatch):
    _, folder, out = two(tmp_path)
    run_batch(BatchJob(config(), folder, out))
    (tmp_path / "alias").symlink_to(folder)
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in folder.iterdir():
            opened.write(path, path.name)
    monkeypatch.chdir(folder)
    for source in (Path(), tmp_path / "alias", archive):
        assert set(statuses(run_batch(BatchJob(config(), source, out))).values()) == {"skipped"}
    monkeypatch.chdir(tmp_path)
    moved = shutil.move(folder, tmp_path / "elsewhere")
    lay(tmp_path / "elsewhere", "new.wav")
    found = statuses(run_batch(BatchJob(config(), tmp_path / moved, out)))
    assert found == {"a.wav": "skipped", "b.wav": "skipped", "new.wav": "done"}


def test_in_the_same_folder_a_changed_source_is_said(tmp_path):
    first, second, out = two(tmp_path)
    run_batch(BatchJob(config(), first, out))
    shutil.copy(second / "a.wav", first / "a.wav")
    report = run_batch(BatchJob(config(DEEPER), first, out))
    assert (report.rows[0].status, report.rows[0].note) == ("done", CHANGED)


def test_other_names_are_welcome_beside_and_so_is_a_journal_of_before(tmp_path):
    first, second, out = two(tmp_path)
    run_batch(BatchJob(config(), first, out))
    assert statuses(run_batch(BatchJob(config(), second, out, "b.wav"))) == {"b.wav": "done"}
    journal = out / JOURNAL_NAME
    journal.write_text(journal.read_text().replace('"in_dir": "../d1", ', ""))
    assert run_batch(BatchJob(config(), second, out, "a.wav")).rows[0].note == CHANGED
