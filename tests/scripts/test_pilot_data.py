"""The pilot is what its README says, measured on the files. MIDI: the examples of Standard MIDI Files 1.0."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from numpy.typing import NDArray

from scripts import make_pilot
from scripts.mixes.pilot import UTTERANCES, mix_to_16_bit
from scripts.mixes.pilot_score import BAND, compose, midi_file, variable_length

PILOT = Path(__file__).parents[2] / "data" / "pilot"
SAMPLE_RATE = 44100


def stem(name: str) -> NDArray[np.int64]:
    """(frames, channels) in 16-bit steps."""
    samples, rate = soundfile.read(PILOT / f"{name}.wav", dtype="int16", always_2d=True)
    assert rate == SAMPLE_RATE
    return samples.astype(np.int64)


@pytest.fixture(scope="module")
def stems() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    return stem("mix"), stem("speech"), stem("music")


def sounding(samples: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which tenths of a second are not digital silence."""
    step = SAMPLE_RATE // 10
    tenths = samples[: len(samples) // step * step].reshape(-1, step * samples.shape[1])
    return tenths.any(axis=1)


def test_the_mix_is_the_sum_of_its_truth_in_every_sample(stems):
    mix, speech, music = stems
    np.testing.assert_array_equal(mix, speech + music)
    assert np.abs(mix).max() == pytest.approx(2**15 * 10 ** (-2 / 20), abs=1)  # −2 dBFS: nothing clips


def test_speech_and_music_are_equally_loud_where_both_sound(stems):
    _, speech, music = stems
    both = (sounding(speech) & sounding(music)).repeat(SAMPLE_RATE // 10)
    speech_power, music_power = ((part[: both.size][both] ** 2).mean() for part in (speech, music))
    assert 10 * np.log10(speech_power / music_power) == pytest.approx(0, abs=0.1)


def test_each_is_also_heard_alone(stems):
    _, speech, music = stems
    speaks, plays = sounding(speech), sounding(music)
    assert 6 < (plays & ~speaks).sum() / 10 < 10
    assert 1.5 < (speaks & ~plays).sum() / 10 < 3
    assert (speaks | plays)[:240].all()  # no dead air before the last chord has rung out


def test_the_music_is_wide_and_its_sides_balanced(stems):
    left, right = stems[2].T
    assert 10 * np.log10((left**2).mean() / (right**2).mean()) == pytest.approx(0, abs=2)
    assert np.corrcoef(left, right)[0, 1] < 0.8


def test_all_files_together_stay_under_12_mb():
    assert sum(path.stat().st_size for path in PILOT.iterdir()) < 12e6


def test_the_words_are_those_the_script_lets_speak():
    assert (PILOT / "words.txt").read_text(encoding="utf-8").splitlines() == [each.text for each in UTTERANCES]


@pytest.mark.parametrize(
    ("value", "coded"),
    [
        (0x00, "00"),
        (0x40, "40"),
        (0x7F, "7f"),
        (0x80, "8100"),
        (0x2000, "c000"),
        (0x3FFF, "ff7f"),
        (0x4000, "818000"),
        (0x1FFFFF, "ffff7f"),
        (0x0FFFFFFF, "ffffff7f"),
    ],
)
def test_variable_length_gives_the_table_of_the_standard(value, coded):
    assert variable_length(value).hex() == coded


def test_midi_file_spells_out_one_note():
    note = next(note for note in compose() if note.part is BAND[0])
    one = midi_file([note])
    on, off = bytes([0x90, note.pitch, note.velocity]), bytes([0x80, note.pitch, 0])
    ticks = round(note.beats * 480)  # 1.4 beats: 672 = 5 · 128 + 32
    assert one.endswith(b"\x00" + on + bytes([0x80 | ticks // 128, ticks % 128]) + off + b"\x00\xff\x2f\x00")
    assert one[:14].hex() == "4d546864" + "00000006" + "0000" + "0001" + "01e0"
    assert int.from_bytes(one[18:22], "big") == len(one) - 22


def test_levels_follow_an_analytic_pair():
    """At 0 dB sines of amplitude 1 and 4 come to one amplitude; at 100 and 101 Hz their peaks add."""
    times_s = np.arange(SAMPLE_RATE, dtype=np.float64) / SAMPLE_RATE + 0.5 / SAMPLE_RATE
    speech = np.cos(2 * np.pi * 100 * times_s)[np.newaxis].astype(np.float32)
    music = 4 * np.cos(2 * np.pi * 101 * times_s)[np.newaxis].astype(np.float32)
    for part in mix_to_16_bit(speech, music):
        assert np.abs(part).max() == pytest.approx(10 ** (-2 / 20) / 2, abs=1e-3)
        np.testing.assert_array_equal(part * 2**15, np.round(part * 2**15))


def test_what_is_not_installed_is_named_in_one_line(tmp_path):
    """With a festival that lacks the voice, which ends as if all were well; without any; without playwright."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "text2wave").write_text("#!/bin/sh\nexit 0\n")
    (programs / "text2wave").chmod(0o755)
    without = "import sys; sys.modules['playwright'] = None; sys.argv = ['x']; import runpy; "
    run = "runpy.run_module('scripts.make_pictures', run_name='__main__')"
    for words, package in (
        (["-m", "scripts.make_pilot", str(tmp_path / "out")], "apt-get install festvox-us-slt-hts"),
        (["-c", without + run], "pip install -c requirements.lock -e '.[dev]'"),
    ):
        path = {**os.environ, "PATH": str(programs)}
        done = subprocess.run([sys.executable, *words], env=path, capture_output=True, text=True, check=False)
        assert done.returncode == 1 and done.stderr.splitlines() == [done.stderr.strip()], done.stderr
        assert done.stderr.strip().endswith(package)
    (programs / "text2wave").unlink()
    done = CliRunner().invoke(make_pilot.main, [str(tmp_path / "out")], env={"PATH": str(programs)})
    assert done.exit_code == 1 and "text2wave: not installed; on Debian: apt-get install festival" in done.output
    assert "FOLDER" in CliRunner().invoke(make_pilot.main, ["--help"]).output
    assert not (tmp_path / "out").exists()
