"""A set of two voices: unseen readers alone, levels and overlaps as its manifest says, the mix their sum."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from scripts.mixes.make import main
from scripts.mixes.voices import ALONE, HALF, NOISY, TWO, WHOLE

RATE = 16000
READERS = [*(f"reader {number}0" for number in range(4)), "reader 11"]
"""The last one is no reader that is set aside."""
CONFIG = "corpus: {validation: ['*reader *0'], validation_part: 0}\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Tones that never pause, 12 s each but one of 5 s; and a noise of 4 s."""
    folder = tmp_path_factory.mktemp("data")
    for number, reader in enumerate(READERS):
        (folder / "speech/read" / reader).mkdir(parents=True)
        time_s = np.arange((5 if number == 3 else 12) * RATE) / RATE
        sound = 0.1 * (1 + number) * np.sin(2 * np.pi * (200 + 100 * number) * time_s)
        soundfile.write(folder / "speech/read" / reader / "a.wav", sound, RATE)
    (folder / "noise").mkdir()
    soundfile.write(folder / "noise/n__1.wav", 0.1 * np.random.default_rng(0).standard_normal(4 * RATE), RATE)
    (folder / "speakers.yaml").write_text(Path("config/train/speakers.yaml").read_text().split("corpus:")[0] + CONFIG)
    return folder


def made(data: Path, out: Path, *words: str) -> list[dict[str, str]]:
    asked = ["--voices", str(data), "--out", str(out), "--each", "3", "--config", str(data / "speakers.yaml"), *words]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    with (out / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def drawn(data, tmp_path_factory) -> tuple[Path, list[dict[str, str]]]:
    out = tmp_path_factory.mktemp("set")
    return out, made(data, out, "--seed", "1")


def read(out: Path, name: str) -> dict[str, np.ndarray]:
    parts = ("mix", "speaker_1", "speaker_2", "background")
    found = {part: soundfile.read(out / part / f"{name}.flac", dtype="float64")[0] for part in parts}
    assert {each.shape for each in found.values()} == {(10 * RATE,)}
    return found


def test_readers_are_two_that_are_set_aside_and_speak_long_enough(drawn):
    _, rows = drawn
    assert [row["condition"] for row in rows] == [each for each in (TWO, ALONE, HALF, NOISY) for _ in range(3)]
    for row in rows:
        voices = {row[part].split("/")[2] for part in ("speaker_1", "speaker_2") if row[part]}
        assert len(voices) == (1 if row["condition"] == ALONE else 2)
        assert voices <= {"reader 00", "reader 10", "reader 20"}


def test_readers_for_judging_go_before_those_for_validation(data, tmp_path):
    text = (data / "speakers.yaml").read_text()
    (tmp_path / "test.yaml").write_text(text.replace("{validation", "{test: ['*reader 1*', '*reader 20'], validation"))
    rows = made(data, tmp_path / "set", "--config", str(tmp_path / "test.yaml"))
    voices = {row[part].split("/")[2] for row in rows for part in ("speaker_1", "speaker_2") if row[part]}
    assert voices == {"reader 10", "reader 11", "reader 20"}


def test_the_same_pairs_stand_in_every_condition(drawn):
    _, rows = drawn
    pairs = {
        condition: [(row["speaker_1"], row["speaker_1_start_s"]) for row in rows if row["condition"] == condition]
        for condition in (TWO, ALONE, HALF, NOISY)
    }
    assert pairs[TWO] == pairs[ALONE] == pairs[HALF] == pairs[NOISY]


def test_the_mix_is_the_sum_and_levels_and_times_are_what_the_condition_says(drawn):
    out, rows = drawn
    for row in rows:
        parts, condition = read(out, row["name"]), row["condition"]
        first, second, noise = (parts[part] for part in ("speaker_1", "speaker_2", "background"))
        np.testing.assert_array_equal(parts["mix"], first + second + noise)
        assert second.any() == (condition != ALONE) and noise.any() == (condition == NOISY)
        if condition == HALF:
            sounds = [np.flatnonzero(each) / RATE for each in (first, second)]
            spans = [(each[0], each[-1]) for each in sounds]
            np.testing.assert_allclose(spans, [(0, 7.5), (2.5, 10)], atol=0.001)
        elif condition != ALONE:
            assert 10 * np.log10(np.mean(first**2) / np.mean(second**2)) == pytest.approx(0, abs=0.05)
        if condition == NOISY:
            over_db = 10 * np.log10(np.mean((first + second) ** 2) / np.mean(noise**2))
            assert over_db == pytest.approx(15, abs=0.1)


def test_whole_recordings_with_their_words_stand_beside_each_other(data, drawn, tmp_path):
    """Of the three readers one has a text beside the recording, one a line as in LibriSpeech, and the last none."""
    copied = tmp_path / "data"
    shutil.copytree(data, copied)
    (copied / "speech/read/reader 00/a.txt").write_text("one two three\n")
    (copied / "speech/read/reader 30/r.trans.txt").write_text("b NOT THIS\na FOUR FIVE\n")
    rows = made(copied, tmp_path / "out", "--seed", "1")
    assert [row for row in rows if row["condition"] != WHOLE] == drawn[1]
    whole = [row for row in rows if row["condition"] == WHOLE]
    assert len(whole) == 3
    said = {"reader 00": "one two three\n", "reader 30": "FOUR FIVE\n"}
    lengths = {"reader 00": 12 * RATE, "reader 30": 5 * RATE}
    for row in whole:
        readers = [row[f"speaker_{number}"].split("/")[2] for number in (1, 2)]
        assert set(readers) == set(said)
        parts = {
            part: soundfile.read(tmp_path / "out" / part / f"{row['name']}.flac")[0]
            for part in ("mix", "speaker_1", "speaker_2")
        }
        np.testing.assert_array_equal(parts["mix"], parts["speaker_1"] + parts["speaker_2"])
        for number, reader in enumerate(readers, 1):
            sound = parts[f"speaker_{number}"]
            assert len(sound) == 12 * RATE and np.flatnonzero(sound)[-1] == pytest.approx(lengths[reader], abs=20)
            text = tmp_path / f"out/words/speaker_{number}/{row['name']}.txt"
            assert text.read_text() == said[reader]
    assert {path.stem for path in (tmp_path / "out/words").rglob("*.txt")} == {row["name"] for row in whole}


def test_the_seed_decides(drawn, data, tmp_path):
    _, rows = drawn
    assert made(data, tmp_path / "again", "--seed", "1") == rows
    assert made(data, tmp_path / "other", "--seed", "2") != rows


def test_too_few_readers_are_one_line(data, tmp_path):
    config = tmp_path / "none.yaml"
    config.write_text((data / "speakers.yaml").read_text().replace("*reader *0", "*reader 00"))
    asked = ["--voices", str(data), "--out", str(tmp_path / "out"), "--config", str(config)]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 1 and "holds fewer than two readers that are set aside for judging" in done.output
