"""Make the validation set that `scripts.bench quality` measures on: pairs of unseen speakers, composers and sources.

    python -m scripts.make_mixes --data DIR --out OUT [--new]

    recordings set aside ─ excerpts of 8 s ─ level ─ 24 bit ─ OUT/speech + OUT/background = OUT/mix, OUT/manifest.csv

DIR is the folder of a training run (see `sepkit.training.corpus`), of which only what the configuration sets aside for
validation is used. Which excerpts meet is drawn once, by the seed, and stands in the manifest, from which anybody with
the same recordings makes the same set. Nothing is augmented. All files are 16 kHz mono.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import click
import numpy as np
import soundfile
from numpy.typing import NDArray
from tqdm import tqdm

from scripts.mix_manifest import CONDITIONS, PARTS, Excerpt, Planned, read_manifest, write_manifest
from sepkit import audio_io, resample
from sepkit.audio_write import make_folder
from sepkit.errors import ConfigError, SepkitError, SourceError
from sepkit.training.config import CorpusConfig, load_train_config
from sepkit.training.corpus import SAMPLE_RATE, Recording, find, split
from sepkit.training.mixes import ACTIVE_DB, active_level

Signal = NDArray[np.float32]
"""An array (frames,) at SAMPLE_RATE, full scale ±1."""

SOURCES = {
    "speech": ("speech/read", "speech/read", "speech/many"),
    "music": ("music/recorded", "music/recorded", "music/recorded", "music/extra"),
    "noise": ("noise/env", "noise/extra"),
    "singing": ("singing/recorded",),
}
"""Recordings only, nothing synthesised. Excerpts take these in turn, about by how many groups each holds aside."""

EXCERPT_S = 8.0
LEAST_S = {"noise": 3.0}
"""Shorter recordings are not drawn. Elsewhere a whole excerpt is asked for; of noises, too few are that long, so a
shorter one is repeated."""
START_STEP_S = 0.01
FADE_FRAMES = SAMPLE_RATE // 100
LEAST_HEARD = 0.5
"""Part of a drawn excerpt of speech or music in which there must be sound, and …"""
FAINTEST_DB = -20.0
"""… how far its level may lie below its recording's."""
MOST_TRIES = 50
MIX_DBFS = -26.0
"""Active level of a mix; ITU-T P.56's usual one for speech."""
PEAK = 0.9
STEPS = 2**23
"""From zero to full scale in 24 bit."""


class Deck:
    """The groups of one source; each comes once before any comes again."""

    def __init__(self, recordings: Iterable[Recording], rng: np.random.Generator) -> None:
        groups: dict[str, list[Recording]] = {}
        for recording in recordings:
            groups.setdefault(recording.group, []).append(recording)
        self._groups = [groups[group] for group in sorted(groups)]
        self._rng, self._order = rng, list[int]()

    def draw(self) -> Excerpt:
        """An excerpt from any place of any recording of the next group, passing over what is all but silent."""
        if not self._order:
            self._order = self._rng.permutation(len(self._groups)).tolist()
        recordings = self._groups[self._order.pop()]
        excerpt = None
        for _ in range(MOST_TRIES):
            recording = recordings[self._rng.integers(len(recordings))]
            sound = read(recording.path)
            room = max(0, sound.size - round(EXCERPT_S * SAMPLE_RATE)) // round(START_STEP_S * SAMPLE_RATE)
            excerpt = Excerpt(recording.name, round(int(self._rng.integers(room + 1)) * START_STEP_S, 2))
            if recording.kind not in ("speech", "music") or is_heard(cut(sound, excerpt.start_s), sound):
                break
        assert excerpt is not None
        return excerpt


