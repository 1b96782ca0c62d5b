"""The arithmetic and the measuring of `scripts.bench`: analytic values and a process of known memory."""

from __future__ import annotations

import subprocess
import sys
import wave
from pathlib import Path

import pytest

from scripts.bench import costs, measuring
from sepkit.errors import SepkitError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("value", "decimals"), [(1234.5, 0), (-250, 0), (12.3, 1), (1.23, 2), (0.5, 2), (0.0123, 4)])
def test_digits_leave_about_three_that_count(value, decimals):
    assert measuring.digits(value) == decimals


def test_table_is_markdown_with_numbers_at_the_right():
    assert measuring.table(["Stage", "s"], [("fuse", 1.234), ("read", "none")]) == (
        "| Stage | s |\n| --- | ---: |\n| fuse | 1.23 |\n| read | none |"
    )


def test_growth_is_relative_to_what_was_before():
    assert measuring.growth_percent(200, 210) == pytest.approx(5)
    assert measuring.growth_percent(200, 150) == pytest.approx(-25)


def test_only_a_models_own_time_counts_as_the_models():
    assert [costs.is_model(stage) for stage in ("member rnnoise", "denoiser", "denoise", "fuse")] == [
        *(True, True, False, False)
    ]


def test_spend_sees_the_memory_that_a_process_holds():
    held = 'measuring.spend("-c", "held = bytes(range(256)) * (300 * 2**12)").peak_mib'
    code = f'from scripts.bench import measuring; print({held} - measuring.spend("-c", "pass").peak_mib)'
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert float(asked.stdout) == pytest.approx(300, abs=30)  # less what the parent's own memory hides


def test_spend_says_which_command_failed_and_what_it_said():
    with pytest.raises(SepkitError, match="exit 3: no good"):
        measuring.spend("-c", "import sys; sys.stderr.write('no good'); sys.exit(3)")


def test_write_sound_repeats_the_pilot_from_where_it_is_told(tmp_path):
    duration_s, start_s = 30.0, 25.5
    path = measuring.write_sound(tmp_path / "long.wav", duration_s, start_s)
    with wave.open(str(path)) as made, wave.open(str(measuring.PILOT_MIX)) as pilot:
        frame_bytes = 4
        once = pilot.readframes(pilot.getnframes())
        begin = round(start_s * 44100) * frame_bytes
        expected = (once * 3)[begin : begin + round(duration_s * 44100) * frame_bytes]
        assert made.readframes(made.getnframes()) == expected
