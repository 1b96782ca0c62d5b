"""The page of several voices, as a batch and `sepkit evaluate` make it: each heard, seen, measured; who speaks when.

Witnesses: the true voices, which the member gives shuffled; soundfile's decoder; the RTTM beside the stems.
"""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepkit.audio.samples import Audio
from sepkit.batch import BatchJob, later_pages, run_batch
from sepkit.batch.pilot import page_again, run_pilot
from sepkit.batch.voices import VoiceFiles, evaluate_voice_files
from sepkit.config import load_config
from sepkit.errors import SourceError
from sepkit.judge.evaluate import Excerpt
from sepkit.metrics.base import Pair
from sepkit.render.base import Stem
from sepkit.render.turns import Turn
from sepkit.report import tracks, voices
from tests.dropped import dropped_in
from tests.report.rules import keep_to_the_rules_at
from tests.report.test_report_page import HEAR
from tests.speakers.conversation import ORACLE, RATE, lay, truth

TURNS = [(0, 0.5, 5), (1, 4, 6), (0, 12, 3)]
LENGTH_S = 16
NAMES = ["Before", "Speaker 1", "Speaker 2"]


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    """OUT_DIR of a batch; beside it `evaluated`, of the same stems named in the other order."""
    folder = tmp_path_factory.mktemp("voices")
    mix, config = lay(folder, truth(TURNS, LENGTH_S))
    config.write_text(config.read_text() + "report: true\nevaluate: {batch_metrics: [{metric: loudness}]}\n")
    with dropped_in(ORACLE, "separators"):
        run_batch(BatchJob(load_config(config), mix.parent, folder / "out", quiet=True))
    stems = [folder / f"out/talk__speaker_{number}.wav" for number in (2, 1)]
    truths = [folder / f"truth_{number}.wav" for number in (0, 1)]
    evaluate_voice_files(None, VoiceFiles(mix, tuple(stems), tuple(truths)), folder / "evaluated")
    return folder / "out"


def pages(out: Path) -> dict[str, Path]:
    return {"batch": out / "report/talk.wav.html", "evaluate": out.parent / "evaluated/report.html"}


@pytest.fixture(params=["batch", "evaluate"])
def page(request, browser, out):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(HEAR)
    opened, faults = context.new_page(), []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: faults.append(said.text))
    opened.goto(pages(out)[request.param].as_uri())
    yield opened
    assert faults == []
    context.close()


def heard(path: Path) -> dict[str, np.ndarray]:
    """What the page plays, decoded, by the track's name; at the level at which it plays it."""
    text, lead = path.read_text(), round(tracks.LEAD_S * 48_000)
    player = json.loads(re.search(r'id="page">(.*?)</script>', text, re.DOTALL)[1])
    assert 'id="matched"' not in text
    found = {}
    for index, track in enumerate(player["tracks"]):
        pieces = re.findall(rf'id="piece-{index}-\d+">(.*?)</script>', text)
        decoded = [soundfile.read(io.BytesIO(base64.b64decode(piece)), dtype="float32")[0] for piece in pieces]
        found[track["name"]] = np.concatenate([each[lead : lead + 480_000] for each in decoded])
    return found


@pytest.mark.parametrize("made", ["batch", "evaluate"])
def test_each_voice_is_heard_at_its_own_level(out, made):
    found = heard(pages(out)[made])
    assert list(found) == NAMES + (["True speaker 1", "True speaker 2"] if made == "evaluate" else [])
    true = truth(TURNS, LENGTH_S)
    for number, voice in enumerate(true, 1):
        for name in (name for name in found if name.lower().endswith(f"speaker {number}")):
            played = found[name][::3][: voice.size]
            assert np.corrcoef(played, voice)[0, 1] > 0.9
            assert 10 * np.log10(np.mean(played**2) / np.mean(voice**2)) == pytest.approx(0, abs=0.5)


def test_lanes_are_the_turns_of_the_rttm(out):
    lines = [line.split() for line in (out / "talk__speakers.rttm").read_text().splitlines()]
    text = pages(out)["batch"].read_text()
    paths = re.findall(r'<path d="(.*?)"/>', text.split('id="lanes"')[1].split("</figure>")[0])
    assert len(paths) == 2 and len(lines) >= 3
    for number, path in enumerate(paths, 1):
        drawn = [[float(cell) for cell in box] for box in re.findall(r"M(\d+) 0h(\d+)v1h-\d+z", path)]
        written = [[float(cell) for cell in line[3:5]] for line in lines if line[7] == f"speaker_{number}"]
        np.testing.assert_allclose(np.array(drawn) * LENGTH_S / voices.SPAN, written, atol=LENGTH_S / voices.SPAN)
        whole_s = sum(length_s for _, length_s in written)
        assert f'Speaker {number} <span class="soft">{whole_s:.1f} s in {len(written)} turn' in text


