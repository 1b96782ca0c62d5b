"""Reports and pages of somebody else that bear the names of sepkit's own: they are set aside and said, never lost."""

import hashlib
import json

import pytest
from click.testing import CliRunner

from sepkit.batch import BatchJob, run_batch
from sepkit.cli import main
from sepkit.report.own import BEGINNINGS, is_own
from tests.batch.folders import config, lay, statuses

MINE = {"report.json": b'{"mine": 1}', "report.csv": b"mine,1\n", "report.html": b"<!doctype html>\n<p>mine"}
WHY = "for it is not known to be as sepkit wrote it"
MEASURED = "evaluate: {batch_metrics: [{metric: loudness}]}\n"


def said(name: str) -> str:
    return f"what was {name} before is kept as {name}.kept, {WHY}"


@pytest.mark.parametrize("pages", [False, True])
def test_reports_of_the_user_are_set_aside_once_and_said(tmp_path, pages):
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    page = out / "report/a.wav.html"
    page.parent.mkdir(parents=True)
    page.write_bytes(MINE["report.html"])
    for name, content in MINE.items():
        (out / name).write_bytes(content)
    job = BatchJob(config(MEASURED + f"report: {str(pages).lower()}\n"), source, out)
    report = run_batch(job)
    kept = [name for name in MINE if pages or name != "report.html"]
    assert list(report.notes) == [said(name) for name in kept]
    assert [(out / f"{name}.kept").read_bytes() for name in kept] == [MINE[name] for name in kept]
    assert all(is_own(out / name) for name in kept)
    of_file = page.with_name("a.wav.html.kept") if pages else page
    assert of_file.read_bytes() == MINE["report.html"] and is_own(page) == pages
    assert (said("a.wav.html") in report.rows[0].note) == pages
    if not pages:
        assert (out / "report.html").read_bytes() == MINE["report.html"]
    before = sorted(out.rglob("*"))
    again = run_batch(job)
    assert set(statuses(again).values()) == {"skipped"} and again.notes == ()
    assert sorted(out.rglob("*")) == before


def test_the_report_command_sets_aside_too(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    run_batch(BatchJob(config(), source, out))
    mine = [out / "report.html", out / "report/a.wav.html"]
    mine[1].parent.mkdir()
    for page in mine:
        page.write_bytes(MINE["report.html"])
    done = CliRunner().invoke(main, ["report", str(out), "--no-masks"])
    assert done.exit_code == 0, done.output
    for page in mine:
        assert is_own(page) and page.with_name(f"{page.name}.kept").read_bytes() == MINE["report.html"]
        assert f"note: {said(page.name)}" in done.output


def test_a_link_to_a_file_of_the_user_is_no_report_of_ours(tmp_path):
    source, out, mine = lay(tmp_path / "in", "a.wav"), tmp_path / "out", tmp_path / "mine.csv"
    run_batch(BatchJob(config(), source, out))
    (out / "report.csv").rename(mine)
    (out / "report.csv").symlink_to(mine)
    before = mine.read_bytes()
    run_batch(BatchJob(config(), source, out))
    assert mine.read_bytes() == before and (out / "report.csv.kept").is_symlink()


def test_a_table_that_was_changed_in_a_spreadsheet_is_kept(tmp_path):
    """Saved with another end of lines and a value more, as spreadsheets do; it still begins as sepkit's own."""
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    run_batch(BatchJob(config(), source, out))
    table = out / "report.csv"
    known = json.loads((out / "report.json").read_text())["csv_sha256"]
    assert known == hashlib.sha256(table.read_bytes()).hexdigest() and is_own(table)
    mine = table.read_bytes().replace(b"\r\n", b"\n").replace(b"a.wav,done", b"a.wav,listened to")
    table.write_bytes(mine)
    again = run_batch(BatchJob(config(), source, out))
    assert again.notes == (said("report.csv"),)
    assert (out / "report.csv.kept").read_bytes() == mine and b"skipped" in table.read_bytes()
    assert run_batch(BatchJob(config(), source, out)).notes == ()


def test_of_the_reports_of_the_first_version_the_table_is_kept_for_nothing_tells_whether_it_was_changed(tmp_path):
    """As commit 4a807b8 wrote them."""
    columns = "path,status,reason,error,note,duration_s,seconds,speech,background"
    (tmp_path / "report.csv").write_text(f"{columns}\r\n")
    (tmp_path / "report.json").write_text(json.dumps({"sepkit": "0.1.0", "interrupted": False}, indent=1) + "\n")
    assert not is_own(tmp_path / "report.csv") and is_own(tmp_path / "report.json")
    assert set(BEGINNINGS) == {".html", ".json", ".csv"}
