"""A batch of more files than `report.pages`: which pages it leaves, when they come, and what is said of the others.

Witness for which: the worst by hand, from the values in report.csv; the rest of the choice has tests of its own.
"""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from sepkit.batch import BatchJob, run_batch
from sepkit.cli import main
from sepkit.config import Config, parse_config
from sepkit.errors import ConfigError
from tests.batch.folders import PASSTHROUGH

RATE_HZ = 8000
FILES = 12
LOUD = {"05.wav": 40, "09.wav": 10}
"""How many samples of these are at full scale; of all others, none."""
CONFIG = PASSTHROUGH + "evaluate: {batch_metrics: [{metric: clipping}]}\nreport: {pages: PAGES}\n"
PAGES = ["report/05.wav.html", "report/09.wav.html"]


def config(pages: object, extra: str = "") -> Config:
    return parse_config(CONFIG.replace("PAGES", str(pages)) + extra)


@pytest.fixture
def source(tmp_path) -> Path:
    for index in range(FILES):
        name = f"{index:02d}.wav"
        samples = np.random.default_rng(index).uniform(-0.3, 0.3, RATE_HZ)
        samples[100 : 100 + LOUD.get(name, 0)] = 1.0
        (tmp_path / "in").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "in" / name, samples, RATE_HZ)
    return tmp_path / "in"


def pages(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in (out / "report").rglob("*"))


def links(out: Path) -> list[str]:
    """Of the files in the batch's page, as far as they have one."""
    table = re.search(r'<script type="application/json" id="table">(.*?)</script>', (out / "report.html").read_text())
    assert table
    return sorted(unquote(row[1]) for row in json.loads(table[1])["rows"] if row[1])


def without(out: Path) -> str:
    found = re.search(r'<p class="note">(\d+ of \d+ files ha.*?)</p>', (out / "report.html").read_text())
    return found[1] if found else ""


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_worst_have_pages_and_the_page_of_the_batch_says_how_many_have_none(source, tmp_path, jobs):
    out = tmp_path / "out"
    report = run_batch(BatchJob(config(2), source, out, jobs=jobs))
    with (out / "report.csv").open(newline="") as file:
        clipped = {row["path"]: float(row["clipped_after"]) for row in csv.DictReader(file)}
    worst = sorted(clipped, key=lambda path: -clipped[path])[:2]
    assert pages(out) == links(out) == sorted(f"report/{path}.html" for path in worst) == PAGES
    assert "Mask of passthrough" in (out / PAGES[0]).read_text()
    note = f"note: 10 of 12 files have no page: `sepkit report {out} --all` makes them"
    assert note in report.text().splitlines() and report.notes == ()
    assert without(out) == "10 of 12 files have no page: `sepkit report . --all`, given in this folder, makes them"


def test_the_command_makes_what_the_configuration_asks_for_and_all_on_demand(source, tmp_path):
    out = tmp_path / "out"
    run_batch(BatchJob(config(2), source, out))
    (out / PAGES[0]).unlink()
    assert CliRunner().invoke(main, ["report", str(out)]).exit_code == 0
    assert pages(out) == links(out) == PAGES
    done = CliRunner().invoke(main, ["report", str(out), "--all"])
    assert done.exit_code == 0, done.output
    assert done.output.rstrip().endswith(f"report.html, and {FILES - len(PAGES)} pages of files")
    assert pages(out) == links(out) == [f"report/{index:02d}.wav.html" for index in range(FILES)]
    assert without(out) == ""
    again = run_batch(BatchJob(config(2), source, out))  # what is there stays
    assert len(again.with_status("skipped")) == FILES and len(pages(out)) == FILES
    assert "no page" not in again.text()


def test_none_and_all(source, tmp_path):
    out = tmp_path / "out"
    report = run_batch(BatchJob(config(0), source, out))
    assert not (out / "report").exists() and "no page" not in report.text()
    assert without(out).startswith("12 of 12 files have no page: ")
    run_batch(BatchJob(config("all"), source, out))
    assert len(pages(out)) == FILES and without(out) == ""


