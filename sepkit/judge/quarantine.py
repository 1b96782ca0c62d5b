"""Where a file that fails the gate goes: OUT_DIR/quarantine, mirrored, with its reasons beside it.

A file lies in its place or in quarantine, never in both: what an earlier run left in the other one goes when the new
result has arrived.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from sepkit.errors import OutputError
from sepkit.files import naming
from sepkit.files.appear import appearing
from sepkit.files.naming import shown
from sepkit.files.whole_file import cannot_write, make_folder
from sepkit.judge.verdict import Judged
from sepkit.render.result import Outputs

WORK_PREFIX = ".sepkit-work-"
"""Folders in OUT_DIR for what lives as long as a run; what a kill leaves goes at the next start."""
FOLDER = "quarantine"
REASONS_SUFFIX = "__reasons.txt"


class Places(NamedTuple):
    """Where a file's results may go: their own place, or quarantine with the reasons.

    stale, held_stale: what an earlier run may have left, to be removed where the file ends in its place, or in
    quarantine.
    """

    own: Outputs
    held: Outputs
    reasons: Path
    stale: tuple[Path, ...] = ()
    held_stale: tuple[Path, ...] = ()

    @classmethod
    def of(cls, outputs: Outputs, out: Path, stem: str) -> Places:
        """For outputs below `out`. stem: of the source's file name."""
        held = {name: out / FOLDER / path.relative_to(out) for name, path in outputs.items()}
        folder = next(iter(held.values())).parent
        return cls(outputs, held, folder / naming.fitted_name(stem, REASONS_SUFFIX))

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
            if not folder.resolve().is_relative_to(out.resolve()):
                raise OutputError(
                    f"{shown(folder)}: a link leads out of {shown(out)}; remove the link or give another OUT_DIR"
                )


@contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """A folder below `folder` for what has no verdict yet, on the same disk."""
    make_folder(folder)
    try:
        work = Path(tempfile.mkdtemp(prefix=WORK_PREFIX, dir=folder))
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def staged(outputs: Outputs, work: Path) -> Outputs:
    """The same results under `work`, until their verdict is known."""
    return {name: work / path.name for name, path in outputs.items()}


def settle(rendered: Outputs, judged: Judged, places: Places) -> list[Path]:
    """Bring what was rendered to where its verdict sends it; returns the files that it leaves."""
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
    for path in set(places.held_stale if quarantined else places.stale) - set(files):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error
    return files


def leftovers(places: Places, earlier: Iterable[Path], was_quarantined: bool) -> tuple[list[Path], list[Path]]:
    """What may lie in the other place: for a file that ends in its own, and for one that ends in quarantine.

    earlier: what the journal says the file left, perhaps under other names. Without reasons beside it, nothing in
    the folder is known to be from a quarantine: a source may lie in a folder of that name.
    """
    known = list(earlier)
    in_quarantine: list[Path] = []
    with suppress(PermissionError):  # a folder that cannot be read is named when it is written to
        in_quarantine = places.files(True) if places.reasons.is_file() else []
    return [*in_quarantine, *(known if was_quarantined else [])], [
        *places.files(False),
        *([] if was_quarantined else known),
    ]


def prune(out: Path) -> None:
    """Remove folders of the quarantine that have become empty."""
    with suppress(OSError):  # it is only tidier without them
        if (out / FOLDER).is_symlink():
            return
        for parent, _, _ in os.walk(out / FOLDER, topdown=False):
            if not any(Path(parent).iterdir()):
                Path(parent).rmdir()


def _move(here: Path, there: Path) -> None:
    if there.is_dir():
        raise OutputError(f"{shown(there)}: is a folder; move it away or choose another output")
    try:
        here.replace(there)
    except OSError as error:
        raise cannot_write(there, error) from error
