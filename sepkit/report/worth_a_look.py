"""Which files of a large batch get a page of their own: those that somebody should look at, and some by chance.

    in quarantine ─── the worst, metric by metric in turn ─┐
    all others ────── the worst, metric by metric in turn ─┴─ nine tenths
    what is left ──── by lot ──────────────────────────────── a tenth

"The worst" has two halves for each metric: the results themselves, and what rendering changed in them. The lots follow
from the seed and a file's path alone: the same batch always gives the same files, and a file more moves few of them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Literal

BY_LOT = 10
"""One page in so many goes to a file that nothing speaks for: the worst alone would not show what is usual."""

FileRow = Mapping[str, Any]
"""A file as report.json has it."""


def worth_a_look(rows: Sequence[FileRow], pages: int | Literal["all"], seed: int) -> set[str]:
    """The paths of as many files as `pages` says, or of all that there are; a file without outputs can have no page."""
    finished = sorted((row for row in rows if row["outputs"]), key=lambda row: str(row["path"]))
    paths: list[str] = [row["path"] for row in finished]
    if pages == "all" or len(paths) <= pages:
        return set(paths)
    held = [row for row in finished if row["verdict"] == "quarantined"]
    others = [row for row in finished if row["verdict"] != "quarantined"]
    by_cause = chain(_in_turn(_rankings(held)), (row["path"] for row in held), _in_turn(_rankings(others)))
    found = set(islice(dict.fromkeys(by_cause), pages - pages // BY_LOT))
    by_lot = sorted((path for path in paths if path not in found), key=lambda path: _lot(path, seed))
    return found.union(by_lot[: pages - len(found)])


def _rankings(rows: Sequence[FileRow]) -> Iterator[list[str]]:
    """For each metric that has a better side, the paths from the worst result on, and from the worst change on."""
    named = {name: score["better"] for row in rows for name, score in row["metrics"].items()}
    for name, better in named.items():
        if better == "neither":
            continue
        sign = -1 if better == "higher" else 1
        scores = [(row["path"], row["metrics"][name]) for row in rows if _says_something(row["metrics"].get(name))]
        after = [(path, sign * score["after"]) for path, score in scores]
        change = [(path, sign * (score["after"] - score["before"])) for path, score in scores if _has(score, "before")]
        yield from (_worst_first(after), _worst_first(change))


def _worst_first(badness: Sequence[tuple[str, float]]) -> list[str]:
    """Without those that are as good as the best: of 10,000 files that do not clip, none is the worst."""
    best = min((value for _, value in badness), default=0.0)
    return [path for path, value in sorted(badness, key=lambda each: -each[1]) if value > best]


def _in_turn(rankings: Iterator[list[str]]) -> Iterator[str]:
    """The first of each, the second of each, and so on; whom another has named already is passed over."""
    waiting, seen = [iter(ranking) for ranking in rankings], set[str]()
    while waiting:
        for ranking in tuple(waiting):
            path = next((each for each in ranking if each not in seen), None)
            if path is None:
                waiting.remove(ranking)
            else:
                seen.add(path)
                yield path


def _says_something(score: Mapping[str, Any] | None) -> bool:
    return score is not None and score.get("basis") != "no speech" and _has(score, "after")


def _has(score: Mapping[str, Any], side: str) -> bool:
    return score.get(side) is not None


def _lot(path: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} ".encode() + os.fsencode(path)).digest()
