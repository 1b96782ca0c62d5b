"""A set for `task: edit`, of ESC-50: `python -m scripts.make_mixes --esc50 DIR --out OUT`.

    two clips of different classes of fold 5 ─ a window in which both are heard ─ level there ─ 24 bit ─
    OUT/target + OUT/other = OUT/mix; OUT/manifest.csv says the prompt and the window

DIR is what `sepkit.training.labelled` reads: ESC-50 itself, or a folder that holds a part of it. No training run of
sepkit hears fold 5. Each class is the target once before any is again. The level is that of the target over the other
inside the window, fades and all, evenly drawn from −5 … 5 dB. All files are 16 kHz mono and last 5 s.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from scripts.mixes.excerpts import MOST_TRIES, Deck, Signal, read
from scripts.mixes.levels import levelled
from sepkit.errors import ConfigError
from sepkit.files.naming import shown
from sepkit.files.whole_file import make_folder
from sepkit.training import labelled
from sepkit.training.config import CorpusConfig
from sepkit.training.corpus import SAMPLE_RATE, Recording

FOLD = 5
CLIP_FRAMES = 5 * SAMPLE_RATE
LEVELS_DB = (-5.0, 5.0)
WINDOW_S = (2.0, 4.0)
STEP_S = 0.01
"""Of the window's start and end."""
FAINTEST_DB = -10.0
"""How far a clip's power inside the window may lie below that of the whole clip."""

COLUMNS = ("name", "prompt", "windows", "other_prompt", "snr_db", "target", "other")


class Planned(NamedTuple):
    """A row of the manifest: two recordings, and where in the mix the first is to be kept alone."""

    name: str
    target: Recording
    other: Recording
    window_s: tuple[float, float]
    snr_db: float

    def cells(self) -> tuple[str, ...]:
        """Of `COLUMNS`."""
        start_s, end_s = self.window_s
        prompts = self.target.kind, f"{start_s:g} {end_s:g}", self.other.kind
        return (self.name, *prompts, f"{self.snr_db:.2f}", self.target.name, self.other.name)


def clips_of(data: Path) -> list[Recording]:
    """The clips of fold 5 that can be heard; their kind is the class in words."""
    found = [
        each
        for each in labelled.find(data, CorpusConfig())
        if each.source == "esc50" and each.group.endswith(f"fold {FOLD}") and read(each.path).any()
    ]
    if len({each.kind for each in found}) < 2:
        raise ConfigError(
            f"--esc50: {shown(data)} holds fewer than two classes of fold {FOLD}; give ESC-50's folder (audio/, "
            "meta/esc50.csv), or one that holds esc50/ and esc50.csv"
        )
    return found


def plan_sounds(clips: Iterable[Recording], seed: int, count: int) -> list[Planned]:
    """`count` pairs, by the seed."""
    rng = np.random.default_rng(seed)
    by_class = {each.name: each for each in clips}
    # A deck takes groups in turn: here they are classes, not folds.
    decks = [Deck([each._replace(group=each.kind) for each in by_class.values()], rng) for _ in range(2)]
    planned: list[Planned] = []
    while len(planned) < count:
        target, other = (by_class[deck.draw().recording] for deck in decks)
        window_s = _window(read_clip(target.path), read_clip(other.path), rng) if target.kind != other.kind else None
        if window_s:
            level_db = round(float(rng.uniform(*LEVELS_DB)), 2)
            planned.append(Planned(f"{len(planned):03d}", target, other, window_s, level_db))
    return planned


def read_clip(path: Path) -> Signal:
    """The first 5 s of a clip, (CLIP_FRAMES,); a shorter one ends in silence, as ESC-50's own do."""
    sound = read(path)[:CLIP_FRAMES]
    return np.pad(sound, (0, CLIP_FRAMES - sound.size))


def _window(target: Signal, other: Signal, rng: np.random.Generator) -> tuple[float, float] | None:
    """A window in which neither is much fainter than elsewhere; None where none is found."""
    for _ in range(MOST_TRIES):
        length_s = rng.integers(round(WINDOW_S[0] / STEP_S), round(WINDOW_S[1] / STEP_S) + 1) * STEP_S
        start_s = rng.integers(round((CLIP_FRAMES / SAMPLE_RATE - length_s) / STEP_S) + 1) * STEP_S
        window_s = round(float(start_s), 2), round(float(start_s + length_s), 2)
        here = _frames(window_s)
        if all(_power(each[here]) >= _power(each) * 10 ** (FAINTEST_DB / 10) for each in (target, other)):
            return window_s
    return None


def render(row: Planned) -> dict[str, Signal]:
    """Mix, target and other (CLIP_FRAMES,), whole 24-bit steps each, so that the mix is their sum exactly."""
    target, other = read_clip(row.target.path), read_clip(row.other.path)
    here = _frames(row.window_s)
    gain = np.sqrt(_power(target[here]) / _power(other[here])) * 10 ** (-row.snr_db / 20)
    target, other = levelled(target, other * np.float32(gain))
    return {"mix": target + other, "target": target, "other": other}


def write_sounds(planned: Sequence[Planned], out: Path) -> Iterator[Planned]:
    """Write mixes one after another, then the manifest; yields each row when it is done."""
    for part in ("mix", "target", "other"):
        make_folder(out / part)
    for row in planned:
        _write_one(out, row.name, render(row))
        yield row
    with (out / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows(row.cells() for row in planned)


def _write_one(out: Path, name: str, signals: Mapping[str, Signal]) -> None:
    for part, signal in signals.items():
        soundfile.write(out / part / f"{name}.flac", signal, SAMPLE_RATE, subtype="PCM_24")


def _frames(window_s: tuple[float, float]) -> slice:
    return slice(*(round(each * SAMPLE_RATE) for each in window_s))


def _power(signal: Signal) -> float:
    return float(np.mean(np.square(signal, dtype=np.float64)))
