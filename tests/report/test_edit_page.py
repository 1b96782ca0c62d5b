"""The page of an edit in a real browser, as a batch makes it: windows, table, players, and what changed outside.

The source is two tones; "low" and "high" are told apart by a filter (`tests.prompted`).
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

import tests.prompted
from sepkit.audio.samples import Audio
from sepkit.batch import BatchJob, later_pages, run_batch
from sepkit.config import load_config
from sepkit.config.edits import Edit
from sepkit.judge.evaluate import Excerpt
from sepkit.metrics.base import Pair
from sepkit.report.edits import MOST_MARKS, MOST_ROWS, MOST_WINDOWS, shown_edits
from tests.dropped import dropped_in
from tests.report.rules import keep_to_the_rules_at
from tests.report.test_report_page import HEAR, hears

RATE, LENGTH_S = 16_000, 10.0
LOW_HZ, HIGH_HZ = 500, 3000
CONFIG = """
task: edit
members: [{separator: told}]
report: true
evaluate: {batch_metrics: [{metric: clipping}]}
"""
EDITS = """
edits:
- {prompt: high, mode: remove, windows: [[1, 3.5], [6, 7]]}
- {prompt: low, mode: keep, windows: [[8, 30]], strength: 0.5, fade_ms: 20}
"""


def tones(level=0.2):
    time_s = np.arange(round(LENGTH_S * RATE)) / RATE
    return level * np.sin(2 * np.pi * LOW_HZ * time_s) + 2 * level * np.sin(2 * np.pi * HIGH_HZ * time_s)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edit")
    (folder / "in").mkdir()
    soundfile.write(folder / "in" / "a.wav", tones(), RATE, "PCM_16")
    (folder / "edit.yaml").write_text(CONFIG + EDITS)
    with dropped_in(Path(tests.prompted.__file__).parent, "separators"):
        run_batch(BatchJob(load_config(folder / "edit.yaml"), folder / "in", folder / "out", quiet=True))
    return folder / "out"


@pytest.fixture
def page(browser, out):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(HEAR)
    opened, faults = context.new_page(), []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: faults.append(said.text))
    opened.goto((out / "report/a.wav.html").as_uri())
    yield opened
    assert faults == []
    context.close()


def test_each_edit_is_a_row_with_what_its_prompt_was_understood_as(page):
    rows = [
        [cell.inner_text().strip() for cell in row.locator("th, td").all()] for row in page.locator("#edits tr").all()
    ]
    assert rows == [
        ["No.", "Prompt", "Understood as", "Mode", "Windows", "Fade, ms", "Strength"],
        [
            *("1", "high", "far hiss (0.31), which is far from it: name the sound in other words", "removed"),
            *("▶ 0:01.0–0:03.5 ▶ 0:06.0–0:07.0", "70", "1.00"),
        ],
        ["2", "low", "hum (0.91)", "kept alone", "▶ 0:08.0–0:10.0", "20", "0.50"],
    ]
    assert page.locator("#edits .warn").all_inner_texts() == ["far"]


def test_windows_lie_on_every_spectrogram_where_they_are(page):
    pictures = page.locator(".strip:has(.window)")
    assert [text.split()[0] for text in pictures.locator("strong").all_inner_texts()] == [
        *("Before", "Edited", "Taken", "Waveform")
    ]
    for picture in pictures.all():
        box = picture.locator(".time").bounding_box()
        found = [mark.bounding_box() for mark in picture.locator(".window").all()]
        edges = [((each["x"] - box["x"]) / box["width"], each["width"] / box["width"]) for each in found]
        expected = [(0.1, 0.25), (0.6, 0.1), (0.8, 0.2)]
        np.testing.assert_allclose(edges, expected, atol=0.003)
        assert picture.locator(".window b").all_text_contents() == ["1", "1", "2"]


def test_before_edited_and_taken_are_heard_at_the_same_instant_at_their_own_level(page):
    """In the second edit's window "high" is halved: it is as loud in what was taken as in what is left."""
    page.click("#play")
    for key, hz in (("1", HIGH_HZ), ("2", LOW_HZ), ("3", HIGH_HZ)):
        page.locator("#position").fill("1.5")
        page.keyboard.press(key)
        assert hears(page, hz), key
        assert 1.5 <= float(page.locator("#player").get_attribute("data-position")) < 3.5
    gains = [track["gain_db"] for track in json.loads(page.locator("#page").text_content())["tracks"]]
    assert gains == [0, 0, 0] and page.locator("#matched").count() == 0


