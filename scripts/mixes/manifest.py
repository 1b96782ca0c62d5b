"""The validation set's manifest: which excerpts of which recordings make each mix, and the conditions there are.

`scripts.make_mixes` writes and follows it; `scripts.bench.quality` reads it beside the sound.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from sepkit.errors import ConfigError

CONDITIONS: tuple[tuple[str, float | None], ...] = (
    *(("music", level_db) for level_db in (-5.0, 0.0, 5.0, 10.0)),
    *((condition, 0.0) for condition in ("singing", "noise", "both")),
    *((condition, None) for condition in ("clean", "music_alone")),
)
"""What is measured: the condition and the speech's level over the background, dB."""
PARTS = {
    "music": ("speech", "music"),
    "singing": ("speech", "singing"),
    "noise": ("speech", "noise"),
    "both": ("speech", "music", "noise"),
    "clean": ("speech",),
    "music_alone": ("music",),
}


class Excerpt(NamedTuple):
    """A stretch of a recording, by its name "kind/source/file"."""

    recording: str
    start_s: float


class Planned(NamedTuple):
    """A row of the manifest: which excerpts make a mix, and how."""

    name: str
    condition: str
    level_db: float | None
    speech: Excerpt | None
    background: tuple[Excerpt, ...]
    frames: int


COLUMNS = (
    *("name", "condition", "level_db", "speech", "speech_start_s", "background", "background_start_s", "frames"),
)


def write_manifest(path: Path, planned: Iterable[Planned]) -> None:
    """The set as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for name, condition, level_db, speech, background, frames in planned:
            level = "" if level_db is None else f"{level_db:g}"
            spoken = (speech.recording, f"{speech.start_s:g}") if speech else ("", "")
            recordings = ";".join(excerpt.recording for excerpt in background)
            starts = ";".join(f"{excerpt.start_s:g}" for excerpt in background)
            rows.writerow((name, condition, level, *spoken, recordings, starts, frames))


def read_manifest(path: Path) -> list[Planned]:
    """The set that a manifest describes."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if tuple(rows.fieldnames or ()) != COLUMNS:
                raise ConfigError(f"{path}: expected the columns {', '.join(COLUMNS)}, found {rows.fieldnames}")
            return [_planned(row) for row in rows]
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); make it with `python -m scripts.make_mixes`") from error


def _planned(row: dict[str, str]) -> Planned:
    if Path(row["name"]).name != row["name"] or row["condition"] not in PARTS:
        raise ValueError(f"row '{row['name']}', condition '{row['condition']}'; known: {', '.join(PARTS)}")
    speech = Excerpt(row["speech"], float(row["speech_start_s"])) if row["speech"] else None
    starts = row["background_start_s"].split(";")
    pairs = zip(row["background"].split(";"), starts, strict=True) if row["background"] else ()
    background = tuple(Excerpt(recording, float(start)) for recording, start in pairs)
    level_db = float(row["level_db"]) if row["level_db"] else None
    return Planned(row["name"], row["condition"], level_db, speech, background, int(row["frames"]))
