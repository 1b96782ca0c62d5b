"""Mixes that lie ready, in the layout of LibriMix; and examples made from them, which hear as those of `voice_mixes`.

    DIR/**/metadata/mixture_SET_mix_clean.csv     mixture_ID, mixture_path, source_1_path, source_2_path[, …], length
    DIR/**/SET/{mix_clean,mix_both,s1,s2[,s3]}    beside metadata; MiniLibriMix: metadata beside {train,val}

Sets whose names begin with "train" are trained on, "dev" and "val" validate, "test" is left alone. The rate is
read from each file. The paths of a CSV are those of the machine that made it, Windows or not: only their last two names
count.

Source: Cosentino et al., "LibriMix: An open-source dataset for generalizable speech separation", 2020.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count as count_from
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

import numpy as np
import soundfile

from sepkit.errors import ConfigError
from sepkit.training.augment import Random, Signal
from sepkit.training.corpus import SAMPLE_RATE, Side
from sepkit.training.mixes import gain_to
from sepkit.training.speakers_config import VoiceMixConfig
from sepkit.training.voice_mixes import VoiceExample, is_alone

DEPTH = 4
"""Folders between DIR and a folder metadata, at most: LibriMix/Libri2Mix/wav16k/min."""
SIDES: dict[str, Side] = {"train": "train", "dev": "validation", "val": "validation"}
"""By the beginning of a set's name."""


class Mixture(NamedTuple):
    """One mix. name: "SET/ID"; sources: the voices in it."""

    name: str
    path: Path
    sources: tuple[Path, ...]


def find(root: Path, speakers: int, mixture: str) -> dict[Side, list[Mixture]] | None:
    """The mixes of both sides in the tree below `root`; None where it is none. mixture: "mix_clean" or "mix_both".

    Of the same mixes at two rates the higher is taken, and "min" where there is "max" too.
    """
    tables = [table for depth in range(DEPTH + 1) for table in root.glob("*/" * depth + "metadata/mixture_*_mix_*.csv")]
    if not tables:
        return None
    named = {table: _voices(table) for table in sorted(tables) if table.stem.endswith(mixture)}
    fitting = [table for table, voices in named.items() if voices == speakers]
    if not fitting:
        found = ", ".join(sorted({f"{table.stem} of {voices}" for table, voices in named.items()})) or "none"
        raise ConfigError(
            f"--data: {root} has no mixture_*_{mixture}.csv of {speakers} voices (found {found}); change "
            "network.speakers or mixes.mixture"
        )
    best = max(_rank(table) for table in fitting)
    sides: dict[Side, list[Mixture]] = {"train": [], "validation": []}
    for table in (table for table in fitting if _rank(table) == best):
        name = table.stem.removeprefix("mixture_").removesuffix(f"_{mixture}")
        side = next((side for begin, side in SIDES.items() if name.startswith(begin)), None)
        if side:
            sides[side] += _listed(table, name, speakers)
    for side, chosen in sides.items():
        if not chosen:
            sets = ", ".join(begin for begin, each in SIDES.items() if each == side)
            raise ConfigError(f"--data: {root} has no set for {side}; add one whose name begins with {sets}")
    return sides


class LibriMixer:
    """Makes examples: a stretch of a mix, or in `alone` of them of one of its voices, with what noise there is."""

    def __init__(self, mixtures: Sequence[Mixture], config: VoiceMixConfig, seed: int, plain: bool) -> None:
        self.mixtures, self.config, self.seed, self.plain = mixtures, config, seed, plain
        self.frames = round(config.segment_s * SAMPLE_RATE)

    def example(self, index: int) -> VoiceExample:
        """Example number `index` of this seed; plain: the mixes in their order, for validation."""
        rng = np.random.default_rng((self.seed, index))
        chosen = self.mixtures[index % len(self.mixtures) if self.plain else int(rng.integers(len(self.mixtures)))]
        mix, *voices = _read((chosen.path, *chosen.sources), self.frames, rng)
        targets = np.stack(voices)
        if is_alone(index, self.plain, self.config, rng):
            kept = np.zeros_like(targets)
            kept[0] = targets[rng.integers(len(targets))]
            mix, targets = mix - targets.sum(0) + kept[0], kept
        gain = gain_to(10 ** (rng.uniform(*self.config.loudness_dbfs) / 20), mix)
        return VoiceExample(mix * gain, targets * gain)


