"""Recordings of single speakers, as `corpus` draws them: the kind is "speech", the group who speaks.

DIR/speech*/…, DIR/noise*/…       what `sepkit train speech` takes; a manifest.csv says who speaks
DIR/SPEAKER/…                     where there is no speech*: one folder a speaker, whatever lies below it
"""

from __future__ import annotations

from pathlib import Path

from sepkit.errors import ConfigError
from sepkit.training import corpus
from sepkit.training.config import CorpusConfig
from sepkit.training.corpus import Recording


def find(root: Path, config: CorpusConfig) -> list[Recording]:
    """Every recording of a voice, and of noise, in a fixed order, without those excluded."""
    if not root.is_dir():
        raise ConfigError(f"--data: {root} is no folder; give one with a folder a speaker, or one that holds speech/")
    found = [each for kind in ("speech", "noise") for each in corpus.find_kind(root, kind)]
    if not any(each.kind == "speech" for each in found):
        found += [each for path in sorted(root.iterdir()) if path.is_dir() for each in _of_speaker(path)]
    found = [each for each in found if not corpus.matches(each, config.exclude)]
    if len({each.group for each in found if each.kind == "speech"}) < 2:
        raise ConfigError(
            f"--data: {root} holds fewer than two speakers; give a folder with a folder a speaker, or one that holds "
            f"speech/ ({' '.join(corpus.AUDIO_SUFFIXES)})"
        )
    return found


def _of_speaker(folder: Path) -> list[Recording]:
    """What lies below one speaker's folder; `find_kind` also gives that of folders whose names go on."""
    below = (each for each in corpus.find_kind(folder.parent, folder.name) if each.name.startswith(f"{folder.name}/"))
    return [each._replace(kind="speech", source="speakers", group=folder.name) for each in below]
