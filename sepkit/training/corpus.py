"""The recordings to train on: found in folders, split by speaker and piece, decoded once to 16 kHz mono.

    DIR/speech/…  DIR/music/…  DIR/noise/…  DIR/singing/…       whatever lies below, in any format sepkit reads
    DIR/speech_<more>/…                                         likewise, as for the other kinds

The folder just below a kind is a *source* (`speech/librispeech`; for files directly in a folder, that folder: `music`,
`speech_many`); sources are drawn from by share, so that a large one does not drown a small one. A *group* is what must
never be on both sides of the split: a speaker, a piece, a composer. It stands in a `manifest.csv` (columns `file`,
relative to the manifest, and `group`) anywhere above the file, or else is the folder that holds the file, or, for files
directly in a source, what stands before "__" in their name.
"""

from __future__ import annotations

import csv
import fnmatch
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio import resample
from sepkit.audio.read import read_audio
from sepkit.errors import ConfigError, SourceError
from sepkit.training.config import CorpusConfig

SAMPLE_RATE = 16000
KINDS = ("speech", "music", "noise", "singing")
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aiff", ".aif", ".mp4", ".webm")
SHORTEST_FRAMES = SAMPLE_RATE // 4
SILENT_PEAK = 1e-3
"""A recording that never gets louder teaches nothing."""

Side = Literal["train", "validation"]


class Recording(NamedTuple):
    """One file. name: "speech/…/file", which identifies it; path: where it lies."""

    kind: str
    source: str
    group: str
    name: str
    path: Path