def _read(paths: Sequence[Path], frames: int, rng: Random) -> list[Signal]:
    """The same stretch (frames,) of each, from a random place, at 16 kHz; what is too short ends in silence."""
    import soxr

    rates, sizes = zip(*map(_form, paths), strict=True)
    if len(set(rates)) > 1 or len(set(sizes)) > 1:
        raise ConfigError(
            f"{paths[0]}: the mix and its voices differ in rate or length ({rates} Hz, {sizes} samples); "
            "make the set again"
        )
    rate, size = rates[0], sizes[0]
    wanted = -(-frames * rate // SAMPLE_RATE)
    start = int(rng.integers(0, max(size - wanted, 0) + 1))
    found = []
    for path in paths:
        with _whole(path):
            piece = soundfile.read(path, wanted, start, dtype="float32", always_2d=True)[0].mean(1)
        if not np.isfinite(piece).all():
            raise _unfit(path, "a sample is no number")
        piece = piece if rate == SAMPLE_RATE else soxr.resample(piece, rate, SAMPLE_RATE)
        found.append(np.pad(piece, (0, max(0, frames - piece.size)))[:frames])
    return found


def _form(path: Path) -> tuple[int, int]:
    """Rate and length of a file that has one."""
    with _whole(path):
        info = soundfile.info(str(path))
    if not info.frames:
        raise _unfit(path, "it is empty")
    return info.samplerate, info.frames


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Inside, a file is read; a damaged one is one line."""
    try:
        yield
    except soundfile.LibsndfileError as error:
        raise _unfit(path, error.error_string.strip(" .")) from error


def _unfit(path: Path, why: str) -> ConfigError:
    return ConfigError(f"{path}: cannot be trained on ({why}); bring it there again, or take its row out of the CSV")


def _rows(table: Path) -> tuple[Sequence[str], list[Mapping[str, str | None]]]:
    """A table's columns and rows."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            return reader.fieldnames or (), list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{table}: is no CSV in UTF-8 ({error}); bring it there again") from error


def _voices(table: Path) -> int:
    """How many voices a table's mixes have."""
    names, _ = _rows(table)
    count = next(number for number in count_from(1) if f"source_{number}_path" not in names) - 1
    if "mixture_path" not in names or count < 2:
        told = ", ".join(names) or "nothing"
        raise ConfigError(f"{table}: needs the columns mixture_path, source_1_path and source_2_path, found {told}")
    return count


def _rank(table: Path) -> tuple[int, bool]:
    """Which of several trees with the same mixes is better: its rate in kHz as the folder says, and whether "min"."""
    rate = next((part[3:-1] for part in table.parts if part.startswith("wav") and part.endswith("k")), "0")
    return int(rate) if rate.isdigit() else 0, "min" in table.parts


def _listed(table: Path, name: str, speakers: int) -> list[Mixture]:
    """The mixes of one table."""
    folder, found = table.parent.parent / name, []
    columns = ("mixture_path", *(f"source_{number}_path" for number in range(1, speakers + 1)))
    for number, row in enumerate(_rows(table)[1], 2):
        absent = next((column for column in columns if not row[column]), None)
        if absent:
            raise ConfigError(f"{table}: row {number} has no {absent}; bring the table again, or take the row out")
        mix, *sources = (folder.joinpath(*PureWindowsPath(row[column] or "").parts[-2:]) for column in columns)
        missing = next((path for path in (mix, *sources) if not path.is_file()), None)
        if missing:
            raise ConfigError(f"{table}: {missing} is missing; bring it there, or take the row out")
        found.append(Mixture(f"{name}/{mix.stem}", mix, tuple(sources)))
    return found
