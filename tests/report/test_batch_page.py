"""The page of a batch in a real browser: sorting, filters, links, names that stay text. Witness: Python's own sort."""

import re

import pytest

from sepkit.report import batch_page
from tests.report.rules import keep_to_the_rules

METRICS = {
    "stoi": {"label": "STOI", "unit": "0–1", "better": "higher"},
    "wer": {"label": "WER", "unit": "%", "better": "lower"},
}
COUNT = 10_000


def file_row(index: int) -> dict:
    """Figures that no two files share; every 97th file failed, every 89th was not measured."""
    failed, unmeasured = index % 97 == 0, index % 89 == 0
    wer = None if unmeasured else 100 * (index * 104_729 % COUNT) / COUNT
    values = {"stoi": (index * 7919 % COUNT) / COUNT, "wer": wer}
    scores = {
        name: {**METRICS[name], "before": value, "after": None if value is None else value / 2, "note": "", "why": None}
        for name, value in values.items()
    }
    return {
        "path": f"speaker {index % 50}/take {index}.wav",
        "status": "failed" if failed else "done",
        "error": "is cut short" if failed else "",
        "note": "",
        "duration_s": None if failed else 1 + index / 1000,
        "seconds": 0.5,
        "metrics": {} if failed else scores,
        "stages": {"member compact": 0.3, "fuse": 0.1},
    }


ROWS = [file_row(index) for index in range(COUNT)]
ODD = "a/<img src=x onerror=alert(1)> #1 50%.wav"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    out = tmp_path_factory.mktemp("batch") / "out"
    page = batch_page.page_path(out, ODD)
    page.parent.mkdir(parents=True)
    page.write_text("the page of a file")
    rows = [{**file_row(1), "path": ODD, "note": "</script><script>alert(2)</script>"}, *ROWS]
    return batch_page.write(out, {"files": rows, "interrupted": False, "notes": ["a <b>note</b>"]})


@pytest.fixture
def page(browser, path):
    context = browser.new_context()
    opened = context.new_page()
    faults, asked = [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: faults.append(said.text))
    opened.on("dialog", lambda dialog: faults.append(dialog.message) or dialog.dismiss())
    opened.goto(path.as_uri())
    yield opened
    assert faults == []
    assert all(url.startswith(path.parent.as_uri()) for url in asked)
    context.close()


def column(page, label: str) -> list[str]:
    """What the table shows in a column."""
    labels = [head.inner_text() for head in page.locator("#files thead th").all()]
    place = next(index for index, text in enumerate(labels) if text.startswith(label))
    return [row.locator("th, td").nth(place).inner_text() for row in page.locator("#files tbody tr").all()]


def numbers(texts: list[str]) -> list[float]:
    return [float(text.replace("−", "-")) for text in texts]


def sort(page, label: str) -> None:
    page.locator("#files thead button", has_text=label).click()


def test_ten_thousand_rows_sort_by_number_both_ways_with_what_is_not_measured_last(page):
    sort(page, "WER")
    scores = [row["metrics"]["wer"]["after"] for row in ROWS if row["metrics"]]
    values = sorted(value for value in scores if value is not None)
    assert numbers(column(page, "WER")) == pytest.approx(values[: batch_page.PAGE_ROWS], abs=0.0051)
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("WER")
    sort(page, "WER")
    assert numbers(column(page, "WER")) == pytest.approx(values[: -batch_page.PAGE_ROWS - 1 : -1], abs=0.0051)
    assert page.locator("th[aria-sort=descending]").count() == 1
    page.locator("#next").evaluate("button => { while (!button.disabled) button.click(); }")
    assert column(page, "WER")[-1] == "–"


def test_names_sort_as_people_count(page):
    sort(page, "File")
    assert column(page, "File")[1:4] == ["speaker 0/take 0.wav", "speaker 0/take 50.wav", "speaker 0/take 100.wav"]


def test_filters_by_text_and_outcome(page):
    failed = [row["path"] for row in ROWS if row["status"] == "failed"]
    page.locator("#outcome").select_option("failed")
    assert f"of {len(failed)} files" in page.locator("#shown").inner_text()
    assert column(page, "File") == failed[: batch_page.PAGE_ROWS]
    page.locator("#text").fill("TAKE 97.wav")
    assert column(page, "File") == ["speaker 47/take 97.wav"]
    page.locator("#text").fill("cut short")
    assert f"of {len(failed)} files" in page.locator("#shown").inner_text()
    page.locator("#text").fill("nothing like this")
    assert page.locator("#shown").inner_text() == "No file matches."


def test_figures_before_after_and_their_change(page):
    page.locator("#text").fill("take 5.wav")
    score = ROWS[5]["metrics"]["stoi"]
    shown = {}
    for side in ("before", "after", "change"):
        page.locator("#side").select_option(side)
        shown[side] = column(page, "STOI")[0]
    change = f"{score['after'] - score['before']:.2f}".replace("-", "−")
    assert shown == {"before": f"{score['before']:.2f}", "after": f"{score['after']:.2f}", "change": change}