def test_what_is_rendered_anew_has_its_page_anew(source, tmp_path):
    out = tmp_path / "out"
    run_batch(BatchJob(config(2), source, out))
    before = (out / PAGES[0]).read_bytes()
    samples = np.random.default_rng(99).uniform(-0.3, 0.3, RATE_HZ)
    samples[:500] = 1.0
    soundfile.write(source / "05.wav", samples, RATE_HZ)
    soundfile.write(source / "09.wav", np.random.default_rng(98).uniform(-0.3, 0.3, RATE_HZ), RATE_HZ)
    report = run_batch(BatchJob(config(2), source, out))
    assert [row.path for row in report.with_status("done")] == ["05.wav", "09.wav"]
    assert PAGES[0] in pages(out) and (out / PAGES[0]).read_bytes() != before
    assert len(pages(out)) == 2 and (PAGES[1] in pages(out)) is False  # 09 clips no more, and another takes its turn


def test_quarantine_and_zip(source, tmp_path):
    """One clips too much for the gate. The sources lie in a zip, which is gone after the batch."""
    archive, out = Path(shutil.make_archive(str(tmp_path / "d"), "zip", source)), tmp_path / "out"
    gated = config(1, "gate: {clipped_frames_max: 20}\n")
    report = run_batch(BatchJob(gated, archive, out, zip_to=tmp_path / "clean.zip"))
    assert report.exit_code == 3 and pages(out) == [PAGES[0]]
    page = (out / PAGES[0]).read_text()
    assert "quarantined" in page and "gate.clipped_frames_max" in page and "Mask of passthrough" in page
    assert without(out).startswith(
        f"11 of 12 files have no page: unpack {'../d.zip'} and run the batch over the folder"
    )
    assert (tmp_path / "clean.zip").is_file()


def test_a_page_that_cannot_be_made_is_said_and_costs_no_file(source, tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    out.mkdir()
    (out / "report").symlink_to(elsewhere)
    report = run_batch(BatchJob(config(1), source, out))
    assert report.exit_code == 0 and list(elsewhere.iterdir()) == []
    (note,) = report.notes
    assert note.startswith("05.wav: its page could not be made: ") and "leads out of" in note


KILLED = """
import os, signal, sys
from pathlib import Path
from sepkit.batch import BatchJob, run_batch
from sepkit.config import parse_config

left = [int(sys.argv[4])]
def count(event, arguments):
    if event == "os.rename" and str(arguments[1]).endswith(".wav.html"):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), getattr(signal, sys.argv[5]))
sys.addaudithook(count)
report = run_batch(BatchJob(parse_config(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
print(report.exit_code, len(report.with_status("done")))
"""


@pytest.mark.parametrize("by", ["SIGKILL", "SIGINT"])
def test_cut_short_among_the_pages_it_goes_on_there(source, tmp_path, by):
    text, out = CONFIG.replace("PAGES", "2"), tmp_path / "out"
    command = [sys.executable, "-c", KILLED, text, str(source), str(out), "2", by]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if by == "SIGINT":
        assert done.stdout.split() == ["130", "12"], done.stderr
        assert json.loads((out / "report.json").read_text())["interrupted"] is True
    else:
        assert done.returncode == -9 and not (out / "report.json").exists()
    report = run_batch(BatchJob(parse_config(text), source, out))
    assert len(report.with_status("skipped")) == FILES and report.exit_code == 0
    assert pages(out) == links(out) == PAGES  # and nothing half-written
    assert not list(out.glob(".sepkit-work-*"))


@pytest.mark.parametrize("value", ["{pages: -1}", "{pages: true}", "{pages: 2.5}", "{pages: most}", "{pages: null}"])
def test_mistakes_name_what_is_allowed(value):
    with pytest.raises(
        ConfigError, match=r"report\.pages: a number of files from 0, or all, is asked, found "
    ) as caught:
        parse_config(PASSTHROUGH + f"report: {value}\n")
    assert len(str(caught.value).splitlines()) == 1


def test_yes_and_no_are_the_default_and_none_and_count_for_no_fingerprint():
    asked = {
        text: parse_config(PASSTHROUGH + f"report: {text}\n") for text in ("true", "false", "null", "{pages: all}")
    }
    assert asked["true"].report and asked["true"].report.pages == 200
    assert asked["false"].report is None and asked["null"].report is None
    assert len({each.fingerprint() for each in asked.values()} | {parse_config(PASSTHROUGH).fingerprint()}) == 1
