"""A comparison that goes on: what is done is not measured again, what changed is."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
import soundfile

from sepkit.compare import CompareJob, run_compare
from sepkit.compare.method import UNPROCESSED
from sepkit.render.ensemble import Ensemble
from tests.compare.sets import NN, configs, lines, renders, table


def test_a_finished_comparison_measures_nothing_and_writes_the_same_bytes(copied, monkeypatch):
    files = [*copied.out.glob("comparison.*"), copied.out / "trade_off.svg", copied.out / "results.jsonl"]
    before = {path.name: path.read_bytes() for path in files}
    seen = renders(monkeypatch)
    run_compare(copied)
    assert seen == [] and len(before) == 5
    assert {path.name: path.read_bytes() for path in files} == before


def test_a_torn_line_is_measured_again_and_no_other(copied, monkeypatch):
    results = copied.out / "results.jsonl"
    whole = lines(copied.out)
    results.write_bytes(results.read_bytes()[:-100])
    seen = renders(monkeypatch)
    run_compare(copied)
    assert seen == ["weights2"] * 2  # the warm-up, and the line that was torn
    again = lines(copied.out)
    assert [line["key"] for line in again] == [line["key"] for line in whole]
    assert [line["metrics"] for line in again] == [line["metrics"] for line in whole]


def test_killed_while_it_writes_a_line_it_goes_on_after_the_ones_before(original, compared, tmp_path):
    child = """
import os, signal, sys
from pathlib import Path
from sepkit.compare import CompareJob, run_compare
left = [20]
def count(event, arguments):
    if event == "open" and str(arguments[0]).endswith("results.jsonl") and arguments[1] == "a":
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
*configs, folder, out = map(Path, sys.argv[1:])
run_compare(CompareJob(tuple(configs), folder, out, True))
"""
    command = [sys.executable, "-c", child, *map(str, configs(original)), str(original), str(tmp_path / "out")]
    assert subprocess.run(command, check=False, capture_output=True).returncode == -signal.SIGKILL
    kept = lines(tmp_path / "out")
    assert len(kept) == 19
    run_compare(CompareJob(configs(original), original, tmp_path / "out", True))
    found = lines(tmp_path / "out")
    assert found[:19] == kept
    expected = {line["key"]: line["metrics"] for line in lines(compared[0])}
    assert {line["key"]: line["metrics"] for line in found} == expected and len(found) == len(expected)


@pytest.mark.parametrize("part", ["mix", "speech", "background"])
def test_a_changed_file_is_measured_anew_by_every_method(copied, part):
    path = copied.folder / part / "music_5_2.wav"
    samples, rate = soundfile.read(path, dtype="float32")
    soundfile.write(path, 0.5 * samples, rate, subtype="FLOAT")
    before = len(lines(copied.out))
    run_compare(copied)
    assert [line["mix"] for line in lines(copied.out)[before:]] == ["music_5_2"] * 7


def test_a_changed_configuration_is_measured_anew_and_a_renamed_one_is_not(copied, monkeypatch):
    first, second = copied.configs
    renamed = second.rename(second.with_name("ensemble.yaml"))
    first.write_text(NN.replace("neighbours: 9", "neighbours: 5"))
    before = len(lines(copied.out))
    seen = renders(monkeypatch)
    run_compare(CompareJob((first, renamed), copied.folder, copied.out, fusion_rules=True))
    new = lines(copied.out)[before:]
    assert {line["method"] for line in new} == {"nn"} and len(new) == 14
    assert len(seen) == 1 + 14  # the warm-up does not count
    assert ("si_sdr", "all", "ensemble [mean]") in table(copied.out)


def test_the_rules_of_an_ensemble_share_its_loaded_models(copied, monkeypatch):
    (copied.out / "results.jsonl").unlink()
    loaded = []
    load = Ensemble.load
    monkeypatch.setattr(Ensemble, "load", lambda self, device: (loaded.append(len(self.members)), load(self, device)))
    run_compare(copied)
    assert loaded == [1, 2]


def test_words_count_where_they_are_known(copied):
    (copied.folder / "words").mkdir()
    (copied.folder / "words/music_5_0.txt").write_text("one two")
    only = CompareJob(copied.configs[:1], copied.folder, copied.out)
    run_compare(only)
    row = table(copied.out)["wer_pocketsphinx", "all", UNPROCESSED]
    assert (row["n"], row["of"], row["low"]) == ("1", "14", "")
    assert "not measured: the words are not known: 13 mixes" in (copied.out / "comparison.md").read_text()
