"""What a batch will do, decided before anything is rendered: what is to do and why, what is done, what cannot
be done.

A file is done if its input, the resolved configuration and the weights hash to what the journal says, and its
outputs are there with the bytes that were written. Times and sizes of files are not asked: the hashes are the
truth.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sepkit.batch.edits import OwnEdits, edits_sha256
from sepkit.batch.film import Film, film_of, results
from sepkit.batch.find import Found
from sepkit.batch.journal import Journal, Record, is_whole, sha256_of_all
from sepkit.config import Config
from sepkit.errors import OutputError, one_line
from sepkit.files import naming
from sepkit.files.digest import sha256_of
from sepkit.files.naming import real, shown
from sepkit.judge.quarantine import Places, leftovers
from sepkit.judge.verdict import all_weights
from sepkit.judge.words import Known, Words
from sepkit.models import weights
from sepkit.render.pipeline import Pipeline
from sepkit.render.result import Outputs


@dataclass(frozen=True)
class Identity:
    """What, beside the input, decides the bytes of an output."""

    config_sha256: str
    weights_sha256: str

    @classmethod
    def of(cls, pipeline: Pipeline) -> Identity:
        """Hash the configuration and every file of weights; an absent one stops the batch here."""
        files = all_weights(pipeline.config)
        weights.require(files, pipeline.config.task)
        return cls(pipeline.config.fingerprint(), sha256_of_all(weights.sha256(file.path) for file in files))


@dataclass(frozen=True)
class Item:
    """A file in a worker's hand: its path in the batch, and where it lies."""

    path: str
    source: Path


@dataclass(frozen=True)
class RenderItem(Item):
    """One to render. reason: why it is not done yet. note: what is special about it.

    words: what is said in it; None where the configuration names no words. page: whether its page is made with it.
    edits: those that it has of its own; None: the configuration's hold. film: None: its results are sounds.
    """

    places: Places
    reason: str
    note: str = ""
    words: Known | None = None
    page: bool = False
    edits: OwnEdits | None = None
    film: Film | None = None

    @property
    def outputs(self) -> Outputs:
        """Where its results belong."""
        return self.places.own


@dataclass(frozen=True)
class PageItem(Item):
    """One that is rendered, and whose page is made now. row: of the report. input_sha256: of what was rendered.

    edits: as `rendered_edits` gives them; None: the configuration's hold.
    """

    row: Mapping[str, Any]
    input_sha256: str
    edits: OwnEdits | None = None


@dataclass
class Plan:
    """Every source of the batch stands in exactly one of the three, by its path relative to the folder."""

    items: list[RenderItem] = field(default_factory=list)
    done: dict[str, Record] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def make_plan(
    folder: Path,
    found: Found,
    out: Path,
    pipeline: Pipeline,
    journal: Journal,
    identity: Identity,
    watched: Iterable[str] | None = None,
    words: Words | None = None,
    edits: Mapping[str, OwnEdits] | None = None,
) -> Plan:
    """Sort the sources. Two for one output, or one that would replace a source, end the batch.

    watched: the sources again, wrapped in a bar: hashing what is done already can take its time. edits: of each source,
    where they have their own.
    """
    plan = Plan(failed=dict(found.refused))
    claims = _Claims({real(folder / path) for path in found.sources}, out)
    gated = bool(pipeline.config.gate)
    for path in watched or found.sources:
        try:
            film, said = film_of([pipeline], folder / path)
            there = folder / path, (out / path).parent
            outputs = results(film, pipeline, *there) if film else pipeline.outputs(*there)
            places = Places.of(pipeline, folder / path, outputs, out)
            places.stay_inside(out, gated)
        except Exception as error:
            plan.failed[path] = one_line(error)
            continue
        for output in places.possible_files(gated):
            claims.add(output, path)
        known = words.of(path) if words else None
        record = journal.records.get(path)
        own = edits[path] if edits else None
        reason = _why_not_done(record, folder / path, places, out, identity, known, own)
        if record and not reason:
            plan.done[path] = record
        else:
            note = "; ".join(filter(None, (_note(path, places.own, known), *said)))
            plan.items.append(RenderItem(path, folder / path, places, reason, note, known, edits=own, film=film))
    paged = _every_file_has_a_page(plan, pipeline.config)
    left = [_with_leftovers(item, journal.records.get(item.path), out, claims) for item in plan.items]
    plan.items = [replace(item, page=paged) for item in left]
    return plan


