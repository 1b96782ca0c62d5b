"""How well `sepkit detect` hears: `python -m scripts.bench detect --set SET`, a set of `make_mixes --esc50`.

Each mix holds two sounds, which its manifest names. A sound counts as found where an event of it is; whatever else is
found is wrong, though many clips of ESC-50 hold more than their label says.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from scripts.bench.measuring import table
from sepkit.audio.read import Source, open_source
from sepkit.models import events, prompts

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def run(folder: Path) -> str:
    """Precision, recall and F1 of the sounds of all mixes, for each confidence that can be asked for."""
    from sepkit.models.prompted import hearing, weights

    listener, counts = hearing.listener(weights.load("cpu")), {least: [0, 0, 0] for least in THRESHOLDS}
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        there = {prompts.understand(row[name]).sound for name in ("prompt", "other_prompt")}
        with open_source(next((folder / "mix").glob(f"{row['name']}.*"))) as source:
            span = (0, source.info.frames)
            once = replace(listener, hear=_again(list(listener.hear(source, span))))
            for least, count in counts.items():
                found = {event.sound for event in events.detect(once, source, least, (), [span])}
                for place, number in enumerate((len(found & there), len(found), len(there))):
                    count[place] += number
    lines = [(f"{least:g}", *_scores(*count)) for least, count in counts.items()]
    return table(
        [f"confidence, {len(rows)} mixes", "precision", "recall", "F1", "sounds a mix"],
        [(*line, counts[least][1] / len(rows)) for line, least in zip(lines, counts, strict=True)],
    )


def _again(heard: list[events.Heard]) -> Callable[[Source, tuple[int, int]], Iterator[events.Heard]]:
    """What was heard, for each threshold: the network runs once a mix."""
    return lambda source, span: iter(heard)


def _scores(right: int, found: int, there: int) -> tuple[float, float, float]:
    precision, recall = right / max(found, 1), right / there
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)
