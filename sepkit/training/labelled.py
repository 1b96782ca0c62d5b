"""Recordings with a label each, as `corpus` draws them: a kind is a label.

    DIR/audio/…, DIR/meta/esc50.csv                ESC-50 as it is published (filename, fold, category)
    DIR/**/esc50.csv, files in the folder esc50    a part of it (file, fold, class_name)
    DIR/speech/…, music/…, singing/…               what `sepkit train speech` takes, labels of their own beside ESC-50
    DIR/LABEL/…                                    where there is no esc50.csv: any folder of labelled sounds, dog_bark/

The group of a clip of ESC-50 is its fold ("esc50 fold 5"), so that folds are set aside whole; elsewhere it is what
`corpus` says.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from sepkit.errors import ConfigError
from sepkit.training import corpus
from sepkit.training.config import CorpusConfig
from sepkit.training.corpus import Recording

BESIDE = ("speech", "singing", "music")
"""Labels that stand beside ESC-50's, by the folder's name."""
FILE_COLUMNS, LABEL_COLUMNS = ("filename", "file"), ("category", "class_name")


def find(root: Path, config: CorpusConfig) -> list[Recording]:
    """Every labelled recording below `root`, in a fixed order, without those excluded."""
    if not root.is_dir():
        raise ConfigError(f"--data: {root} is no folder; give ESC-50's, or one with a folder a label")
    tables = sorted(root.rglob("esc50.csv"))
    if tables:
        found = [row for table in tables for row in _listed(table, root)]
        found += [each for label in BESIDE for each in corpus.find_kind(root, label)]
    else:
        found = [each for path in sorted(root.iterdir()) if path.is_dir() for each in _below(path)]
    found = [each for each in found if not corpus.matches(each, config.exclude)]
    if len({each.kind for each in found}) < 2:
        raise ConfigError(
            f"--data: {root} holds fewer than two labels; give ESC-50's folder, or one with a folder a label"
        )
    return found


def _below(folder: Path) -> Iterator[Recording]:
    """The recordings of one label's folder. Of "dog", those in the folder "dog_bark" have a label of their own."""
    for each in corpus.find_kind(folder.parent, folder.name):
        if each.name.startswith(f"{folder.name}/"):
            yield each._replace(kind=folder.name.replace("_", " "))


def _listed(table: Path, root: Path) -> Iterator[Recording]:
    """What an esc50.csv lists, where its file is there."""
    folder = table.parent.parent / "audio" if table.parent.name == "meta" else table.parent / "esc50"
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        names = set(rows.fieldnames or ())
        columns = [next((name for name in known if name in names), None) for known in (FILE_COLUMNS, LABEL_COLUMNS)]
        if None in columns or "fold" not in names:
            raise ConfigError(
                f"{table}: needs the columns filename, fold and category, found {', '.join(sorted(names)) or 'nothing'}"
            )
        for row in rows:
            path = folder / row[str(columns[0])]
            if path.is_file():
                label = row[str(columns[1])].replace("_", " ")
                yield Recording(label, "esc50", f"esc50 fold {row['fold']}", path.relative_to(root).as_posix(), path)