def _every_file_has_a_page(plan: Plan, config: Config) -> bool:
    """Then each is made while its file is rendered, whose masks are at hand; else it is known at the end whose are."""
    pages = config.report.pages if config.report else 0
    return pages == "all" or len(plan.items) + len(plan.done) <= pages


def _with_leftovers(item: RenderItem, record: Record | None, out: Path, claims: _Claims) -> RenderItem:
    """The item with what an earlier run left of its file in the other place; nothing that is another's is named."""
    earlier = [out / stamp.path for stamp in record.outputs] if record else []
    found = leftovers(item.places, earlier)
    stale, held_stale = (tuple(path for path in paths if claims.free_for(path, item.path)) for paths in found)
    places = item.places._replace(stale=stale, held_stale=held_stale, ours=_ours(record, item.places, out))
    return replace(item, places=places)


def _ours(record: Record | None, places: Places, out: Path) -> frozenset[tuple[Path, str | None]]:
    """What the journal says sepkit wrote, the reasons by either name that they have had."""
    if record is None:
        return frozenset()
    found = [(out / stamp.path, stamp.sha256) for stamp in record.outputs]
    if record.quarantined and found:
        found += [(path, found[-1][1]) for path in (places.reasons, places.reasons_before)]
    return frozenset(found)


def _why_not_done(
    record: Record | None,
    source: Path,
    places: Places,
    out: Path,
    identity: Identity,
    known: Known | None,
    edits: OwnEdits | None,
) -> str:
    """Why a file must be rendered, the cheapest question first; empty where it is done."""
    if record is None:
        return "new"
    if record.config_sha256 != identity.config_sha256:
        return "the configuration changed"
    if record.weights_sha256 != identity.weights_sha256:
        return "the weights changed"
    if known and record.words_sha256 != known.sha256:
        return "its words changed"
    if record.edits_sha256 != edits_sha256(edits):
        return "its edits changed"
    found = [out / stamp.path for stamp in record.outputs]
    expected = places.files(record.quarantined, record.stems)
    if found not in (expected, [*expected[:-1], places.reasons_before]):
        return "its outputs have other names now"
    try:
        if sha256_of(source) != record.input_sha256:
            return "the input changed"
        whole = all(is_whole(out, stamp) for stamp in record.outputs)
    except OSError as error:
        return f"it cannot be compared with the journal ({error.strerror})"
    return "" if whole else "its output is missing or was changed"


class _Claims:
    """Which source writes which file; none may write another's, or a source."""

    def __init__(self, sources: set[Path], out: Path) -> None:
        self._sources = sources
        self._out = real(out)
        self._writers: dict[str, str] = {}

    def add(self, output: Path, path: str) -> None:
        """Claim a file for a source; a clash ends the batch."""
        other = self._writers.setdefault(_key(output), path)
        if other != path:
            raise OutputError(
                f"'{shown(other)}' and '{shown(path)}' would both be written to {shown(output)}; rename one, or "
                "narrow --pattern, or --exclude one; nothing was rendered"
            )
        if real(output) in self._sources:
            raise OutputError(f"{shown(output)} is a source of this batch and would be replaced; give another OUT_DIR")

    def free_for(self, output: Path, path: str) -> bool:
        """Whether a file may be removed for a source: inside OUT_DIR, no source, and nobody else's."""
        inside = real(output.parent).is_relative_to(self._out)
        return inside and real(output) not in self._sources and self._writers.get(_key(output), path) == path


def _key(output: Path) -> str:
    key = os.fspath(output)
    if sys.platform in ("darwin", "win32"):  # there names that differ only in case or composition are one file
        key = unicodedata.normalize("NFC", key).casefold()
    return key


def _note(path: str, outputs: Outputs, known: Known | None) -> str:
    """Names that were cut are said, so that nobody looks for the file in vain; so are words that are not known."""
    notes = [known.why] if known and known.why else []
    if not all(output.name.startswith(Path(path).stem) for output in outputs.values()):
        notes.append(f"the name was too long for a suffix within {naming.NAME_MAX_BYTES} bytes and was shortened")
    return "; ".join(notes)