def test_odd_names_stay_text_and_link_to_their_page(page):
    page.locator("#text").fill("onerror")
    assert column(page, "File") == [ODD]
    assert column(page, "Why") == ["</script><script>alert(2)</script>"]
    page.locator("#files tbody a").click()
    assert page.locator("body").inner_text() == "the page of a file"
    page.go_back()


def test_a_metric_says_in_how_many_files_it_became_better(page):
    """Values are halved: WER (lower is better) falls and STOI (higher is better) falls, where two decimals show it."""
    for name, label, mark in (("stoi", "STOI", "▼ {} worse"), ("wer", "WER", "▲ {} better")):
        scores = [row["metrics"][name] for row in [ROWS[1], *ROWS] if row["metrics"]]
        values = [score["before"] for score in scores if score["before"] is not None]
        moved = sum(1 for value in values if round(value / 2, 2) != round(value, 2))
        caption = page.locator("figcaption", has_text=label).inner_text()
        assert mark.format(moved) in caption and f"{len(values)} of {COUNT + 1} files measured" in caption


def test_sums_and_stages_add_up(page):
    tiles = page.locator(".tiles").inner_text()
    hours = sum(row["duration_s"] or 0 for row in [ROWS[1], *ROWS]) / 3600
    assert f"{hours:.2f}" in tiles and str(COUNT + 1) in tiles
    stages = page.locator("section[aria-labelledby=time-title] tbody tr").all()
    assert [re.split(r"\s+(?=\d)", stage.inner_text().strip()) for stage in stages] == [
        ["member compact", "3000.3", "75.0 %"],
        ["fuse", "1000.1", "25.0 %"],
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_keeps_to_the_rules_for_people_and_to_the_width(browser, path, scheme):
    for width in (1280, 360):
        opened = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        opened.goto(path.as_uri())
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        keep_to_the_rules(opened)
        opened.close()


def test_what_says_nothing_without_speech_stands_in_brackets_and_in_no_mean(browser, tmp_path):
    """Of three files nobody speaks in the second, whose residual is the lowest by far."""
    values = {"a.wav": (-10.0, -20.0, "independent"), "b.wav": (-70.0, -90.0, "no speech"), "c.wav": (-12.0, -30.0, "")}
    known = {"label": "Music residual", "unit": "dB", "better": "lower", "note": "", "why": None}
    rows = [
        {**file_row(1), "path": path, "metrics": {"r": known | {"before": before, "after": after, "basis": basis}}}
        for path, (before, after, basis) in values.items()
    ]
    path = batch_page.write(tmp_path, {"files": rows, "interrupted": False, "notes": []})
    opened = browser.new_page()
    opened.goto(path.as_uri())
    assert column(opened, "Music residual") == ["−20.00", "(−90.00)", "−30.00"]
    assert opened.locator("#files tbody td[title]").all_inner_texts() == ["(−90.00)"]
    assert "In brackets: says nothing, for nobody speaks there." in opened.locator("main").inner_text()
    caption = opened.locator("figcaption").inner_text()
    assert "mean −11.00 before, −25.00 after" in caption
    assert "2 of 3 files measured, 1 left out, for nobody speaks there" in caption
    for order in (["−30.00", "−20.00", "(−90.00)"], ["−20.00", "−30.00", "(−90.00)"]):
        sort(opened, "Music residual")
        assert column(opened, "Music residual") == order
    opened.close()


def test_reasons_and_notes_are_read_whole_without_scrolling(browser, tmp_path):
    """Beside as many figures as a batch can have, and with a word that has no place to break."""
    scores = {f"m{index}": METRICS["wer"] | {"before": 1.0, "after": 2.0} for index in range(15)}
    scores = {name: {**score, "label": name, "note": "", "why": None} for name, score in scores.items()}
    note = "of 3 sound tracks, 1 (eng, default) was taken, not 2 (deu), 3 (deu); removed " + 120 * "x"
    row = {**file_row(1), "metrics": scores, "note": note}
    path = batch_page.write(tmp_path, {"files": [row], "interrupted": False, "notes": []})
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    opened.goto(path.as_uri())
    assert column(opened, "Why") == [note]
    cell, table = (opened.locator(name).bounding_box() for name in ("#files td.why", ".scroll.tall"))
    assert cell["x"] + cell["width"] <= table["x"] + table["width"]
    assert opened.locator("#files td.why").evaluate("cell => cell.scrollWidth <= cell.clientWidth")
    opened.close()


def test_pages_of_files_stay_inside_and_have_names_that_fit(tmp_path):
    long = "l" * 251 + ".wav"
    assert batch_page.page_path(tmp_path, f"sub/{long}").name.endswith(".html")
    assert len(batch_page.page_path(tmp_path, f"sub/{long}").name) <= 255
    assert batch_page.page_path(tmp_path, "sub/a.wav") == tmp_path / "report/sub/a.wav.html"
