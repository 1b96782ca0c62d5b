"""Make a set of mixes whose parts are known, for `sepkit compare` and `scripts.bench quality`.

    python -m scripts.make_mixes --speech DIR --music DIR [--noise DIR] --snr -5 --snr 0 --seed 1 --each 20 --out OUT
    python -m scripts.make_mixes --esc50 DIR --seed 1 --each 200 --out OUT
    python -m scripts.make_mixes --voices DIR --seed 1 --each 40 --out OUT
    python -m scripts.make_mixes --scenes DIR --seed 1 --each 20 --out OUT
    python -m scripts.make_mixes --data DIR --out OUT [--new]

The first form takes any folders (`scripts.mixes.folders`). The second makes a set for `task: edit`
(`scripts.mixes.sounds`), the third one for `task: speakers` (`scripts.mixes.voices`), the fourth one of voices in a
room, over music, and in a crowd (`scripts.mixes.scenes`). The last makes the validation set, of unseen speakers,
composers and sources:

    recordings set aside ─ excerpts of 8 s ─ level ─ 24 bit ─ OUT/speech + OUT/background = OUT/mix, OUT/manifest.csv

DIR is the folder of a training run (see `sepkit.training.corpus`), of which only what the configuration sets aside for
validation is used. Which excerpts meet is drawn once, by the seed, and stands in the manifest, from which anybody with
the same recordings makes the same set. Nothing is augmented. All files are 16 kHz mono.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
import numpy as np
import soundfile
from tqdm import tqdm

from scripts.mixes.excerpts import EXCERPT_S, Deck, Signal, cut, length_s, read
from scripts.mixes.folders import plan_folders, recordings_below
from scripts.mixes.levels import levelled
from scripts.mixes.manifest import CONDITIONS, PARTS, Excerpt, Planned, read_manifest, write_manifest
from scripts.mixes.scenes import HEARD, plan_scenes, write_scenes
from scripts.mixes.scenes import recordings_of as recordings_of_scenes
from scripts.mixes.sounds import clips_of, plan_sounds, write_sounds
from scripts.mixes.voices import plan_voices, recordings_of, write_voices
from sepkit.errors import ConfigError, SepkitError
from sepkit.files.whole_file import make_folder
from sepkit.training.config import CorpusConfig, load_train_config
from sepkit.training.corpus import SAMPLE_RATE, Recording, find, split
from sepkit.training.mixes import active_level
from sepkit.training.speakers_config import load_speakers_config

SOURCES = {
    "speech": ("speech/read", "speech/read", "speech_many"),
    "music": ("music",),
    "noise": ("noise/other", "noise/esc50"),
    "singing": ("singing",),
}
"""Recordings only, nothing synthesised. Excerpts take these in turn, about by how many groups each holds aside."""

LEAST_S = {"noise": 3.0}
"""Shorter recordings are not drawn. Elsewhere a whole excerpt is asked for; of noises, too few are that long, so a
shorter one is repeated."""
CONFIG, VOICES_CONFIG = Path("config/train/deepfilternet.yaml"), Path("config/train/speakers.yaml")
LEVELS_DB = (-5.0, 0.0, 5.0, 10.0)
"""The speech's level over the background, where --snr says nothing."""


def plan(aside: Iterable[Recording], seed: int, each: int) -> list[Planned]:
    """Draw a set from the recordings set aside. Every level of music takes the same pairs, so that levels compare."""
    rng = np.random.default_rng(seed)
    decks: dict[str, Deck] = {}
    by_source: dict[str, list[Recording]] = {}
    for recording in aside:
        by_source.setdefault(recording.source, []).append(recording)
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
    speech, background = levelled(speech, background)
    return {"mix": speech + background, "speech": speech, "background": background}


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


def make_from_folders(
    folders: dict[str, Path], levels_db: Sequence[float], seed: int, each: int, excerpt_s: float, out: Path
) -> list[Planned]:
    """A set of speech over music and over noise at every level, and of clean speech."""
    least_s = {kind: min(LEAST_S.get(kind, excerpt_s), excerpt_s) for kind in folders}
    found = {kind: recordings_below(folder, kind, least_s[kind]) for kind, folder in folders.items()}
    planned = plan_folders(found, levels_db, seed, each, excerpt_s)
    paths = {recording.name: recording.path for recordings in found.values() for recording in recordings}
    return list(tqdm(write_set(planned, paths, out), total=len(planned), unit="mix", disable=None))


