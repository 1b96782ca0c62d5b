"""What is tried: each kind of input, damaged, with the command that reads it."""

from __future__ import annotations

import random
import shutil
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.fuzz import mutate
from scripts.fuzz.seeds import CONFIG, RECORDS, RICH, Seeds
from sepkit.batch.journal import JOURNAL_NAME

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
NAMES = (
    "a.wav",
    "a.wav/b.wav",
    "sub/a.wav",
    "../a.wav",
    "/a.wav",
    "a\\b.wav",
    "n" * 6000 + ".wav",
    "d/" * 900 + "a.wav",
)


@dataclass(frozen=True)
class Case:
    """A command in a folder of its own. before: the bytes of every file in it that the command must not change."""

    kind: str
    folder: Path
    arguments: tuple[str, ...]
    before: dict[Path, bytes]

    def remove(self) -> None:
        """Take it away."""
        shutil.rmtree(self.folder, ignore_errors=True)


def lay(kind: str, chance: random.Random, seeds: Seeds, folder: Path) -> Case:
    """Make a case of one kind."""
    folder.mkdir()
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    arguments = LAID[kind](chance, seeds, folder)
    outputs = folder / "out"
    inputs = (path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(outputs))
    return Case(kind, folder, arguments, {path: path.read_bytes() for path in inputs})


def _media(chance: random.Random, seeds: Seeds, folder: Path) -> tuple[str, ...]:
    name = chance.choice(sorted(seeds.media))
    damaged = mutate.data(chance, seeds.media[name], list(seeds.media.values()))
    (folder / name).write_bytes(damaged)
    return "run", name, "-o", "out", "--config", "config.yaml"


def _config(chance: random.Random, seeds: Seeds, folder: Path) -> tuple[str, ...]:
    (folder / "a.wav").write_bytes(seeds.media["pcm16.wav"])
    (folder / "other.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "words.csv").write_text("path,words\na.wav,one two three\n", encoding="utf-8")
    damaged = mutate.text(chance, RICH).encode(errors="surrogatepass")
    if chance.random() < 0.2:
        damaged = mutate.data(chance, damaged, [damaged])
    (folder / "config.yaml").write_bytes(damaged)
    return "run", "a.wav", "-o", "out", "--config", "config.yaml"


def _record(chance: random.Random, seeds: Seeds, folder: Path) -> tuple[str, ...]:
    for name in ("in", "out"):
        shutil.copytree(seeds.batch / name, folder / name)
    record = folder / chance.choice(RECORDS)
    whole = record.read_bytes()
    damaged = mutate.text(chance, whole.decode()).encode(errors="surrogatepass")
    record.write_bytes(mutate.data(chance, whole, [whole]) if chance.random() < 0.4 else damaged)
    if record.name == JOURNAL_NAME:
        return "batch", "in", "out", "--config", "config.yaml"
    return "report", "out", "--no-masks"


def _zip(chance: random.Random, seeds: Seeds, folder: Path) -> tuple[str, ...]:
    path = folder / "d.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in chance.sample(NAMES if chance.random() < 0.3 else NAMES[:3], 2):
            archive.writestr(zipfile.ZipInfo(name), seeds.media["pcm16.wav"], chance.choice(METHODS))
    whole = path.read_bytes()
    if chance.random() < 0.8:
        path.write_bytes(mutate.data(chance, whole, [*seeds.media.values(), struct.pack("<4sI", b"PK\1\2", 0)]))
    return "batch", "d.zip", "out", "--config", "config.yaml"


def _weights(chance: random.Random, seeds: Seeds, folder: Path) -> tuple[str, ...]:
    (folder / "a.wav").write_bytes(seeds.media["pcm16.wav"])
    files = seeds.models[chance.choice(sorted(seeds.models))]
    spoilt = chance.choice(sorted(name for name in files if name != "config.yaml"))
    for name, content in files.items():
        damaged = content
        if name == spoilt and name.endswith(".yaml"):
            damaged = mutate.text(chance, content.decode()).encode(errors="surrogatepass")
        elif name == spoilt:
            damaged = mutate.data(chance, content, [content])
        (folder / name).write_bytes(damaged)
    return "run", "a.wav", "-o", "out", "--config", "config.yaml"


LAID: dict[str, Callable[[random.Random, Seeds, Path], tuple[str, ...]]] = {
    "media": _media,
    "config": _config,
    "record": _record,
    "zip": _zip,
    "weights": _weights,
}
KINDS = tuple(LAID)