def test_a_window_is_one_click_in_the_track_that_is_chosen(page):
    page.keyboard.press("3")
    page.locator("#edits .moment").nth(1).click()
    page.wait_for_selector("#player[data-playing=true]")
    assert hears(page, HIGH_HZ)
    page.wait_for_selector("#player[data-playing=false]")
    assert 7 <= float(page.locator("#player").get_attribute("data-position")) < 8
    assert page.locator("#player").get_attribute("data-track") == "2"


def test_nothing_on_it_is_about_speech_or_masks(page):
    """And what changed outside: of 10 s those of 5.5 s are inside."""
    text = page.locator("main").inner_text()
    for word in ("speech", "Speech", "Music", "Worst moments", "mask", "Mask"):
        assert word not in text
    assert "Outside the windows 0 of 72,000 samples changed" in text


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_keeps_to_the_rules_for_people_and_to_the_width(page, width, scheme):
    keep_to_the_rules_at(page, width, scheme)


def test_a_page_made_later_has_the_file_s_own_edits_while_its_labels_say_them(tmp_path):
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "a.wav", tones(), RATE, "PCM_16")
    (tmp_path / "edits.csv").write_text("path,prompt,mode,start_s,end_s\na.wav,high,remove,1,2\na.wav,low,keep,4,5\n")
    (tmp_path / "edit.yaml").write_text(CONFIG + "edits: edits.csv\n")
    made = tmp_path / "out" / "report" / "a.wav.html"
    with dropped_in(Path(tests.prompted.__file__).parent, "separators"):
        run_batch(BatchJob(load_config(tmp_path / "edit.yaml"), tmp_path / "in", tmp_path / "out", quiet=True))
        first = made.read_text()
        assert first.count('class="window"') == 4 * 2 and "0:04.0–0:05.0" in first and "72,000" not in first
        made.unlink()
        assert later_pages.again(tmp_path / "out", list).problems == []
        again = made.read_text().split("<script")[0]  # streams of Ogg have numbers by chance
        assert re.sub(", page [0-9.]+", "", again) == first.split("<script")[0]  # what the first page took
        (tmp_path / "edits.csv").write_text("path,prompt,mode,start_s,end_s\na.wav,high,remove,1,3\n")
        made.unlink()
        later_pages.again(tmp_path / "out", list)
    assert 'class="window"' not in made.read_text()
    assert "The label file says other edits by now than this file was rendered with" in made.read_text()


def excerpt(samples, changed=None, start_s=0.0, whole_s=10.0):
    mix = np.asarray(samples, np.float32)
    clean = mix.copy()
    if changed:
        clean[changed] += 0.1
    return Excerpt(Pair(Audio(mix, 100), Audio(clean, 100)), start_s, start_s + mix.shape[1] / 100, whole_s)


def test_what_changed_outside_is_counted_sample_by_sample():
    edits = (
        Edit(prompt="a", mode="remove", windows=((1.0, 2.0), (1.5, 3.0))),
        Edit(prompt="b", mode="keep", windows=((9, 12),)),
    )
    found = shown_edits(edits, excerpt(np.zeros((2, 1000)), changed=np.s_[1, [50, 99, 100, 299, 300, 899, 900]]), [])
    assert (found.changed, found.outside) == (4, 2 * 700)  # of the seven, 100, 299 and 900 lie inside


def test_of_an_excerpt_only_what_lies_in_it_is_drawn_and_counted():
    edits = (Edit(prompt="a", mode="remove", windows=((1, 3), (4, 4.5), (9, 10))),)
    found = shown_edits(edits, excerpt(np.zeros((1, 400)), changed=np.s_[0, [99, 100]], start_s=2.0), [])
    assert [(mark.left, mark.width) for mark in found.marks] == [(0.0, 25.0), (50.0, 12.5)]
    assert found.rows[0].windows == ((1, 3), (4, 4.5), (9, 10))
    assert (found.changed, found.outside) == (1, 250)


def test_a_whole_file_has_no_outside_and_thousands_of_edits_have_room():
    (whole,) = shown_edits((Edit(prompt="a", mode="keep"),), excerpt(np.zeros((1, 1000))), []).rows
    assert whole.whole
    many = tuple(
        Edit(prompt="a", mode="remove", windows=tuple((i / 100, (i + 5) / 100) for i in range(0, 900, 30)))
        for _ in range(60)
    )
    found = shown_edits(many, excerpt(np.zeros((1, 1000))), [])
    assert (len(found.rows), found.rows_left) == (MOST_ROWS, 10)
    assert (len(found.rows[0].windows), found.rows[0].more) == (MOST_WINDOWS, 22)
    assert len(found.marks) == MOST_MARKS and found.marks_left == 60 * 30 - MOST_MARKS
