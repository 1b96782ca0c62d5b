"""A set in the layout of LibriMix, from folders of recordings: `python -m scripts.mixes.librimix --data DIR --out OUT`.

    DIR/SPEAKER/… or DIR/speech*/…, DIR/noise*/… (`sepkit.training.voices`)
        ─ speakers dealt to train, dev and test ─ a stretch of each voice ─ its loudness ─ 16 bit ─
    OUT/Libri2Mix/wav16k/min/{train,dev,test}/{s1,s2,mix_clean[,noise,mix_both]}/ID.wav, metadata/mixture_*.csv

Every mix is the sum of its parts exactly. Loudness is drawn as LibriMix draws it: voices −33 … −25 LUFS, noise
−38 … −30; "min" ends with the shortest voice, "max" with the longest.

Source: Cosentino et al., "LibriMix: An open-source dataset for generalizable speech separation", 2020.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
import numpy as np
import soundfile
from tqdm import tqdm

from scripts.mixes.excerpts import Signal, read
from scripts.mixes.folders import duration_s
from sepkit.audio import resample
from sepkit.errors import ConfigError, SepkitError
from sepkit.files.whole_file import make_folder
from sepkit.stages.loudness import LoudnessMeter
from sepkit.training import voices
from sepkit.training.config import CorpusConfig
from sepkit.training.corpus import SAMPLE_RATE, Recording

VOICE_LUFS, NOISE_LUFS = (-33.0, -25.0), (-38.0, -30.0)
PEAK = 0.9
STEPS = 2**15
"""From zero to full scale in 16 bit."""
SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}
"""Of the speakers, and of the recordings of noise."""
SHORTEST_S = 3.0
"""A recording of a voice that is used."""

Groups = Mapping[str, list[Recording]]


def deal(
    recordings: Sequence[Recording], least: int, called: str, rng: np.random.Generator
) -> dict[str, dict[str, list[Recording]]]:
    """The groups of each set, `least` in each at least; no group is in two sets."""
    groups: dict[str, list[Recording]] = {}
    for each in recordings:
        groups.setdefault(each.group, []).append(each)
    names = [sorted(groups)[index] for index in rng.permutation(len(groups))]
    if len(names) < least * len(SHARES):
        raise ConfigError(f"--data: {len(names)} {called}, but each of {len(SHARES)} sets takes {least}; add more")
    counts = {name: max(least, round(share * len(names))) for name, share in SHARES.items()}
    counts["train"] = len(names) - counts["dev"] - counts["test"]
    ends = np.cumsum(list(counts.values()))
    return {
        name: {group: groups[group] for group in names[end - count : end]}
        for (name, count), end in zip(counts.items(), ends, strict=True)
    }


def make(
    data: Path, out: Path, mixes: Mapping[str, int], speakers: int, rate: int, mode: str, longest_s: float, seed: int
) -> Iterator[str]:
    """Write the sets one after another; yields each mix's ID when it is done."""
    rng, found = np.random.default_rng(seed), voices.find(data, CorpusConfig())
    long_enough = [each for each in found if each.kind == "speech" and duration_s(each.path) >= SHORTEST_S]
    heard = deal(long_enough, speakers, f"speakers with {SHORTEST_S:g} s", rng)
    noise = [each for each in found if each.kind == "noise"]
    noises = deal(noise, 1, "groups of noise", rng) if noise else {name: {} for name in SHARES}
    tree = out / f"Libri{speakers}Mix" / f"wav{rate // 1000}k" / mode
    make_folder(tree / "metadata")
    for name, count in mixes.items():
        rows = []
        for index in range(count):
            identity, parts = _mix(heard[name], noises[name], speakers, rate, mode, longest_s, rng)
            identity = f"{index:05d}_{identity}"
            for part, samples in parts.items():
                make_folder(tree / name / part)
                soundfile.write(tree / name / part / f"{identity}.wav", samples, rate, "PCM_16")
            rows.append((identity, len(parts["mix_clean"])))
            yield identity
        for kind in ("mix_clean", "mix_both") if noise else ("mix_clean",):
            _write_table(tree, name, kind, speakers, rows)


