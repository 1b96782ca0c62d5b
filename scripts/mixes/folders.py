"""A plan of mixes from any folders of speech, music and noise: `python -m scripts.make_mixes --speech …`.

Folders are searched to the bottom for whatever sepkit reads. A group is the folder that holds a file, or, for files
directly in the folder given, what stands before "__" in their name; each group comes once before any comes again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from scripts.mixes.excerpts import EXCERPT_S, Deck
from scripts.mixes.manifest import Planned
from sepkit.audio.read import probe
from sepkit.errors import ConfigError, SourceError
from sepkit.files.naming import shown
from sepkit.training.corpus import SAMPLE_RATE, Recording


def recordings_below(folder: Path, kind: str, least_s: float) -> list[Recording]:
    """Every recording of at least `least_s` below a folder, in a fixed order; what is no sound is passed over."""
    if not folder.is_dir():
        raise ConfigError(f"--{kind}: {shown(folder)} is no folder; give one that holds recordings")
    found = []
    for place, folders, files in os.walk(folder, followlinks=True):
        folders.sort()
        for path in (Path(place) / file for file in sorted(files) if not file.startswith(".")):
            if duration_s(path) >= least_s:
                inside = path.relative_to(folder)
                group = inside.parent.as_posix() if len(inside.parts) > 1 else path.stem.split("__")[0]
                found.append(Recording(kind, "", group, f"{kind}/{inside.as_posix()}", path))
    if not found:
        raise ConfigError(f"--{kind}: {shown(folder)} holds no recording of at least {least_s:g} s; put some there")
    return found


def plan_folders(
    found: Mapping[str, Sequence[Recording]],
    levels_db: Sequence[float],
    seed: int,
    each: int,
    excerpt_s: float = EXCERPT_S,
) -> list[Planned]:
    """`each` pairs of speech with every other kind, the same pairs at every level; and as much clean speech."""
    rng, frames = np.random.default_rng(seed), round(excerpt_s * SAMPLE_RATE)
    decks = {kind: Deck(recordings, rng, excerpt_s) for kind, recordings in found.items()}
    planned = []
    for kind in (kind for kind in found if kind != "speech"):
        pairs = [(decks["speech"].draw(), decks[kind].draw()) for _ in range(each)]
        for level_db in dict.fromkeys(levels_db):
            planned += [
                Planned(f"{kind}_{level_db:g}dB_{index:02d}", kind, level_db, speech, (background,), frames)
                for index, (speech, background) in enumerate(pairs)
            ]
    clean = [decks["speech"].draw() for _ in range(each)]
    return planned + [
        Planned(f"clean_{index:02d}", "clean", None, speech, (), frames) for index, speech in enumerate(clean)
    ]


def duration_s(path: Path) -> float:
    """0 for what is no sound."""
    try:
        return probe(path).duration_s
    except SourceError:
        return 0.0