def test_every_voice_is_seen_named_and_measured_and_none_is_the_main_one(page):
    spectrograms = page.locator(".strip:has(img) strong").all_inner_texts()
    assert spectrograms == NAMES
    labels = page.locator("#metrics tbody th").all_inner_texts()
    rows = [
        {label.partition(": ")[2] for label in labels if label.startswith(front)}
        for front in ("speaker_1: ", "speaker_2: ")
    ]
    assert rows[0] == rows[1] and rows[0]
    facts = page.locator(".facts dt").all_inner_texts()
    assert {"mix", "speaker 1", "speaker 2"} <= set(facts)
    text = page.locator("body").inner_text()
    for word in ("clean", "Music", "mask", "Mask", "Waveform", "Worst moments", "not speech"):
        assert word not in text


def test_the_key_x_goes_between_the_mix_and_the_voice_that_was_heard_last(page):
    chosen = []
    for key in ("x", "x", "3", "x", "x"):
        page.keyboard.press(key)
        chosen.append(int(page.locator("#player").get_attribute("data-track")))
    assert chosen == [1, 0, 2, 0, 2]


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_keeps_to_the_rules_for_people_and_to_the_width(page, width, scheme):
    keep_to_the_rules_at(page, width, scheme)


def test_the_beginning_says_who_speaks_once_and_that_of_a_measurement_the_permutation(out):
    begun = {name: path.read_text().split("<main")[0] for name, path in pages(out).items()}
    assert re.search(r'class="sum">2 people speak: speaker 1 [\d.]+ s, speaker 2 [\d.]+ s\.</p>', begun["batch"])
    assert begun["batch"].count("people speak") == 1
    assert "permutation 2, 1: speaker_1 is in " in begun["evaluate"] and 'class="sum"' not in begun["evaluate"]
    figures = json.loads((out.parent / "evaluated/metrics.json").read_text())
    assert figures["permutation"] == [2, 1] and figures["metrics"]["speaker_2 si_sdr"]["after"] > 40


def test_the_page_of_the_batch_has_a_button_for_each_voice(browser, out):
    opened = browser.new_page()
    opened.goto((out / "report.html").as_uri())
    buttons = opened.locator("#files .hear")
    assert [each.get_attribute("aria-label") for each in buttons.all()] == [
        f"Play or pause talk.wav, speaker {number}" for number in (1, 2)
    ]
    assert [text.strip() for text in buttons.all_inner_texts()] == ["▶ 1", "▶ 2"]
    opened.close()


def test_a_page_that_is_made_later_is_the_same(out):
    path = pages(out)["batch"]
    first = path.read_text().split("<script")[0]
    path.unlink()
    with dropped_in(ORACLE, "separators"):
        assert later_pages.again(out, list).problems == []
    assert re.sub(", page [0-9.]+", "", path.read_text().split("<script")[0]) == first


def test_a_pilot_s_page_and_the_one_that_is_made_again_show_the_voices_that_were_found(out, tmp_path):
    with dropped_in(ORACLE, "separators"):
        config = load_config(out.parent / "speakers.yaml")
        auto = config.model_copy(update={"speakers": config.speakers.model_copy(update={"count": "auto"})})
        run_pilot(auto, tmp_path, tmp_path / "eval", out.parent / "in/talk.wav")
        first = (tmp_path / "eval/report.html").read_text().split("<script")[0]
        path, _ = page_again(tmp_path)
    assert first.count('class="voice"') == 2 and "<dt>speaker 3</dt>" not in first
    assert path.read_text().split("<script")[0] == first


def test_the_files_of_a_split_of_channels_are_named(out, tmp_path):
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in/call.wav", truth(TURNS, LENGTH_S).T, RATE)
    text = "task: speakers\nmembers: [{separator: passthrough}]\nspeakers: {count: channels}\nreport: true\n"
    (tmp_path / "split.yaml").write_text(text)
    run_batch(BatchJob(load_config(tmp_path / "split.yaml"), tmp_path / "in", tmp_path / "out", quiet=True))
    made = (tmp_path / "out/report/call.wav.html").read_text()
    assert [f"<dd>call__speaker_{number}.wav</dd>" in made for number in (1, 2, 3)] == [True, True, False]
    assert made.count('class="voice"') == 2 and "None were measured." in made


def test_of_an_excerpt_the_lanes_show_what_lies_in_it():
    """4 s from 2 s on: of turns until 3 s a quarter, from 5.5 s on an eighth; beyond it nothing."""
    sound = Audio(np.zeros((1, 400), np.float32), 100)
    stems = [Stem(f"speaker_{number}", "", f"Speaker {number}", "") for number in (1, 2)]
    turns = [Turn(0, 1, 3), Turn(1, 0, 1), Turn(0, 5.5, 9), Turn(1, 6, 7)]
    found = voices.lanes(turns, stems, Excerpt(Pair(sound, sound), 2.0, 6.0, 10.0))
    assert found == [
        voices.Lane("Speaker 1", 1.5, 2, "M0 0h2500v1h-2500zM8750 0h1250v1h-1250z"),
        voices.Lane("Speaker 2", 0.0, 0, ""),
    ]


@pytest.mark.parametrize(
    "text", ["", "a,b\n", "speaker,start_s,end_s\nspeaker_1,0\n", "speaker,start_s,end_s\nx,0,1\n"]
)
def test_a_table_that_is_none_is_named(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(SourceError, match=r"a\.csv: does not say who speaks when"):
        voices.read({"csv": tmp_path / "a.csv"})
    assert voices.read({"csv": tmp_path / "none.csv"}) is None
