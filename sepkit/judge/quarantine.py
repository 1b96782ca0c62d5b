"""Where a file that fails the gate goes: OUT_DIR/quarantine, mirrored, with its reasons beside it.

A file lies in its place or in quarantine, not in both: what an earlier run left in the other one goes when the new
result has arrived. Only what is known to be as sepkit wrote it goes. All else may be somebody's work: it stays, and
where its place is needed it is set aside. Both are said.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from sepkit.errors import OutputError
from sepkit.files.appear import appearing
from sepkit.files.aside import WHY, kept_note, set_aside
from sepkit.files.digest import sha256_if_readable, sha256_of
from sepkit.files.naming import fitted_name, real, shown
from sepkit.files.whole_file import cannot_write, make_folder
from sepkit.judge.verdict import Judged
from sepkit.render.pipeline import Pipeline
from sepkit.render.result import Outputs

FOLDER = "quarantine"
REASONS_SUFFIX = "__reasons.txt"


class Places(NamedTuple):
    """Where a file's results may go: their own place, or quarantine with the reasons.

    reasons_before: what the reasons were called before they had the source's full name. unwritten: the names of stems
    that the configuration does not write; another one, or another task, may have. stale, held_stale: what an earlier
    run may have left, to go where the file ends in its place, or in quarantine. ours: what may be removed or replaced,
    each with what its bytes must hash to. optional: the names of stems of which there may be no file.
    """

    own: Outputs
    held: Outputs
    reasons: Path
    reasons_before: Path
    unwritten: tuple[Path, ...] = ()
    stale: tuple[Path, ...] = ()
    held_stale: tuple[Path, ...] = ()
    ours: frozenset[tuple[Path, str | None]] = frozenset()
    optional: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, pipeline: Pipeline, source: Path, outputs: Outputs, out: Path, name: str = "", front: str = ""
    ) -> Places:
        """Of a source whose results are `outputs`, in `out` or below it.

        name: how the names of its results begin; the source's own where it is left out. front: the same where the user
        named the result.
        """
        name, folder = name or source.stem, next(iter(outputs.values())).parent
        held = {name: out / FOLDER / path.relative_to(out) for name, path in outputs.items()}
        beside = next(iter(held.values())).parent
        documents = dict(pipeline.task.documents())
        containers = dict.fromkeys(path.suffix for stem, path in outputs.items() if stem not in documents)
        reasons, before = (beside / fitted_name(front, REASONS_SUFFIX) for front in (name + source.suffix, name))
        endings = [suffix + container for container in containers for suffix in pipeline.suffixes]
        possible = [folder / fitted_name(front or name, ending) for ending in endings]
        unwritten = [path for path in possible if path not in outputs.values()]
        optional = frozenset(stem.name for stem in pipeline.task.stems() if stem.optional)
        return cls(outputs, held, reasons, before, tuple(unwritten), optional=optional)

    def files(self, quarantined: bool, stems: Collection[str] | None = None) -> list[Path]:
        """What a finished file leaves, in the journal's order. stems: of these; None: of all that there can be."""
        found = [
            path
            for name, path in (self.held if quarantined else self.own).items()
            if stems is None or name in stems or name not in self.optional
        ]
        return [*found, self.reasons] if quarantined else found

    def possible_files(self, gated: bool) -> list[Path]:
        """What may be written: without a gate nothing is quarantined."""
        return [*self.files(False), *(self.files(True) if gated else [])]

    def stay_inside(self, out: Path, gated: bool) -> None:
        """A link in an old OUT_DIR must not carry an output to another place."""
        for folder in {path.parent for path in self.possible_files(gated)}:
            if not real(folder).is_relative_to(real(out)):
                raise OutputError(
                    f"{shown(folder)}: a link leads out of {shown(out)}; remove the link or give another OUT_DIR"
                )


@dataclass(frozen=True)
class Arrival:
    """A file on its way: where it lies, and where it belongs."""

    here: Path
    there: Path

    @cached_property
    def sha256(self) -> str:
        """What its bytes hash to; hours of sound take seconds, so nobody hashes them who need not."""
        return sha256_of(self.here if self.here.exists() else self.there)

    def is_there(self) -> bool:
        """Whether what lies in its place is the same already."""
        if not self.there.is_file() or self.there.is_symlink():
            return False
        return sha256_if_readable(self.there) == self.sha256


Announce = Callable[[Sequence[Arrival]], None]
"""Told what will be moved, before the first is."""


