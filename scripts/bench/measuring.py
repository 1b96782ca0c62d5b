"""What every bench measures with: processes and the memory they took, sound of any length, tables in Markdown."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from sepkit.errors import SepkitError

PILOT_MIX = Path(__file__).parents[2] / "data" / "pilot" / "mix.wav"
RSS_UNITS_PER_MIB = 2**20 if sys.platform == "darwin" else 2**10
"""getrusage counts in bytes on macOS and in KiB on Linux."""


class Spent(NamedTuple):
    """What a process took: wall-clock seconds, the most memory it held at once, CPU-seconds."""

    wall_s: float
    peak_mib: float
    cpu_s: float


def spend(*arguments: str | Path) -> Spent:
    """Run `python ARGUMENTS` to its end.

    Linux counts what the parent holds when it forks as the child's, so this module loads no numpy by itself.
    """
    command = [sys.executable, *map(str, arguments)]
    with tempfile.TemporaryFile() as complaints:
        begin_s = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=complaints)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - begin_s
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip()
            raise SepkitError(f"{' '.join(command)}: exit {process.returncode}: {said[-500:]}")
    return Spent(wall_s, usage.ru_maxrss / RSS_UNITS_PER_MIB, usage.ru_utime + usage.ru_stime)


def sepkit(*arguments: str | Path) -> Spent:
    """Run a sepkit command."""
    return spend("-m", "sepkit", *arguments)


def write_sound(path: Path, duration_s: float, start_s: float = 0.0) -> Path:
    """The pilot's mix from `start_s` on, repeated until `duration_s`, without holding it in memory."""
    with wave.open(str(PILOT_MIX)) as pilot, wave.open(str(path), "wb") as out:
        out.setparams(pilot.getparams())
        pilot.setpos(round(start_s * pilot.getframerate()))
        left = round(duration_s * pilot.getframerate())
        while left:
            block = pilot.readframes(min(left, pilot.getnframes() - pilot.tell()))
            pilot.rewind()
            out.writeframesraw(block)
            left -= len(block) // (out.getnchannels() * out.getsampwidth())
    return path


def write_config(folder: Path, separator: str) -> Path:
    """A configuration with this one member, no denoiser, and everything else as it is by default."""
    path = folder / f"{separator}.yaml"
    path.write_text(f"members:\n  - separator: {separator}\ndenoise: null\n", encoding="utf-8")
    return path


def table(headings: Sequence[str], rows: Iterable[Sequence[str | float]]) -> str:
    """A Markdown table; numbers get three significant digits and stand at the right."""
    texts = [[cell if isinstance(cell, str) else f"{cell:.{digits(cell)}f}" for cell in row] for row in rows]
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *texts]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def digits(value: float) -> int:
    """Decimals that leave about three significant digits: 0.0123, 1.23, 12.3, 123."""
    return next((decimals for decimals, limit in ((0, 100), (1, 10), (2, 0.1)) if abs(value) >= limit), 4)


def growth_percent(before: float, after: float) -> float:
    """How much more `after` is than `before`."""
    return 100 * (after / before - 1)
