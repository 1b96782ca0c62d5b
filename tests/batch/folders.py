"""Folders of noise for batches, a configuration that changes nothing, and what a batch leaves."""

from pathlib import Path

import numpy as np
import soundfile

from sepkit.config import Config, parse_config

RATE_HZ = 8000

PASSTHROUGH = """
members: [{separator: passthrough}]
denoise: null
post_mask: null
equalise: null
loudness: {target_lufs: null, ceiling_dbtp: null}
"""


def config(extra: str = "") -> Config:
    return parse_config(PASSTHROUGH + extra)


def noise(frames: int = 4000, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, channels))


def lay(folder: Path, *names: str, frames: int = 4000) -> Path:
    for seed, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:  # soundfile cannot encode every name; a file object has none
            soundfile.write(file, noise(frames, seed=seed), RATE_HZ, format=path.suffix[1:].upper(), subtype="PCM_16")
    return folder


def samples(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        return soundfile.read(file)[0]


def outputs(out: Path) -> dict[str, bytes]:
    """The tree without the journal's and the report's files, which hold times."""
    own = {"report.json", "report.csv"}
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name not in own and not path.name.startswith(".sepkit-")
    }


def statuses(report) -> dict[str, str]:
    return {row.path: row.status for row in report.rows}
