"""The spool gives back what went in, and its room is given back whatever happens."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sepkit.audio.spool import Spool
from sepkit.errors import OutputError


def noise(channels: int, frames: int) -> np.ndarray:
    return np.random.default_rng(frames).standard_normal((channels, frames)).astype(np.float32)


def test_blocks_of_any_size_come_back_bit_for_bit_from_any_place(tmp_path):
    samples = noise(3, 10_000)
    with Spool(48_000, 3, tmp_path) as spool:
        start = 0
        for frames in (1, 0, 999, 4000, 5000):
            spool.write(samples[:, start : start + frames])
            np.testing.assert_array_equal(spool.read(start, frames), samples[:, start : start + frames])
            start += frames
        assert spool.frames == 10_000
        np.testing.assert_array_equal(spool.read(0, 10_000), samples)
        np.testing.assert_array_equal(spool.read(998, 3), samples[:, 998:1001])
        assert spool.read(0, 10).flags.c_contiguous


def test_beyond_full_scale_and_no_numbers_are_kept(tmp_path):
    odd = np.array([[3.0, -7.5, np.inf, np.nan, 1e-40]], dtype=np.float32)
    with Spool(8000, 1, tmp_path) as spool:
        spool.write(odd)
        np.testing.assert_array_equal(spool.read(0, 5), odd)


def test_reading_beyond_the_end_is_the_programmers_error(tmp_path):
    with Spool(8000, 1, tmp_path) as spool:
        spool.write(noise(1, 10))
        with pytest.raises(AssertionError):
            spool.read(5, 6)
        with pytest.raises(AssertionError):
            spool.write(noise(2, 10))


def test_nothing_stays_after_an_error_or_a_kill(tmp_path):
    with pytest.raises(ZeroDivisionError), Spool(8000, 1, tmp_path) as spool:
        spool.write(noise(1, 10))
        1 / 0  # noqa: B018  any error
    code = (
        "import os, signal, sys, pathlib, numpy as np; from sepkit.audio.spool import Spool\n"
        "with Spool(8000, 1, pathlib.Path(sys.argv[1])) as spool:\n"
        "    spool.write(np.zeros((1, 100_000), np.float32)); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert killed.returncode == -9
    assert list(tmp_path.iterdir()) == []


def test_no_room_names_the_folder_and_the_next_step(tmp_path):
    with pytest.raises(OutputError, match=r"nowhere: cannot hold temporary samples .*free space or set TMPDIR"):
        Spool(8000, 1, tmp_path / "nowhere")
    code = (
        "import resource, sys, pathlib, numpy as np; from sepkit.audio.spool import Spool\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9999, 9999))\n"
        "with Spool(8000, 1, pathlib.Path(sys.argv[1])) as spool:\n"
        "    spool.write(np.zeros((1, 9999), np.float32))"
    )
    full = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, capture_output=True, text=True)
    assert f"OutputError: {Path(tmp_path)}: cannot hold temporary samples (File too large)" in full.stderr