def make_of_sounds(esc50: Path, seed: int, each: int, out: Path) -> int:
    """A set of two sounds at a time; returns how many mixes."""
    planned = plan_sounds(clips_of(esc50), seed, each)
    return len(list(tqdm(write_sounds(planned, out), total=len(planned), unit="mix", disable=None)))


def make_of_voices(data: Path, config: CorpusConfig, seed: int, each: int, out: Path) -> int:
    """A set of two voices at a time; returns how many mixes."""
    found = recordings_of(data, config)
    if not found["noise"]:
        click.echo(f"note: no mixes with noise: {data} holds none in noise/", err=True)
    if not found["said"]:
        click.echo(f"note: no words: {data} has no transcripts of two readers that are set aside", err=True)
    planned = plan_voices(found, seed, each)
    paths = {recording.name: recording.path for kind in found.values() for recording in kind}
    return len(list(tqdm(write_voices(planned, paths, out), total=len(planned), unit="mix", disable=None)))


def make_of_scenes(data: Path, config: Path | None, seed: int, each: int, out: Path) -> int:
    """A set of voices in a room, over music and in a crowd; returns how many mixes."""
    said = shutil.which("flite") is not None
    if not said:
        click.echo("note: no words: flite is not installed; on Debian: apt-get install flite", err=True)
    corpus = load_train_config(config or CONFIG).corpus
    found = recordings_of_scenes(data, corpus, () if config else HEARD)
    planned = plan_scenes(found, seed, each, said)
    paths = {recording.name: recording.path for kind in found.values() for recording in kind}
    return len(list(tqdm(write_scenes(planned, paths, out), total=len(planned), unit="mix", disable=None)))


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Folder of recordings, as for training.")
@click.option("--speech", type=click.Path(path_type=Path), help="Instead of --data: a folder of speech, and …")
@click.option("--music", type=click.Path(path_type=Path), help="… one of music, …")
@click.option("--noise", type=click.Path(path_type=Path), help="… one of noise, or both.")
@click.option("--esc50", type=click.Path(path_type=Path), help="Or ESC-50's folder: a set for `task: edit`.")
@click.option("--voices", type=click.Path(path_type=Path), help="Or readers, as for `sepkit train speakers`.")
@click.option("--scenes", type=click.Path(path_type=Path), help="Or a folder as --data: a room, music, a crowd.")
@click.option("--snr", multiple=True, type=float, help="With --speech: dB, again for each [default: -5, 0, 5, 10].")
@click.option("--excerpt-s", default=EXCERPT_S, show_default=True, type=click.FloatRange(1, 60), help="With --speech.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that the set goes to.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help=f"What sets recordings aside [default: {CONFIG}; of --voices: {VOICES_CONFIG}].",
)
@click.option("--manifest", default=Path("data/validation/manifest.csv"), type=click.Path(path_type=Path))
@click.option("--new", is_flag=True, help="Draw a new set, even where there is a manifest, and overwrite that.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of a new set.")
@click.option(
    "--each",
    default=20,
    show_default=True,
    type=click.IntRange(1),
    help="Mixes a condition in a new set; of --esc50: in all.",
)
def main(
    data: Path | None,
    speech: Path | None,
    music: Path | None,
    noise: Path | None,
    esc50: Path | None,
    voices: Path | None,
    scenes: Path | None,
    snr: tuple[float, ...],
    excerpt_s: float,
    out: Path,
    config: Path | None,
    manifest: Path,
    new: bool,
    seed: int,
    each: int,
) -> None:
    """Make a set from folders of speech, music and noise, of ESC-50, of voices, of scenes, or of the manifest."""
    given = {"speech": speech, "music": music, "noise": noise}
    folders = {kind: folder for kind, folder in given.items() if folder}
    if sum(map(bool, (data, folders, esc50, voices, scenes))) != 1 or (folders and (not speech or len(folders) < 2)):
        raise click.UsageError(
            "give --speech with --music or --noise (or both), or one of --esc50, --voices, --scenes, --data"
        )
    try:
        if data:
            mixes = len(make(data, out, load_train_config(config or CONFIG).corpus, manifest, seed, each, new))
        else:
            manifest = out / "manifest.csv"
            if esc50:
                mixes = make_of_sounds(esc50, seed, each, out)
            elif scenes:
                mixes = make_of_scenes(scenes, config, seed, each, out)
            elif voices:
                aside = load_speakers_config(config or VOICES_CONFIG).corpus
                mixes = make_of_voices(voices, aside, seed, each, out)
            else:
                mixes = len(make_from_folders(folders, snr or LEVELS_DB, seed, each, excerpt_s, out))
    except SepkitError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{mixes} mixes in {out}, from {manifest}")
