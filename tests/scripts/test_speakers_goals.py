"""The goals' tables: figures of made-up lines, and gains of stretches by numpy."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.bench.readers import RATE
from scripts.bench.speakers_goals import clips, gain_db, gains_db
from scripts.mixes.voices import ALONE, TWO
from sepkit.audio.samples import Audio
from sepkit.compare.method import ORACLE, UNPROCESSED
from sepkit.compare.pairs import SetPair
from sepkit.config import load_config
from sepkit.render.pipeline import Pipeline
from tests.dropped import dropped_in
from tests.speakers.conversation import ORACLE as ORACLE_MEMBER
from tests.speakers.conversation import lay, truth

ROWS = ("si_sdri", "snr", "sdri", "stoi", "wrong_stem", "silent_level")


def line(method: str, mix: str, cpu_s: float | None, **after: float) -> dict:
    metrics = {row: {"after": after.get(row)} for row in ROWS}
    return {"method": method, "mix": mix, "cpu_s": cpu_s, "duration_s": 10.0, "metrics": metrics}


def test_a_row_is_the_mean_of_its_condition_and_what_was_not_measured_a_dash(tmp_path):
    pairs = [SetPair(name, name[:-1], None, tmp_path, {}) for name in (f"{TWO}1", f"{TWO}2", f"{ALONE}1")]
    lines = [line(UNPROCESSED, pair.name, None, si_sdri=0.0, silent_level=0.0) for pair in pairs]
    lines += [line("mine", f"{TWO}1", 0.2, si_sdri=8.0), line("mine", f"{TWO}2", 0.4, si_sdri=9.0)]
    lines += [line("mine", f"{ALONE}1", 0.6, si_sdri=99.0, silent_level=-30.0), line(ORACLE, f"{TWO}1", None)]
    text = clips(lines, pairs).splitlines()
    assert text[0] == f"| Clips | goal | mine | {UNPROCESSED} | {ORACLE} |"
    cells = {row.split(" | ")[0][2:]: row[:-2].split(" | ")[1:] for row in text[2:]}
    assert cells["two voices, 2 mixes: SI-SDRi, dB"] == ["≥ 8", "8.50 [8.00, 9.00]", "0.00 [0.00, 0.00]", "–"]
    assert cells["one voice alone, 1 mixes: level of the second stem, dB of the mix"][:2] == ["≤ −25", "−30.00"]
    above = "one voice alone, 1 mixes: second stem above −25 dB, % of the mixes"
    assert cells[above][1:3] == ["0.00", "100.00"]
    assert cells["all, 3 mixes: CPU-seconds per second"][1].startswith("0.040 [")
    assert not any(what.startswith("two voices and noise") for what in cells)


def si_sdr(s: np.ndarray, y: np.ndarray) -> float:
    s, y = s.astype(float), y.astype(float)
    scaled = (s @ y) / (s @ s) * s
    return float(10 * np.log10((scaled @ scaled) / ((y - scaled) @ (y - scaled))))


def test_the_gain_of_a_stretch_is_numpys():
    rng = np.random.default_rng(0)
    s = 0.1 * rng.standard_normal((2, RATE)).astype(np.float32)
    y = s[::-1] + 0.3 * s
    mix = s.sum(axis=0)
    swapped = np.mean([si_sdr(s[i], y[1 - i]) - si_sdr(s[i], mix) for i in range(2)])
    as_given = np.mean([si_sdr(s[i], y[i]) - si_sdr(s[i], mix) for i in range(2)])
    sounds = [[Audio(each[None], RATE) for each in voices] for voices in (y, s)]
    assert gain_db(Audio(mix[None], RATE), *sounds, None) == pytest.approx(swapped, abs=1e-2)
    assert gain_db(Audio(mix[None], RATE), *sounds, (0, 1)) == pytest.approx(as_given, abs=1e-2)


def test_stretches_in_which_both_speak_are_measured_as_they_lie_and_alone(tmp_path):
    voices = truth([(0, 0, 10), (1, 0, 10), (0, 12, 5), (1, 20, 10), (0, 22, 8)], 30)
    _, config = lay(tmp_path, voices)
    leaky = voices + 0.1 * voices[::-1]
    with dropped_in(ORACLE_MEMBER, "separators"):
        within, alone = gains_db(Pipeline(load_config(config)), voices, leaky[::-1])
    for start, gain in zip((0, 20), within, strict=True):
        here = slice(start * RATE, (start + 10) * RATE)
        mix = voices[:, here].sum(axis=0)
        expected = [si_sdr(s[here], y[here]) - si_sdr(s[here], mix) for s, y in zip(voices, leaky, strict=True)]
        assert gain == pytest.approx(np.mean(expected), abs=0.01)
    assert len(alone) == 2 and alone[0] > within[0]  # the first 10 s alone are the member's own truth