def is_heard(excerpt: Signal, recording: Signal) -> bool:
    """Whether an excerpt holds sound for `LEAST_HEARD` of the time, and about as loud as the rest of its recording."""
    level = active_level(excerpt)
    block = SAMPLE_RATE // 50
    powers = np.square(excerpt[: excerpt.size // block * block].reshape(-1, block)).mean(axis=1, dtype=np.float64)
    heard = powers >= powers.max() * 10 ** (ACTIVE_DB / 10)
    faintest = active_level(recording) * 10 ** (FAINTEST_DB / 20)
    return bool(level > 0 and level >= faintest and heard.mean() >= LEAST_HEARD)


@lru_cache(maxsize=256)
def read(path: Path) -> Signal:
    """A whole recording as mono at SAMPLE_RATE."""
    audio = audio_io.read_audio(path)
    sound: Signal = resample.resample(audio.mono(), audio.sample_rate, SAMPLE_RATE)[0]
    return sound


def length_s(path: Path) -> float:
    """How long a recording lasts; 0 if it cannot be read whole, so that it is not drawn."""
    try:
        return read(path).size / SAMPLE_RATE
    except SourceError:
        return 0.0


def cut(sound: Signal, start_s: float, frames: int = round(EXCERPT_S * SAMPLE_RATE)) -> Signal:
    """`frames` frames from `start_s` on, faded over 10 ms at both ends; from the start again where it is too short."""
    piece = sound[round(start_s * SAMPLE_RATE) :][:frames].copy()
    if not piece.size:
        raise ConfigError(f"an excerpt begins at {start_s:g} s, its recording ends at {sound.size / SAMPLE_RATE:g} s")
    fade = min(FADE_FRAMES, piece.size // 2)
    ramp = (np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1)
    piece[:fade] *= ramp
    piece[piece.size - fade :] *= ramp[::-1]
    return np.resize(piece, frames)


def plan(aside: Iterable[Recording], seed: int, each: int) -> list[Planned]:
    """Draw a set from the recordings set aside. Every level of music takes the same pairs, so that levels compare."""
    rng = np.random.default_rng(seed)
    decks: dict[str, Deck] = {}
    by_source: dict[str, list[Recording]] = {}
    for recording in aside:
        by_source.setdefault(f"{recording.kind}/{recording.source}", []).append(recording)
    for kind, sources in SOURCES.items():
        for source in sorted(set(sources)):
            least_s = LEAST_S.get(kind, EXCERPT_S)
            long_enough = [r for r in by_source.get(source, ()) if length_s(r.path) >= least_s]
            if long_enough:
                decks[source] = Deck(long_enough, rng)
        if not any(source in decks for source in sources):
            wanted = " or ".join(sorted(set(sources)))
            raise ConfigError(
                f"--data: nothing of {wanted} is set aside for validation and lasts {least_s:g} s; "
                "put recordings there, and name them under corpus.validation of --config"
            )
    turns = dict.fromkeys(SOURCES, 0)

    def draw(kind: str) -> Excerpt:
        present = [source for source in SOURCES[kind] if source in decks]
        turns[kind] += 1
        return decks[present[(turns[kind] - 1) % len(present)]].draw()

    drawn: dict[str, list[dict[str, Excerpt]]] = {}
    for condition, _ in CONDITIONS:
        if condition not in drawn:
            drawn[condition] = [{kind: draw(kind) for kind in PARTS[condition]} for _ in range(each)]
    return [
        Planned(
            "_".join([condition, *([] if level_db is None else [f"{level_db:g}dB"]), f"{index:02d}"]),
            condition,
            level_db,
            parts.get("speech"),
            tuple(excerpt for kind, excerpt in parts.items() if kind != "speech"),
            round(EXCERPT_S * SAMPLE_RATE),
        )
        for condition, level_db in CONDITIONS
        for index, parts in enumerate(drawn[condition])
    ]


def check(planned: Iterable[Planned], sides: dict[str, str], manifest: Path, data: Path) -> None:
    """That every recording is there, and on the validation side; sides: recording → side."""
    for row in planned:
        for excerpt in (*([row.speech] if row.speech else []), *row.background):
            side = sides.get(excerpt.recording)
            if side is None:
                raise ConfigError(
                    f"{manifest}: {row.name} needs '{excerpt.recording}', which is not in {data} (or excluded "
                    "by --config); bring it there, or draw a set from what is there with --new"
                )
            if side != "validation":
                raise ConfigError(
                    f"{manifest}: {row.name} needs '{excerpt.recording}', which --config trains on; "
                    "set it aside under corpus.validation, or draw another set with --new"
                )


def render(row: Planned, paths: dict[str, Path]) -> dict[str, Signal]:
    """Mix, speech and background (frames,), whole 24-bit steps each, so that the mix is their sum exactly.

    Backgrounds come at equal active levels; their sum lies `level_db` below the speech.
    """
    speech = background = np.zeros(row.frames, np.float32)
    if row.speech:
        speech = cut(read(paths[row.speech.recording]), row.speech.start_s, row.frames)
    for excerpt in row.background:
        piece = cut(read(paths[excerpt.recording]), excerpt.start_s, row.frames)
        background = background + piece / np.float32(max(active_level(piece), 1e-9))
    if row.level_db is not None:
        wanted = active_level(speech) * 10 ** (-row.level_db / 20)
        background = background * np.float32(wanted / max(active_level(background), 1e-9))
    loudest = max(float(np.abs(signal).max()) for signal in (speech, background, speech + background))
    level = active_level(speech + background)
    gain = min(10 ** (MIX_DBFS / 20) / max(level, 1e-9), PEAK / max(loudest, 1e-9))
    speech, background = quantised(speech * np.float64(gain)), quantised(background * np.float64(gain))
    return {"mix": speech + background, "speech": speech, "background": background}


def quantised(signal: NDArray[np.float64]) -> Signal:
    """The same in whole steps of 24 bit, which float32 holds exactly."""
    return (np.rint(signal * STEPS) / STEPS).astype(np.float32)


def write_set(planned: list[Planned], paths: dict[str, Path], out: Path) -> Iterator[Planned]:
    """Write mixes one after another, then the manifest; yields each row when it is done."""
    for part in ("mix", "speech", "background"):
        make_folder(out / part)
    for row in planned:
        for part, signal in render(row, paths).items():
            soundfile.write(out / part / f"{row.name}.flac", signal, SAMPLE_RATE, subtype="PCM_24")
        yield row
    write_manifest(out / "manifest.csv", planned)


def make(data: Path, out: Path, corpus: CorpusConfig, manifest: Path, seed: int, each: int, new: bool) -> list[Planned]:
    """The set of `manifest` in `out`; where there is no manifest, or with `new`, one is drawn and written first."""
    sides = split(find(data, corpus), corpus)
    if new or not manifest.is_file():
        planned = plan(sides["validation"], seed, each)
        make_folder(manifest.parent)
        write_manifest(manifest, planned)
    else:
        planned = read_manifest(manifest)
    recordings = {recording.name: (side, recording.path) for side, found in sides.items() for recording in found}
    check(planned, {name: side for name, (side, _) in recordings.items()}, manifest, data)
    paths = {name: path for name, (_, path) in recordings.items()}
    return list(tqdm(write_set(planned, paths, out), total=len(planned), unit="mix", disable=None))


@click.command()
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of recordings, as for training.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that the set goes to.")
@click.option("--config", default=Path("config/train/speech.yaml"), type=click.Path(path_type=Path))
@click.option("--manifest", default=Path("data/validation/manifest.csv"), type=click.Path(path_type=Path))
@click.option("--new", is_flag=True, help="Draw a new set, even where there is a manifest, and overwrite that.")
@click.option("--seed", default=0, show_default=True, help="Of a new set.")
@click.option("--each", default=20, show_default=True, type=click.IntRange(1), help="Mixes a condition in a new set.")
def main(data: Path, out: Path, config: Path, manifest: Path, new: bool, seed: int, each: int) -> None:
    """Make the validation set from its manifest, or draw one."""
    try:
        planned = make(data, out, load_train_config(config).corpus, manifest, seed, each, new)
    except SepkitError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{len(planned)} mixes in {out}, from {manifest}")


if __name__ == "__main__":
    main()
