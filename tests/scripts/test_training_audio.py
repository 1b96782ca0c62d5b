"""Noise by recipe: each kind against what its recipe says, by the spectrum and by counting; seeded."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from scripts.training_audio import noise

RATE = 16000


@pytest.mark.parametrize("number", range(len(noise.LAYERS_OF)))
def test_a_file_is_its_seed(number: int) -> None:
    """Twice the same, another number another; finite, at −20 dBFS, as long as it may be."""
    signal, origin = noise.make(number)
    again, _ = noise.make(number)
    np.testing.assert_array_equal(signal, again)
    assert np.isfinite(signal).all()
    assert signal.std() == pytest.approx(0.1)
    assert noise.LENGTH_S[0] <= signal.size / RATE <= noise.LENGTH_S[1]
    assert origin.made_with.startswith(list(noise.LAYERS_OF)[number])
    other, _ = noise.make(number + len(noise.LAYERS_OF))
    assert other.size != signal.size or not np.allclose(other, signal)


def test_harmonics_stand_at_multiples_of_one_pitch() -> None:
    """With no wandering: the peaks of a long spectrum are whole multiples of the lowest."""
    hum = noise.harmonics(np.random.default_rng(5), 10 * RATE, (100, 100), (1e-9, 1e-9))
    power = np.abs(np.fft.rfft(hum * np.hanning(hum.size))) ** 2
    hz = np.fft.rfftfreq(hum.size, 1 / RATE)
    beside = np.abs(hz / 100 - np.rint(hz / 100)) > 0.01
    assert power[beside].sum() < 1e-4 * power.sum()


def test_grains_fall_as_often_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short grains, two a second and evenly: one burst in each half second."""
    monkeypatch.setattr(noise, "GRAINS_PER_S", (2.0, 2.0))
    monkeypatch.setattr(noise, "GRAIN_S", (0.003, 0.003))
    monkeypatch.setattr(noise, "EVEN", 1.0)
    loudness = np.abs(noise.grains(np.random.default_rng(1), 10 * RATE)).reshape(20, -1)
    assert (loudness.max(axis=1) > 0).all()
    assert np.median(loudness) < 1e-6 * loudness.max()


def test_drift_turns_at_its_pace() -> None:
    """The mean square is 3/4, as the integral of (1 − r)² + r² over half a cosine says; zeros come at that pace."""
    line = noise.drift(np.random.default_rng(0), 600 * RATE, 1.0)
    assert np.mean(line**2) == pytest.approx(0.75, rel=0.1)
    crossings = np.count_nonzero(np.diff(np.signbit(line)))
    assert crossings / 600 == pytest.approx(1.0, rel=0.15)  # half of 2 knots a second change the sign


def test_the_command_fills_a_folder_once(tmp_path: Path) -> None:
    """Files and manifest agree; what is there is not made again."""
    arguments = ["--out", str(tmp_path), "--count", "2"]
    first = CliRunner().invoke(noise.main, arguments)
    assert first.exit_code == 0, first.output
    assert "2 new files" in first.output
    assert "0 new files" in CliRunner().invoke(noise.main, arguments).output
    folder = tmp_path / "noise" / "synthetic"
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["file"] for row in rows) == sorted(path.name for path in folder.glob("*.flac"))
    stored, rate = soundfile.read(folder / rows[0]["file"])
    assert rate == RATE
    np.testing.assert_allclose(stored, noise.make(0)[0], atol=2**-15)