class Settled(NamedTuple):
    """The files that a source has left, and what they are. Of an earlier run: what is gone, what stays, what was set
    aside, and as what.

    What has only changed its place is not among them.
    """

    files: list[Arrival]
    stems: Outputs
    removed: list[Path]
    kept: list[Path]
    aside: list[tuple[Path, Path]]

    def notes(self, named: Callable[[Path], str]) -> list[str]:
        """A sentence for each. named: how a path is shown."""
        return [
            *(f"removed {named(path)}, which is not written any more" for path in self.removed),
            *(f"an older {named(path)} stays beside the new result, {WHY}" for path in self.kept),
            *(kept_note(named(path), named(aside)) for path, aside in self.aside),
        ]


def staged(outputs: Outputs, work: Path) -> Outputs:
    """The same results under `work`, until their verdict is known."""
    return {name: work / path.name for name, path in outputs.items()}


def settle(
    rendered: Outputs, judged: Judged, places: Places, out: Path, announce: Announce = lambda coming: None
) -> Settled:
    """Bring what was rendered to where its verdict sends it, below `out`."""
    quarantined = judged.verdict == "quarantined"
    stems = {
        name: there
        for name, there in (places.held if quarantined else places.own).items()
        if name not in places.optional or rendered[name].exists()
    }
    moves = {there: rendered[name] for name, there in stems.items()}
    if quarantined:
        moves[places.reasons] = _written(judged.reasons, next(iter(rendered.values())).parent / places.reasons.name)
    arrivals = [Arrival(here, there) for there, here in moves.items()]
    # The reasons first: with them, what a kill leaves in quarantine is known to be of one.
    coming = [each for each in reversed(arrivals) if not each.is_there()]
    announce(coming)
    aside = [(each.there, free) for each in coming if (free := _bring(each, places))]
    removed, kept = _clear(set(places.held_stale if quarantined else places.stale) - set(moves), places, out)
    moved = {*places.files(not quarantined), places.reasons_before}
    return Settled(arrivals, stems, [path for path in removed if path not in moved], kept, aside)


def _written(reasons: Iterable[str], path: Path) -> Path:
    with appearing(path) as temporary:
        temporary.write_text("".join(f"{reason}\n" for reason in reasons), encoding="utf-8")
    return path


def _bring(arrival: Arrival, places: Places) -> Path | None:
    """Move a file to its place; returns where the one is kept that lay there and may not be replaced."""
    there, aside = arrival.there, None
    make_folder(there.parent)
    if os.path.lexists(there) and not there.is_dir() and not _is_ours(there, places):
        aside = set_aside(there)
    _move(arrival.here, there)
    return aside


def _clear(stale: Iterable[Path], places: Places, out: Path) -> tuple[list[Path], list[Path]]:
    """Remove those that are ours; returns what was removed, and what stays."""
    there = [path for path in sorted(stale) if os.path.lexists(path)]  # names too long for any disk are not
    found = [path for path in there if path.is_file() or path.is_symlink()]
    ours = [path for path in found if _is_ours(path, places)]
    for path in ours:
        remove(path, out / FOLDER)
    return ours, [path for path in found if path not in ours]


def _is_ours(path: Path, places: Places) -> bool:
    return (path, sha256_if_readable(path)) in places.ours


def leftovers(places: Places, earlier: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """What an earlier run may have left: for a file that ends in its place, and for one that ends in quarantine.

    earlier: what the journal says the file left, perhaps under other names. Without reasons beside it, nothing in
    the folder is known to be from a quarantine: a source may lie in a folder of that name.
    """
    known = [*earlier, *places.unwritten]
    in_quarantine: list[Path] = []
    held = [*places.held.values(), *(places.reasons.parent / path.name for path in places.unwritten)]
    with suppress(OSError):  # a folder that cannot be read is named when it is written to
        if places.reasons.is_file():
            in_quarantine += [*held, places.reasons]
        if places.reasons_before.is_file() and any(path.is_file() for path in places.held.values()):
            in_quarantine += [*held, places.reasons_before]
    return [*in_quarantine, *known], [*places.files(False), *in_quarantine, *known]


def remove(path: Path, quarantine: Path) -> None:
    """Remove a file, and the folders of the quarantine that it leaves empty."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
    with suppress(OSError):  # the first that is not empty
        for folder in path.parents:
            if not folder.is_relative_to(quarantine):
                break
            folder.rmdir()


def _move(here: Path, there: Path) -> None:
    if there.is_dir():
        raise OutputError(f"{shown(there)}: is a folder; move it away or choose another output")
    try:
        here.replace(there)
    except OSError as error:
        raise cannot_write(there, error) from error
