"""The pages that a batch leaves: where they lie, what they say, and that they go when they tell of what is no more.

Witness for what they say: report.json, read with a parser of HTML that knows nothing of the templates.
"""

import csv
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from sepkit.batch import BatchJob, run_batch
from sepkit.batch.later_pages import again
from sepkit.cli import main
from sepkit.config import Config, parse_config
from sepkit.errors import SourceError

RATE_HZ = 8000
CONFIG = """
members: [{separator: passthrough}]
post_mask: null
equalise: null
output: {background: true}
evaluate: {batch_metrics: [{metric: loudness}, {metric: si_sdr}, {metric: silence}]}
report: REPORT
"""
NAMES = ("a.wav", "sub/<b>.wav")


def config(report: bool = True) -> Config:
    return parse_config(CONFIG.replace("REPORT", str(report).lower()))


class Cells(HTMLParser):
    """The texts of each row of the table of metrics, by the row's metric."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.rows: dict[str, list[str]] = {}
        self._row: list[str] | None = None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            name = dict(attrs).get("data-metric")
            self._row = self.rows.setdefault(name, []) if name else None
        elif tag in ("td", "th") and self._row is not None:
            self._row.append("")

    def handle_data(self, data):
        if self._row:
            self._row[-1] += data.strip()


@pytest.fixture
def source(tmp_path) -> Path:
    for seed, name in enumerate(NAMES):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).uniform(-0.3, 0.3, 2 * RATE_HZ)
        soundfile.write(path, noise, RATE_HZ)
    return tmp_path / "in"


def pages(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*.html"))


def text(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def test_every_file_has_a_page_that_says_what_the_report_says(source, tmp_path):
    out = tmp_path / "out"
    report = run_batch(BatchJob(config(), source, out))
    assert report.exit_code == 0
    assert pages(out) == ["report.html", "report/a.wav.html", "report/sub/<b>.wav.html"]
    for row in json.loads((out / "report.json").read_text())["files"]:
        shown = Cells(out / "report" / f"{row['path']}.html").rows
        assert list(shown) == ["loudness", "true_peak", "silence", "si_sdr"]  # against our own estimate comes last
        assert sorted(row["metrics"]) == sorted(shown)
        for name, score in row["metrics"].items():
            assert shown[name][1:3] == [text(score["before"]), text(score["after"])]
            assert (score["why"] or "") in shown[name][-1]
        assert {"member passthrough", "metrics", "page"} <= set(row["stages"])
        assert "Mask of passthrough" in (out / "report" / f"{row['path']}.html").read_text()
    page = (out / "report.html").read_text()
    assert "report/sub/%3Cb%3E.wav.html" in page and "<b>.wav" not in page
    skipped = run_batch(BatchJob(config(), source, out))
    assert {row.status for row in skipped.rows} == {"skipped"} and len(pages(out)) == 3


def test_a_page_begins_with_what_the_rendering_has_to_tell(source, tmp_path):
    """Noise, in which nobody speaks; the same page once more from what the batch left."""
    out = tmp_path / "out"
    (row, _) = run_batch(BatchJob(config(), source, out)).rows
    page = out / "report/a.wav.html"
    first = page.read_text()
    page.unlink()
    again(out, lambda rows: rows)
    assert row.note == "no speech found, left as loud as it is"
    for text in (first, page.read_text()):
        assert '<p class="sum">No speech found, left as loud as it is.</p>' in text
    gate = "gate: {loudness_lufs_max: -40}\nloudness: {least_speech_s: 0, target_lufs: -5, max_gain_db: 0}\n"
    run_batch(BatchJob(parse_config(CONFIG.replace("REPORT", "true") + gate), source, out))
    assert "<li>gain limited to 0 dB: " in page.read_text()


def test_the_longest_name_has_a_page_too(tmp_path):
    name = "l" * 251 + ".wav"
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / name, np.random.default_rng(0).uniform(-0.3, 0.3, RATE_HZ), RATE_HZ)
    report = run_batch(BatchJob(config(), tmp_path / "in", tmp_path / "out"))
    assert "page" not in report.rows[0].note and report.notes == ()
    (page,) = (tmp_path / "out/report").iterdir()
    assert len(page.name) == 255 and page.suffix == ".html"


def test_workers_leave_the_same_pages(source, tmp_path):
    run_batch(BatchJob(config(), source, tmp_path / "out", jobs=2))
    assert pages(tmp_path / "out") == ["report.html", "report/a.wav.html", "report/sub/<b>.wav.html"]


def test_pages_go_when_what_they_show_is_rendered_anew_without(source, tmp_path):
    out = tmp_path / "out"
    run_batch(BatchJob(config(), source, out))
    soundfile.write(source / "a.wav", np.random.default_rng(9).uniform(-0.3, 0.3, RATE_HZ), RATE_HZ)
    run_batch(BatchJob(config(report=False), source, out))
    assert pages(out) == ["report/sub/<b>.wav.html"]
    asked = run_batch(BatchJob(config(), source, out))  # and come when they are asked for
    assert {row.status for row in asked.rows} == {"skipped"} and asked.notes == ()
    assert pages(out) == ["report.html", "report/a.wav.html", "report/sub/<b>.wav.html"]
    assert "Mask of passthrough" in (out / "report/a.wav.html").read_text()


def test_the_pages_of_a_zip_are_missing_until_it_is_unpacked(source, tmp_path):
    """Its sources are not kept. What the note says to do instead is done."""
    archive, out = Path(shutil.make_archive(str(tmp_path / "d"), "zip", source)), tmp_path / "out"
    report = run_batch(BatchJob(parse_config(CONFIG.replace("REPORT", "{pages: 1}")), archive, out))
    then = f"unpack {archive} and run the batch over the folder, then `sepkit report {out} --all` makes it"
    assert f"note: 1 of 2 files has no page: {then}" in report.text().splitlines()
    assert len(pages(out)) == 2
    shutil.rmtree(out / "report")
    shutil.unpack_archive(archive, tmp_path / "unpacked")
    assert len(run_batch(BatchJob(config(), tmp_path / "unpacked", out)).with_status("skipped")) == 2
    assert CliRunner().invoke(main, ["report", str(out)]).exit_code == 0
    assert pages(out) == ["report.html", "report/a.wav.html", "report/sub/<b>.wav.html"]


def test_the_command_writes_what_is_missing_and_names_what_it_cannot(source, tmp_path):
    out = tmp_path / "out"
    run_batch(BatchJob(config(report=False), source, out))
    assert pages(out) == []
    done = CliRunner().invoke(main, ["report", str(out)])
    assert done.exit_code == 0, done.output
    assert pages(out) == ["report.html", "report/a.wav.html", "report/sub/<b>.wav.html"]
    assert "Mask of passthrough" in (out / "report/a.wav.html").read_text()
    (out / "report/a.wav.html").unlink()
    done = CliRunner().invoke(main, ["report", str(out), "--no-masks"])
    assert done.exit_code == 0, done.output
    assert "made from the files alone" in (out / "report/a.wav.html").read_text()
    shutil.rmtree(out / "report")
    soundfile.write(source / "a.wav", np.zeros(RATE_HZ), RATE_HZ)
    done = CliRunner().invoke(main, ["report", str(out)])
    assert done.exit_code == 1
    assert "a.wav: is not what was rendered any more" in done.output
    (source / "a.wav").unlink()
    done = CliRunner().invoke(main, ["report", str(out)])
    assert done.exit_code == 1
    assert "a.wav: cannot be read (No such file" in done.output
    assert pages(out) == ["report.html", "report/sub/<b>.wav.html"]


def test_a_folder_of_something_else_is_named(tmp_path):
    done = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert done.exit_code == 1
    assert "holds neither a batch's report.json nor a pilot run's metrics.json; give the folder" in done.output
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(SourceError, match=r"report\.json: cannot be read"):
        again(tmp_path, list)


def test_a_page_that_cannot_be_made_costs_no_file(source, tmp_path):
    """A link that leads out of the folder is not followed; the file is done, and its row says why it has no page."""
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    out.mkdir()
    (out / "report").symlink_to(elsewhere)
    report = run_batch(BatchJob(config(), source, out))
    assert report.exit_code == 0
    assert all("its page could not be made" in row.note and "leads out of" in row.note for row in report.rows)
    assert list(elsewhere.iterdir()) == []
    assert (out / "sub/<b>__speech_only.wav").is_file()


def test_quarantined_and_escalated_files_have_pages_that_say_so(source, tmp_path):
    """Asked to be quieter than the first configuration leaves it; the second turns it down enough, then not enough."""
    out = tmp_path / "out"
    lower = tmp_path / "lower.yaml"
    lower.write_text(
        "members: [{separator: passthrough}]\npost_mask: null\nequalise: null\n"
        "loudness: {target_lufs: -60, max_gain_db: 40, ceiling_dbtp: null, least_speech_s: 0}\n"
    )
    judged = config().model_copy(
        update={"gate": {"loudness_lufs_max": -50, "true_peak_dbtp_max": -40}, "escalate_to": (str(lower),)}
    )
    report = run_batch(BatchJob(judged, source, out))
    assert {row.verdict for row in report.rows} == {"escalated"} and report.exit_code == 4
    lower.write_text(lower.read_text().replace("-60", "-45"))
    report = run_batch(BatchJob(judged, source, out))
    assert {row.verdict for row in report.rows} == {"quarantined"} and report.exit_code == 3
    assert len(pages(out)) == 3
    page = (out / "report/a.wav.html").read_text()
    assert "quarantined" in page and "gate.loudness_lufs_max" in page
    assert "quarantine/a__speech_only.wav" in page
    assert "gate.loudness_lufs_max" in (out / "report.html").read_text()
    shutil.rmtree(out / "report")
    assert again(out, list)[1] == []
    page = (out / "report/a.wav.html").read_text()
    assert "Mask of passthrough" in page and "gate.loudness_lufs_max" in page


def test_pages_and_records_name_no_absolute_path_and_move_with_their_sources(source, tmp_path):
    (source / "cut.wav").write_bytes((source / "a.wav").read_bytes()[:100])
    out = tmp_path / "out"
    report = run_batch(BatchJob(config(report=False), source, out))
    assert str(tmp_path) in report.with_status("failed")[0].error
    assert str(tmp_path) not in (out / "report.json").read_text()
    assert json.loads((out / "report.json").read_text())["source"] == "../in"
    (tmp_path / "moved").mkdir()
    shutil.move(source, tmp_path / "moved/in")
    shutil.move(out, tmp_path / "moved/out")
    assert again(tmp_path / "moved/out", list)[1] == []
    made = list((tmp_path / "moved").rglob("*.html"))
    assert len(made) == 3 and not [page for page in made if str(tmp_path) in page.read_text()]


def test_a_record_of_an_earlier_version_names_its_source_absolutely(source, tmp_path):
    run_batch(BatchJob(config(report=False), source, tmp_path / "out"))
    path = tmp_path / "out/report.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "source": str(source)}))
    assert again(tmp_path / "out", list)[1] == [] and len(pages(tmp_path / "out")) == 3


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("outputs", ["../secret.wav"], "lies outside"),
        ("outputs", ["SECRET"], "lies outside"),
        ("outputs", ["link.wav"], "lies outside"),
        ("path", "../secret.wav", "leads out of|lies outside"),
        ("path", "SECRET", "leads out of|lies outside"),
    ],
)
def test_a_record_that_names_other_files_of_the_machine_gets_no_page(source, tmp_path, field, value, why):
    out, secret = tmp_path / "out", tmp_path / "secret.wav"
    shutil.copy(source / "a.wav", secret)
    run_batch(BatchJob(config(report=False), source, out))
    (out / "link.wav").symlink_to(secret)
    record = json.loads((out / "report.json").read_text())
    row = next(row for row in record["files"] if row["path"] == "a.wav")
    row[field] = json.loads(json.dumps(value).replace("SECRET", str(secret)))
    (out / "report.json").write_text(json.dumps(record))
    problems = again(out, list).problems
    assert len(problems) == 1 and re.search(why, problems[0]), problems
    assert pages(out) == ["report.html", "report/sub/<b>.wav.html"]


def test_cells_that_a_spreadsheet_would_calculate_are_texts_and_numbers_stay_numbers(source, tmp_path):
    names = ("=1+1.wav", "+1.wav", "-1.wav", "@a.wav", "\ta.wav")
    for name in names:
        shutil.copy(source / "a.wav", source / name)
    run_batch(BatchJob(config(report=False), source, tmp_path / "out", pattern="*.wav"))
    with (tmp_path / "out/report.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["path"] for row in rows} == {"a.wav", *(f"'{name}" for name in names)}
    assert not [cell for row in rows for cell in row.values() if cell[:1] in ("=", "+", "@", "\t")]
    loudness = [float(row["loudness_after"]) for row in rows]
    assert loudness == pytest.approx([loudness[0]] * 6) and loudness[0] < 0  # one sound, six names
