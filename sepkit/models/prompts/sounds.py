"""The sounds that the embedded model knows, and how people ask for them: `sounds.yaml` beside this file.

Place: `meaning` compares a prompt with what is said here; networks that are asked by a prompt number the sounds so.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import yaml

_PATH = Path(__file__).with_name("sounds.yaml")


class Sound(NamedTuple):
    """label: the name in plain words, whose vector is the sound's. said: how people ask for it, without the name."""

    label: str
    said: tuple[str, ...]


def _read() -> tuple[dict[str, Sound], tuple[str, ...]]:
    # The loader in C reads the file in 4 ms of CPU instead of 25; wheels of PyYAML have it, builds from source may not.
    found = yaml.load(_PATH.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    known = {name: Sound(each["label"], tuple(each["said"])) for name, each in found["sounds"].items()}
    return known, tuple(found["others"])


KNOWN, OTHERS = _read()
"""Of each name what is said; and sounds and things that the model does not know."""
SOUNDS = tuple(KNOWN)
"""The 53 names: ESC-50's classes by their number, then speech, singing, music."""