class Corpus:
    """Decoded recordings of one side of the split, to be drawn from by kind, source, group."""

    def __init__(self, recordings: Iterable[Recording], cache: Path, shares: dict[str, float]) -> None:
        self.groups: dict[str, dict[str, dict[str, list[Path]]]] = {}
        for recording in recordings:
            sources = self.groups.setdefault(recording.kind, {})
            decoded = sources.setdefault(recording.source, {}).setdefault(recording.group, [])
            decoded.append(_cached(cache, recording))
        self.sources: dict[str, tuple[list[str], NDArray[np.float64]]] = {}
        for kind, sources in self.groups.items():
            names = sorted(sources)
            weights = np.array([shares.get(name, 1.0) for name in names])
            if weights.sum() > 0:
                self.sources[kind] = names, weights / weights.sum()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that there is something of."""
        return tuple(self.sources)

    def draw_group(self, kind: str, rng: np.random.Generator) -> list[Path]:
        """The files of one group: a source by its share, then each group of it alike."""
        names, weights = self.sources[kind]
        groups = self.groups[kind][names[rng.choice(len(names), p=weights)]]
        return groups[sorted(groups)[rng.integers(len(groups))]]

    def read(self, path: Path, start: int, frames: int) -> NDArray[np.float32]:
        """Up to `frames` samples (frames,) of a decoded file, full scale ±1."""
        stored = np.load(path, mmap_mode="r")
        return np.asarray(stored[start : start + frames], np.float32) / np.float32(32768)

    def frames(self, path: Path) -> int:
        """How long a decoded file is."""
        return int(np.load(path, mmap_mode="r").size)


def find(root: Path, config: CorpusConfig) -> list[Recording]:
    """Every recording below `root`, in a fixed order, without those excluded."""
    if not root.is_dir():
        raise ConfigError(f"--data: {root} is no folder; give one that holds {', '.join(KINDS)}")
    found = [
        recording for kind in KINDS for recording in find_kind(root, kind) if not matches(recording, config.exclude)
    ]
    if not any(recording.kind == "speech" for recording in found):
        raise ConfigError(f"--data: {root / 'speech'} holds no audio; put speech there ({' '.join(AUDIO_SUFFIXES)})")
    if not any(recording.kind != "speech" for recording in found):
        raise ConfigError(f"--data: {root} holds no background; put audio into music, noise or singing")
    return found


def split(recordings: Iterable[Recording], config: CorpusConfig) -> dict[Side, list[Recording]]:
    """Both sides, without those of `tested`. A group is on one side only, and always on the same, whatever else the
    folders hold.
    """
    recordings = list(recordings)
    judged = {recording.group for recording in tested(recordings, config)}
    recordings = [recording for recording in recordings if recording.group not in judged]
    aside = {
        recording.group
        for recording in recordings
        if matches(recording, config.validation) or _hash_part(recording.group) < config.validation_part
    }
    sides: dict[Side, list[Recording]] = {"train": [], "validation": []}
    for recording in recordings:
        sides["validation" if recording.group in aside else "train"].append(recording)
    return sides


def tested(recordings: Iterable[Recording], config: CorpusConfig) -> list[Recording]:
    """What is set aside for judging, with everything else of its groups."""
    recordings = list(recordings)
    groups = {recording.group for recording in recordings if matches(recording, config.test)}
    return [recording for recording in recordings if recording.group in groups]


def decode(
    recordings: Iterable[Recording], cache: Path, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> list[Recording]:
    """Decode what is not yet in `cache`; returns what can be used: neither too short nor silent nor unreadable."""
    recordings = list(recordings)
    cache.mkdir(parents=True, exist_ok=True)
    todo = [(recording.path, _cached(cache, recording)) for recording in recordings]
    todo = [(path, target) for path, target in todo if not target.is_file()]
    with ProcessPoolExecutor(max(1, workers)) as pool:
        for done, _ in enumerate(pool.map(_decode_one, *zip(*todo, strict=True), chunksize=4) if todo else (), 1):
            if progress:
                progress(done, len(todo))
    return [recording for recording in recordings if np.load(_cached(cache, recording), mmap_mode="r").size]


def _decode_one(path: Path, target: Path) -> None:
    """One file to int16 at 16 kHz; what cannot be used becomes an empty array, so that it is not tried again."""
    samples = np.zeros(0, np.float32)
    try:
        audio = read_audio(path)
        samples = resample.resample(audio.mono(), audio.sample_rate, SAMPLE_RATE)[0]
    except SourceError as error:
        import warnings

        warnings.warn(f"left out: {error}", stacklevel=1)
    if samples.size < SHORTEST_FRAMES or np.abs(samples).max(initial=0) < SILENT_PEAK:
        samples = samples[:0]
    peak = float(np.abs(samples).max(initial=0))
    scaled = samples * (32767 / max(peak, 1.0))
    partial = target.with_suffix(f".{os.getpid()}.partial.npy")
    np.save(partial, np.rint(scaled).astype(np.int16))
    partial.replace(target)


def find_kind(root: Path, kind: str) -> Iterator[Recording]:
    """The recordings of one kind below `root`, by name. Links to folders are followed: a corpus may consist of them."""
    groups: dict[Path, dict[str, str]] = {}
    tops = sorted(top for top in root.iterdir() if top.name == kind or top.name.startswith(f"{kind}_"))
    for folder, folders, files in (step for top in tops for step in os.walk(top, followlinks=True)):
        folders.sort()
        for file in sorted(files):
            path = Path(folder) / file
            if path.suffix.lower() not in AUDIO_SUFFIXES:
                continue
            inside = path.relative_to(root)
            source = "/".join(inside.parts[:-1][:2])
            group = _manifest_group(path, root, groups)
            if group is None:
                group = path.stem.split("__")[0] if len(inside.parts) <= 3 else "/".join(inside.parts[1:-1])
            yield Recording(kind, source, group, inside.as_posix(), path)


def _manifest_group(path: Path, root: Path, read: dict[Path, dict[str, str]]) -> str | None:
    """The group that the nearest manifest gives the file."""
    for folder in path.parents:
        if folder not in read:
            read[folder] = _read_manifest(folder / "manifest.csv")
        group = read[folder].get(path.relative_to(folder).as_posix())
        if group is not None or folder == root:
            return group
    return None


def _read_manifest(path: Path) -> dict[str, str]:
    """file → group."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if not {"file", "group"} <= set(rows.fieldnames or ()):
            raise ConfigError(f"{path}: needs the columns 'file' and 'group', found {rows.fieldnames}")
        return {row["file"]: row["group"] for row in rows}


def matches(recording: Recording, patterns: Iterable[str]) -> bool:
    """Whether a glob fits the recording's name or group."""
    return any(fnmatch.fnmatch(text, pattern) for pattern in patterns for text in (recording.name, recording.group))


def _hash_part(text: str) -> float:
    """A number in 0 … 1 that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def _cached(cache: Path, recording: Recording) -> Path:
    """Where the decoded file lies: a changed original gets another name."""
    stat = recording.path.stat()
    identity = f"{recording.name}:{stat.st_size}:{stat.st_mtime_ns}"
    return cache / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.npy"
