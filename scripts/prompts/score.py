"""How well prompts are understood: a list of prompts, each with the sound that it means, or none."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from sepkit.errors import SourceError
from sepkit.models.prompts import SOUNDS, understand
from sepkit.models.prompts.sounds import KNOWN, OTHERS


class Row(NamedTuple):
    """sound: of `SOUNDS`; empty where the prompt names none of them."""

    prompt: str
    sound: str


def read(path: Path) -> list[Row]:
    """A CSV with the columns `prompt` and `sound`, or `esc50_class` with underscores."""
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    if not found or "prompt" not in found[0] or not {"sound", "esc50_class"} & set(found[0]):
        raise SourceError(f"{path}: not a list of prompts; give a CSV with the columns prompt and sound")
    rows = [Row(each["prompt"], each.get("sound", each.get("esc50_class", "")).replace("_", " ")) for each in found]
    if unknown := {row.sound for row in rows} - {*SOUNDS, ""}:
        raise SourceError(f"{path}: unknown sounds {', '.join(sorted(unknown))}; allowed: {', '.join(SOUNDS)}")
    return rows


def bare(prompt: str) -> str:
    """A prompt without articles, hyphens and case: two that are equal so are one."""
    return " ".join(word for word in prompt.lower().replace("-", " ").split() if word not in ("a", "an", "the"))


def told() -> set[str]:
    """All phrases of `sounds.yaml`, bare."""
    known = {bare(phrase) for name, sound in KNOWN.items() for phrase in (name, *sound.said)}
    return known | {bare(phrase) for phrase in OTHERS}


def report(rows: list[Row]) -> str:
    """Shares of a list, and a line for each prompt that is taken for something else."""
    told_before = told()
    fresh = [row for row in rows if bare(row.prompt) not in told_before]
    wrong = []
    for row in rows:
        found = understand(row.prompt)
        mistaken = found.sound != row.sound if row.sound else found.near
        if mistaken or not (found.near or not row.sound):
            means = found.sound if found.near else f"({found.sound})"
            wrong.append(f"  {row.prompt!r}: {row.sound or 'none'} → {means} {found.similarity:.2f}")
    return "\n".join([_shares("all", rows), _shares("not word for word in sounds.yaml", fresh), *wrong])


def _shares(of: str, rows: list[Row]) -> str:
    named = [understand(row.prompt) for row in rows if row.sound]
    right = [row.sound == understand(row.prompt).sound for row in rows if row.sound]
    far = [not understand(row.prompt).near for row in rows if not row.sound]
    parts = []
    if named:
        parts.append(f"right sound {sum(right)} of {len(right)} ({sum(right) / len(right):.2f})")
        parts.append(f"said to be near {sum(each.near for each in named)} of {len(named)}")
    if far:
        parts.append(f"of those that name none, said to be far {sum(far)} of {len(far)}")
    return f"{of}: {'; '.join(parts)}"