def _mix(
    heard: Groups, noises: Groups, speakers: int, rate: int, mode: str, longest_s: float, rng: np.random.Generator
) -> tuple[str, dict[str, Signal]]:
    """A mix of different speakers: what it is made of as a name, and its parts (frames,) in whole steps of 16 bit."""
    groups = rng.permutation(sorted(heard))[:speakers]
    chosen = [heard[group][rng.integers(len(heard[group]))] for group in groups]
    pieces = [_piece(each.path, rate, longest_s, VOICE_LUFS, rng) for each in chosen]
    sizes = [each.size for each in pieces]
    frames = min(sizes) if mode == "min" else max(sizes)
    parts = {f"s{number}": _fitted(each, frames) for number, each in enumerate(pieces, 1)}
    if noises:
        group = sorted(noises)[rng.integers(len(noises))]
        source = noises[group][rng.integers(len(noises[group]))]
        parts["noise"] = np.resize(_piece(source.path, rate, longest_s, NOISE_LUFS, rng), frames)
    loudest = max(float(np.abs(each).max()) for each in (*parts.values(), sum(parts.values())))
    gain = min(1.0, PEAK / max(loudest, 1e-9))
    parts = {name: (np.rint(each * gain * STEPS) / STEPS).astype(np.float32) for name, each in parts.items()}
    clean = np.sum([parts[f"s{number}"] for number in range(1, speakers + 1)], axis=0)
    mixed = {"mix_clean": clean} | ({"mix_both": clean + parts["noise"]} if noises else {})
    return "_".join(re.sub(r"[^A-Za-z0-9]+", "-", each.path.stem) for each in chosen), parts | mixed


def _piece(
    path: Path, rate: int, longest_s: float, range_lufs: tuple[float, float], rng: np.random.Generator
) -> Signal:
    """A stretch of a recording of at most `longest_s`, at the rate, as loud as drawn."""
    sound, longest = read(path), round(longest_s * SAMPLE_RATE)
    start = int(rng.integers(0, max(sound.size - longest, 0) + 1))
    piece = sound[start : start + longest]
    meter = LoudnessMeter(SAMPLE_RATE, 1)
    meter.add(piece[None])
    lufs, wanted = meter.integrated_lufs(), rng.uniform(*range_lufs)
    piece = piece * np.float32(10 ** ((wanted - lufs) / 20) if np.isfinite(lufs) else 1.0)
    resampled: Signal = resample.resample(piece[None], SAMPLE_RATE, rate)[0]
    return resampled


def _fitted(samples: Signal, frames: int) -> Signal:
    return np.pad(samples, (0, max(0, frames - samples.size)))[:frames]


def _write_table(tree: Path, name: str, kind: str, speakers: int, rows: Sequence[tuple[str, int]]) -> None:
    """The columns and absolute paths that LibriMix's own scripts write."""
    parts = [kind, *(f"s{number}" for number in range(1, speakers + 1)), *(["noise"] if kind == "mix_both" else [])]
    columns = ["mixture", *(f"source_{number}" for number in range(1, speakers + 1)), "noise"][: len(parts)]
    with (tree / "metadata" / f"mixture_{name}_{kind}.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["mixture_ID", *(f"{column}_path" for column in columns), "length"])
        for identity, frames in rows:
            paths = [(tree / name / part / f"{identity}.wav").absolute() for part in parts]
            table.writerow([identity, *paths, frames])


@click.command()
@click.option("--data", required=True, type=click.Path(path_type=Path), help="A folder a speaker, or speech/, noise/.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that Libri2Mix/ goes to.")
@click.option("--speakers", default=2, show_default=True, type=click.IntRange(2, 3))
@click.option("--rate", default="16000", show_default=True, type=click.Choice(["8000", "16000"]), help="Hz.")
@click.option("--mode", default="min", show_default=True, type=click.Choice(["min", "max"]))
@click.option("--train", default=1000, show_default=True, type=click.IntRange(1), help="Mixes.")
@click.option("--dev", default=100, show_default=True, type=click.IntRange(1), help="Mixes.")
@click.option("--test", default=100, show_default=True, type=click.IntRange(1), help="Mixes.")
@click.option("--longest-s", default=15.0, show_default=True, type=click.FloatRange(SHORTEST_S), help="Of a voice.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
def main(
    data: Path,
    out: Path,
    speakers: int,
    rate: str,
    mode: str,
    train: int,
    dev: int,
    test: int,
    longest_s: float,
    seed: int,
) -> None:
    """Make a set of mixes of two or three voices in the layout of LibriMix."""
    mixes = {"train": train, "dev": dev, "test": test}
    try:
        made = make(data, out, mixes, speakers, int(rate), mode, longest_s, seed)
        count = len(list(tqdm(made, total=sum(mixes.values()), unit="mix", disable=None)))
    except SepkitError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{count} mixes in {out / f'Libri{speakers}Mix'}")


if __name__ == "__main__":
    main()
