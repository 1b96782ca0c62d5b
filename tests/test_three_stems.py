"""A task of three stems that no room has heard of: `tests.bands`, dropped into `render/` and `separators/`.

It goes through run, batch (journal, resume, kill), quarantine, report, plan and compare. Witness: a tone in each band,
which must be in its own stem and in no other, found by numpy's FFT in the files.
"""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepkit.batch.journal import JOURNAL_NAME

RATE = 16_000
TONES_HZ = {"low": 200, "middle": 1000, "high": 5000}
AMPLITUDES = {"low": 0.2, "middle": 0.1, "high": 0.05}
CONFIG = """
task: bands
members: [{separator: thirds}]
windows: {body_s: 1, crossfade_s: 0.05}
evaluate: {metrics: [{metric: si_sdr}], batch_metrics: [{metric: loudness}]}
"""


def tone(stem: str, seconds: float) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE)) / RATE
    return AMPLITUDES[stem] * np.sin(2 * np.pi * TONES_HZ[stem] * time_s)


def lay(folder: Path, *names: str, without: str = "", seconds: float = 3.0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    mix = sum(tone(stem, seconds) for stem in TONES_HZ if stem != without)
    for name in names:
        soundfile.write(folder / name, mix, RATE, subtype="FLOAT")
    return folder


def amplitude(path: Path, stem: str) -> float:
    """Of a stem's tone in a file: twice the Fourier coefficient at its frequency, over a whole number of periods."""
    samples, rate = soundfile.read(path)
    inside = samples[rate : 2 * rate]
    return 2 * abs(np.mean(inside * np.exp(-2j * np.pi * TONES_HZ[stem] * np.arange(rate) / rate)))


def sepkit(*arguments: object, die_at_record: int | None = None) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ) | ({"DIE_AT_RECORD": str(die_at_record)} if die_at_record else {})
    command = [sys.executable, "-m", "tests.bands.command", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.wav"))}


@pytest.fixture
def config(tmp_path) -> Path:
    (tmp_path / "bands.yaml").write_text(CONFIG)
    return tmp_path / "bands.yaml"


def check_stems(found: dict[str, Path]) -> None:
    """Each stem holds its own tone and no other; the low one at a peak of 1, the others as loud as in the mix."""
    for stem, path in found.items():
        for other in TONES_HZ:
            expected = 0.0 if other != stem else 1.0 if stem == "low" else AMPLITUDES[stem]
            assert amplitude(path, other) == pytest.approx(expected, abs=0.01), (stem, other)


def test_run_leaves_a_file_a_stem(tmp_path, config):
    source = lay(tmp_path / "in", "a.wav") / "a.wav"
    done = sepkit("run", source, "-o", tmp_path / "out", "--config", config)
    assert done.returncode == 0, done.stderr
    found = {stem: tmp_path / f"out/a__{stem}.wav" for stem in TONES_HZ}
    assert sorted((tmp_path / "out").iterdir()) == sorted(found.values())
    check_stems(found)
    whole = soundfile.read(source)[0] - soundfile.read(found["middle"])[0] - soundfile.read(found["high"])[0]
    scaled = soundfile.read(found["low"])[0] * np.abs(whole).max()
    np.testing.assert_allclose(scaled, whole, atol=1e-6)  # the three are all of the mix


def test_batch_writes_journal_and_report_by_stem_and_renders_nothing_twice(tmp_path, config):
    lay(tmp_path / "in", "a.wav", "b.wav")
    arguments = ["batch", tmp_path / "in", tmp_path / "out", "--config", config]
    assert sepkit(*arguments, "--jobs", 2).stdout.splitlines()[-1] == "2 files: 2 done"
    first = tree(tmp_path / "out")
    assert sorted(first) == [f"{name}__{stem}.wav" for name in "ab" for stem in sorted(TONES_HZ)]
    records = [json.loads(line) for line in (tmp_path / "out" / JOURNAL_NAME).read_text().splitlines()]
    assert {tuple(record["stems"]) for record in records} == {tuple(TONES_HZ)}
    (tmp_path / "out/b__high.wav").write_bytes(b"changed")
    assert sepkit(*arguments).stdout.splitlines()[-1] == "2 files: 1 done, 1 already done"
    assert tree(tmp_path / "out") == first

    rows = list(csv.DictReader((tmp_path / "out/report.csv").open(newline="")))
    assert [[row[stem] for stem in TONES_HZ] for row in rows] == [
        [f"{name}__{stem}.wav" for stem in TONES_HZ] for name in "ab"
    ]
    # BS.1770: a sine of amplitude 1 at 1 kHz has −3.01 LUFS; at 200 Hz the weighting takes about 1 dB more.
    assert float(rows[0]["middle loudness_after"]) == pytest.approx(20 * np.log10(0.1) - 3.01, abs=0.1)
    assert float(rows[0]["loudness_after"]) == pytest.approx(-3.01 - 1.0, abs=0.2)


def test_a_killed_batch_goes_on_where_it_stopped(tmp_path, config):
    lay(tmp_path / "in", "a.wav", "b.wav", "c.wav")
    assert sepkit("batch", tmp_path / "in", tmp_path / "whole", "--config", config).returncode == 0
    arguments = ["batch", tmp_path / "in", tmp_path / "out", "--config", config]
    assert sepkit(*arguments, die_at_record=2).returncode == -signal.SIGKILL
    assert sepkit(*arguments).stdout.splitlines()[-1] == "3 files: 2 done, 1 already done"
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_the_gate_holds_for_every_judged_stem_and_quarantine_takes_all_of_them(tmp_path, config):
    """−24 LUFS and more is asked: the low stem has it by its peak of 1, the middle one only where its tone is there."""
    lay(tmp_path / "in", "whole.wav")
    mix = tone("low", 3) + 0.1 * tone("middle", 3)  # the middle one at −40 − 3.01 LUFS
    soundfile.write(tmp_path / "in/weak.wav", mix, RATE, subtype="FLOAT")
    config.write_text(CONFIG + "gate: {loudness_lufs_min: -24}\n")
    done = sepkit("batch", tmp_path / "in", tmp_path / "out", "--config", config)
    assert done.returncode == 3, done.stdout + done.stderr
    held = tmp_path / "out/quarantine"
    assert sorted(path.name for path in held.iterdir()) == sorted(
        [*(f"weak__{stem}.wav" for stem in TONES_HZ), "weak.wav__reasons.txt"]
    )
    (reason,) = (held / "weak.wav__reasons.txt").read_text().splitlines()
    told = r"first: middle: loudness -43\.\d+ LUFS, at least -24\.\d+ LUFS is asked \(gate\.loudness_lufs_min\)"
    assert re.fullmatch(told, reason), reason
    assert sorted(path.name for path in (tmp_path / "out").glob("*.wav")) == [
        f"whole__{stem}.wav" for stem in sorted(TONES_HZ)
    ]


def test_the_page_of_a_file_lets_every_stem_be_heard_and_seen(tmp_path, config):
    lay(tmp_path / "in", "a.wav")
    config.write_text(CONFIG + "report: true\n")
    assert sepkit("batch", tmp_path / "in", tmp_path / "out", "--config", config).returncode == 0
    page = tmp_path / "out/report/a.wav.html"
    for look in (True, False):  # as the batch made it, and as it is made again from the files
        if not look:
            page.unlink()
            assert sepkit("report", tmp_path / "out").returncode == 0
        text = page.read_text()
        tracks = json.loads(re.search(r'id="page"[^>]*>(.*?)</script>', text, re.DOTALL)[1])["tracks"]
        assert [track["name"] for track in tracks] == ["Before", "Low", "Middle", "High"]
        assert "low: Integrated loudness" in text and "middle: Integrated loudness" in text


def test_plan_counts_the_files_and_names_the_stages(tmp_path, config, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lay(tmp_path / "in", "a.wav")
    told = sepkit("plan", tmp_path / "in", "--config", config).stdout
    assert "then: peak" in told
    assert "disk: at most 576 kB for results" in told  # 3 files of 3 s · 16 kHz · 4 bytes


def test_compare_measures_every_judged_stem_against_its_own_truth(tmp_path, config):
    """SI-SDR of the low tone in the whole mix: 10·log10(0.2² / (0.1² + 0.05²)); of the middle one likewise."""
    lay(tmp_path / "set/mix", "a.wav", "b.wav")
    for stem in ("low", "middle"):
        (tmp_path / f"set/{stem}").mkdir()
        for name in ("a.wav", "b.wav"):
            soundfile.write(tmp_path / f"set/{stem}/{name}", tone(stem, 3), RATE, subtype="FLOAT")
    done = sepkit("compare", "--config", config, "--set", tmp_path / "set", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text().splitlines()]
    found = {(line["method"], line["mix"]): line["metrics"] for line in lines}
    unprocessed, ours = found["unprocessed", "a"], found["bands", "a"]
    assert unprocessed["si_sdr"]["after"] == pytest.approx(10 * np.log10(0.04 / 0.0125), abs=0.01)
    assert unprocessed["middle si_sdr"]["after"] == pytest.approx(10 * np.log10(0.01 / 0.0425), abs=0.01)
    assert ours["si_sdr"]["after"] > 40 and ours["middle si_sdr"]["after"] > 40
    table = (tmp_path / "out/comparison.csv").read_text()
    assert "middle si_sdr" in table and "speech_lost" in table


def test_the_pilot_measures_every_judged_stem_as_a_batch_does(tmp_path, config):
    """The reference is the first stem's; background and words belong to no stem alone, and are not used."""
    mix, out = lay(tmp_path / "in", "a.wav") / "a.wav", tmp_path / "out"
    soundfile.write(tmp_path / "low.wav", tone("low", 3), RATE, subtype="FLOAT")
    (tmp_path / "a.txt").write_text("three tones")
    known = f"mix: {mix}, reference: {tmp_path}/low.wav, background: {mix}, words: {tmp_path}/a.txt"
    asked = "[{metric: si_sdr}, {metric: loudness}, {metric: wer, options: {backend: pocketsphinx}}]"
    measured = CONFIG.replace("[{metric: si_sdr}]", asked).replace("[{metric: loudness}]", asked)
    config.write_text(measured + f"words: {tmp_path}\nreport: true\npilot: {{{known}}}\n")
    done = sepkit("pilot", "--config", config, "--artifacts", out)
    assert done.returncode == 0, done.stderr
    assert sepkit("batch", mix.parent, out / "batch", "--config", config).returncode == 0
    found = json.loads((out / "eval/metrics.json").read_text())
    (batch,) = json.loads((out / "batch/report.json").read_text())["files"]
    assert list(found["metrics"]) == list(batch["metrics"])
    assert {**batch["metrics"], "si_sdr": found["metrics"]["si_sdr"]} == found["metrics"]  # it alone has a truth
    why = "not measured: which stem says which words is not known"
    assert found["metrics"]["wer_pocketsphinx"]["why"] == found["metrics"]["middle wer_pocketsphinx"]["why"] == why
    assert found["metrics"]["middle loudness"]["after"] == pytest.approx(20 * np.log10(0.1) - 3.01, abs=0.1)
    assert found["metrics"]["si_sdr"]["before"] == pytest.approx(10 * np.log10(0.04 / 0.0125), abs=0.01)
    assert "the background is the rest of is not known" in " ".join(found["notes"])
    assert "True background" not in (out / "eval/report.html").read_text()


def test_what_a_task_cannot_do_is_an_error_that_says_so(tmp_path, config):
    config.write_text(CONFIG + "bypass_clean: true\n")
    done = sepkit("run", lay(tmp_path / "in", "a.wav") / "a.wav", "-o", tmp_path / "out", "--config", config)
    assert (done.returncode, done.stderr.splitlines()[0][:29]) == (2, "sepkit: bypass_clean: the tas")
    config.write_text(CONFIG + "gate: {wer_pct_max: 30}\nwords: words\n")
    done = sepkit("config", "check", config)
    assert done.returncode == 2, done.stderr
    assert "gate: WER cannot be measured for the task 'bands'" in done.stderr
    config.write_text(CONFIG.replace("thirds", "passthrough"))
    for command in (["config", "check", config], ["plan", tmp_path / "in", "--config", config]):
        done = sepkit(*command)
        assert done.returncode == 2, done.stderr
        assert "members.0.separator: 'passthrough' does not tell low, middle, high apart" in done.stderr
    config.write_text("task: band\nmembers: [{separator: thirds}]")
    told = sepkit("config", "check", config).stderr
    assert "task: there is no 'band' among the tasks; choose one of bands, dialogue, edit, speakers, speech" in told
