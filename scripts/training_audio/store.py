"""Where the generators put what they make, and how they call on programs and packages that sepkit does without.

    OUT/<kind>/<source>/<group>__….flac, OUT/<kind>/<source>/manifest.csv       what sepkit.training.corpus reads

A file appears under its name when it is whole and stands in the manifest; a generator started again goes on from there.
"""

from __future__ import annotations

import csv
import importlib
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import click
import numpy as np
import soundfile
from numpy.typing import NDArray

from sepkit.errors import SepkitError
from sepkit.files.whole_file import make_folder
from sepkit.training.corpus import SAMPLE_RATE

Signal = NDArray[np.float64]
"""An array (frames,) at SAMPLE_RATE, full scale ±1."""

PEAK = 0.95
"""What is louder is brought down to this; what is quieter stays as it is."""
SILENT_PEAK = 1e-4
TIMEOUT_S = 120
SILENCE_DB = -50.0
"""What lies this far below the peak, before the first and after the last sound, is cut off."""
MARGIN_S = 0.1
BLOCK_FRAMES = SAMPLE_RATE // 50


class UnusableError(SepkitError):
    """A piece that did not come out well; the generator goes on with the next one."""


@dataclass(frozen=True)
class Origin:
    """A row of the manifest without the file's name. group: what must never be on both sides of the split."""

    group: str
    licence: str
    author: str
    made_with: str


Job = tuple[str, Callable[[], tuple[Signal, Origin]]]
"""A file's name, and what makes it."""


def fill(out: Path, kind: str, source: str, jobs: Iterable[Job]) -> int:
    """Make every file that is not there yet; returns how many are new. What came out badly is told and left out."""
    folder = make_folder(out / kind / source)
    new = 0
    for name, make in jobs:
        path = folder / name
        if path.is_file():
            continue
        try:
            signal, origin = make()
            _write(path, signal, origin)
        except UnusableError as error:
            click.echo(f"left out: {kind}/{source}/{name}: {error}", err=True)
        else:
            new += 1
    return new


def _write(path: Path, signal: Signal, origin: Origin) -> None:
    """FLAC of 16 bit. The row comes first: a file without one would count as a group of its own."""
    peak = float(np.abs(signal).max(initial=0))
    if not np.isfinite(peak) or peak < SILENT_PEAK:
        raise UnusableError("silent or not finite")
    partial = path.with_name(f"{path.name}.partial")
    scaled = (signal * min(1.0, PEAK / peak)).astype(np.float32)
    soundfile.write(partial, scaled, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    manifest = path.with_name("manifest.csv")
    with manifest.open("a", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        if file.tell() == 0:
            rows.writerow(["file", *(field.name for field in fields(Origin))])
        rows.writerow([path.name, *asdict(origin).values()])
    partial.replace(path)


def trim_silence(signal: Signal) -> Signal:
    """Without the silence at both ends, but for a margin."""
    blocks = signal[: signal.size // BLOCK_FRAMES * BLOCK_FRAMES].reshape(-1, BLOCK_FRAMES)
    peaks = np.abs(blocks).max(axis=1, initial=0)
    (heard,) = np.nonzero(peaks > peaks.max(initial=0) * 10 ** (SILENCE_DB / 20))
    if not heard.size:
        return signal
    start = int(heard[0] * BLOCK_FRAMES - MARGIN_S * SAMPLE_RATE)
    return signal[max(0, start) : int((heard[-1] + 1) * BLOCK_FRAMES + MARGIN_S * SAMPLE_RATE)]


def require_programs(packages: dict[str, str]) -> None:
    """program → Debian's packages that hold it (and what it needs)."""
    for program, names in packages.items():
        if shutil.which(program) is None:
            raise SepkitError(f"{program}: not installed; on Debian: apt-get install {names}")


def require_package(name: str) -> None:
    """One of Python's packages that only training needs."""
    try:
        importlib.import_module(name)
    except ImportError as error:
        install = "pip install mido pyworld 'setuptools<81'"  # pyworld 0.3.5 imports pkg_resources, and does not say so
        raise SepkitError(f"{name}: cannot be imported ({error}); run: {install}") from error


def call(command: list[str], stdin: str | None = None) -> None:
    """Run a synthesizer; its failure is told in one line."""
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise UnusableError(f"{command[0]} took longer than {TIMEOUT_S} s") from error
    if done.returncode:
        reason = " ".join(done.stderr.split())[-200:]
        raise UnusableError(f"{command[0]} failed with exit {done.returncode}: {reason}")
