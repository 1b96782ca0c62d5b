"""A set of two sounds of ESC-50: from both layouts, by the seed, of fold 5 alone, as its manifest says."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from scripts.mixes.make import main

RATE = 44100
CLASSES = {"dog": 300, "church_bells": 700, "rain": 1500}


@pytest.fixture(scope="module")
def esc50(tmp_path_factory) -> Path:
    """Three classes of fold 5, heard in a part of their 5 s, one clip too short, one silent; and one of fold 1."""
    folder = tmp_path_factory.mktemp("esc50")
    (folder / "audio").mkdir()
    (folder / "meta").mkdir()
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    time_s = np.arange(5 * RATE) / RATE
    for number, (name, hz) in enumerate(CLASSES.items()):
        for take in range(3):
            sound = 0.3 * np.sin(2 * np.pi * (hz + 10 * take) * time_s) * (time_s > 0.5 * number)
            sound = {("dog", 2): sound[: 4 * RATE], ("rain", 2): 0 * sound}.get((name, take), sound)
            rows.append(f"5-{take}-A-{number}.wav,5,{number},{name},False,{take},A")
            soundfile.write(folder / "audio" / f"5-{take}-A-{number}.wav", sound, RATE)
    rows.append("1-0-A-9.wav,1,9,cat,False,0,A")
    soundfile.write(folder / "audio/1-0-A-9.wav", 0.3 * np.sin(2 * np.pi * 4000 * time_s), RATE)
    (folder / "meta/esc50.csv").write_text("\n".join(rows) + "\n")
    return folder


def made(folder: Path, out: Path, *words: str) -> list[dict[str, str]]:
    asked = CliRunner().invoke(main, ["--esc50", str(folder), "--out", str(out), "--each", "12", *words])
    assert asked.exit_code == 0, asked.output
    with (out / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def drawn(esc50, tmp_path_factory) -> tuple[Path, list[dict[str, str]]]:
    out = tmp_path_factory.mktemp("set")
    return out, made(esc50, out, "--seed", "3")


def read(out: Path, part: str, name: str) -> np.ndarray:
    samples, rate = soundfile.read(out / part / f"{name}.flac", dtype="float64")
    assert (rate, samples.shape) == (16000, (80000,))
    return samples


def test_pairs_are_of_two_classes_of_fold_5_named_in_words(drawn):
    _, rows = drawn
    assert len(rows) == 12
    assert {row["prompt"] for row in rows} == {"dog", "church bells", "rain"}
    for row in rows:
        assert row["prompt"] != row["other_prompt"]
        for part, prompt in (("target", row["prompt"]), ("other", row["other_prompt"])):
            file = Path(row[part]).name
            assert file.startswith("5-") and prompt == ["dog", "church bells", "rain"][int(file[-5])]
    assert {row[part][-11:] for row in rows for part in ("target", "other")}.isdisjoint({"5-2-A-2.wav"})  # is silent


def test_the_mix_is_the_sum_and_the_level_inside_the_window_as_the_manifest_says(drawn):
    out, rows = drawn
    for row in rows:
        mix, target, other = (read(out, part, row["name"]) for part in ("mix", "target", "other"))
        np.testing.assert_array_equal(mix, target + other)
        start_s, end_s = map(float, row["windows"].split())
        assert start_s >= 0 and end_s <= 5 and 2 <= round(end_s - start_s, 2) <= 4
        here = slice(round(start_s * 16000), round(end_s * 16000))
        level_db = 10 * np.log10(np.mean(target[here] ** 2) / np.mean(other[here] ** 2))
        assert level_db == pytest.approx(float(row["snr_db"]), abs=0.02) and abs(level_db) < 5.02
        for part in (target, other):
            assert np.mean(part[here] ** 2) >= 0.1 * np.mean(part**2)


def test_the_seed_decides_and_a_part_in_another_layout_gives_the_same(drawn, esc50, tmp_path):
    out, rows = drawn
    assert made(esc50, tmp_path / "again", "--seed", "3") == rows
    assert made(esc50, tmp_path / "other", "--seed", "4") != rows
    part = tmp_path / "data/noise/esc50"
    part.mkdir(parents=True)
    table = (esc50 / "meta/esc50.csv").read_text().replace("filename", "file").replace("category", "class_name")
    (part.parent / "esc50.csv").write_text(table)
    for path in (esc50 / "audio").iterdir():
        (part / path.name).symlink_to(path)
    made(tmp_path / "data", tmp_path / "part", "--seed", "3")
    for row in rows:
        np.testing.assert_array_equal(read(tmp_path / "part", "mix", row["name"]), read(out, "mix", row["name"]))


def test_what_cannot_be_made_is_one_line(esc50, tmp_path):
    (tmp_path / "dog").mkdir()
    refused = CliRunner().invoke(main, ["--esc50", str(tmp_path), "--out", str(tmp_path / "out")])
    assert refused.exit_code == 1 and "fewer than two labels" in refused.output
    both = CliRunner().invoke(main, ["--esc50", str(esc50), "--data", str(esc50), "--out", str(tmp_path / "out")])
    assert both.exit_code == 2 and "or one of --esc50, --voices, --scenes, --data" in both.output
