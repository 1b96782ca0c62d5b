"""Where a file that fails the gate goes: OUT_DIR/quarantine, mirrored, with its reasons beside it.

A file lies in its place or in quarantine, never in both: what an earlier run left in the other one goes when the new
result has arrived.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sepkit.errors import OutputError
from sepkit.files.appear import appearing
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
    that the configuration does not write; another one may have. stale, held_stale: what an earlier run may have left,
    to be removed where the file ends in its place, or in quarantine.
    """

    own: Outputs
    held: Outputs
    reasons: Path
    reasons_before: Path
    unwritten: tuple[Path, ...] = ()
    stale: tuple[Path, ...] = ()
    held_stale: tuple[Path, ...] = ()

    @classmethod
    def of(cls, pipeline: Pipeline, source: Path, outputs: Outputs, out: Path, name: str | None = None) -> Places:
        """Of a source whose results are `outputs`, in `out` or below it, and whose names begin with `name`."""
        name, folder = name or source.stem, next(iter(outputs.values())).parent
        held = {name: out / FOLDER / path.relative_to(out) for name, path in outputs.items()}
        beside, container = next(iter(held.values())).parent, next(iter(outputs.values())).suffix
        reasons, before = (beside / fitted_name(front, REASONS_SUFFIX) for front in (name + source.suffix, name))
        suffixes = [stem.suffix for stem in pipeline.task.stems() if stem.suffix and not (stem.written or stem.inner)]
        unwritten = tuple(folder / fitted_name(name, suffix + container) for suffix in suffixes)
        return cls(outputs, held, reasons, before, unwritten)

    def files(self, quarantined: bool) -> list[Path]:
        """What a finished file leaves, in the journal's order."""
        found = list((self.held if quarantined else self.own).values())
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


class Settled(NamedTuple):
    """The files that a source has left, and what of an earlier run is gone since this one does not write it."""

    files: list[Path]
    removed: list[Path]


def staged(outputs: Outputs, work: Path) -> Outputs:
    """The same results under `work`, until their verdict is known."""
    return {name: work / path.name for name, path in outputs.items()}


def settle(rendered: Outputs, judged: Judged, places: Places, out: Path) -> Settled:
    """Bring what was rendered to where its verdict sends it, below `out`."""
    quarantined = judged.verdict == "quarantined"
    target = places.held if quarantined else places.own
    for name, there in target.items():
        make_folder(there.parent)
        if rendered[name] != there:
            _move(rendered[name], there)
    if quarantined:
        with appearing(places.reasons) as temporary:
            temporary.write_text("".join(f"{reason}\n" for reason in judged.reasons), encoding="utf-8")
    files = places.files(quarantined)
    stale = set(places.held_stale if quarantined else places.stale) - set(files)
    gone = [path for path in sorted(stale) if _remove(path, out / FOLDER)]
    moved = {*places.files(not quarantined), places.reasons_before}
    return Settled(files, [path for path in gone if path not in moved])


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


def _remove(path: Path, quarantine: Path) -> bool:
    """Remove a file, and the folders of the quarantine that it leaves empty; returns whether there was one."""
    if not (path.is_file() or path.is_symlink()):
        return False
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
    with suppress(OSError):  # the first that is not empty
        for folder in path.parents:
            if not folder.is_relative_to(quarantine):
                break
            folder.rmdir()
    return True


def _move(here: Path, there: Path) -> None:
    if there.is_dir():
        raise OutputError(f"{shown(there)}: is a folder; move it away or choose another output")
    try:
        here.replace(there)
    except OSError as error:
        raise cannot_write(there, error) from error
