"""The edits of each file, where a configuration says that they are found in label files (`config.labelled`).

    sub/talk.wav ─┬ beside: the one label file of its name, sub/talk.txt or .csv, .tsv, .json, .srt, .vtt, .rttm
                  ├ the rows of FILE whose `path` is sub/talk.wav
                  └ all rows of FILE, where it has no column `path`

A path of a table is a key and nothing more: it is compared with those of the inputs and never opened. A file without
edits of its own is left out, for nothing is to be done to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from sepkit.batch.find import Found
from sepkit.config import Config
from sepkit.config.edits import UNSAID_MODE, Edit
from sepkit.config.labelled import BESIDE, Labelled
from sepkit.config.labels import Label, Labels, edits_from, read_labels
from sepkit.errors import ConfigError, SepkitError, one_line
from sepkit.files.naming import shown

LABEL_SUFFIXES = (".txt", ".csv", ".tsv", ".json", ".srt", ".vtt", ".rttm")
"""Of what may lie beside an input and hold its edits."""
MOST_NAMED = 3

OwnEdits = tuple[Edit, ...]


class FileEdits:
    """`of` gives the edits of one input by its path; what is wrong with a table raises at once."""

    def __init__(self, labelled: Labelled) -> None:
        self.labelled = labelled
        self._notes: list[str] = []
        if labelled.labels != BESIDE:
            self._by_path  # noqa: B018  read, so that what is wrong with it is told before anything is done

    def of(self, relative: str, source: Path) -> OwnEdits:
        """Those of the file that lies at `source`; empty where there are none. relative: with "/" between its parts."""
        if self.labelled.labels == BESIDE:
            path = beside(source)
            return self._read(path) if path else ()
        return self._by_path.get(_key(relative)) or self._by_path.get("", ())

    def absent_note(self, relative: str) -> str:
        """Of an input without edits: where they were looked for."""
        if self.labelled.labels == BESIDE:
            return "it has no edits: no label file of its name lies beside it"
        return f"it has no edits: no row of {shown(Path(self.labelled.labels).name)} has the path {shown(relative)}"

    def taken_notes(self) -> list[str]:
        """The notes since this was last asked."""
        found, self._notes = self._notes, []
        return found

    def unused_note(self, inputs: Iterable[str]) -> list[str]:
        """A line for the rows of files that are not among the inputs: a typing error shows on both sides."""
        known = {_key(path) for path in inputs}
        unused = [] if self.labelled.labels == BESIDE else sorted(set(self._by_path) - known - {""})
        return [f"edits whose file is not among the inputs: {_named(unused)}"] if unused else []

    @cached_property
    def _by_path(self) -> dict[str, OwnEdits]:
        """The edits of the table by path; under "", where it names none, those of every input."""
        labels = self._labels(Path(self.labelled.labels))
        rows: dict[str, list[Label]] = {}
        for row in labels.rows:
            rows.setdefault(_key(row.path), []).append(replace(row, path=""))
        if "" in rows and len(rows) > 1:
            raise ConfigError(
                f"{shown(labels.path)}, {rows[''][0].place}: names no file, while other rows do; give its path"
            )
        given = self.labelled.given()
        return {path: edits_from(replace(labels, rows=tuple(each)), **given) for path, each in rows.items()}

    def _read(self, path: Path) -> OwnEdits:
        return edits_from(self._labels(path), **self.labelled.given())

    def _labels(self, path: Path) -> Labels:
        labels = read_labels(path)
        self._notes += [f"{shown(path.name)}: {note}" for note in labels.notes]
        return replace(labels, rows=tuple(replace(row, mode=row.mode or UNSAID_MODE) for row in labels.rows))


def file_edits(config: Config) -> FileEdits | None:
    """Where each file has edits of its own; None where the configuration's hold for all, or it has none."""
    return FileEdits(config.edits) if isinstance(config.edits, Labelled) else None


def with_edits(config: Config, edits: OwnEdits | None) -> Config:
    """The configuration of a file that has edits of its own; None: it has none, and the configuration's hold."""
    return config if edits is None else config.model_copy(update={"edits": edits})


def rendered_edits(config: Config, folder: Path, known: Mapping[str, str]) -> dict[str, OwnEdits]:
    """The edits that files below `folder` were rendered with, whose hashes are `known` by path; empty where its labels
    say others by now. Without an entry the configuration's hold.
    """
    if not isinstance(config.edits, Labelled):
        return {}
    found: dict[str, OwnEdits] = dict.fromkeys(known, ())
    with suppress(SepkitError):  # a table that is gone
        own = FileEdits(config.edits)
        for path, sha256 in known.items():
            with suppress(SepkitError):
                edits = own.of(path, folder / path)
                found[path] = edits if edits_sha256(edits) == sha256 else ()
    return found


def take_edits(edits: FileEdits, found: Found, folder: Path, given: Path) -> tuple[dict[str, OwnEdits], list[str]]:
    """The edits of each source that was found below `folder`; those without any are taken out, and a note counts them.

    What is wrong with one file's labels is that file's fault alone. given: how the user named the folder.
    """
    asked: dict[str, OwnEdits] = {}
    notes = edits.unused_note(found.sources)
    for path in found.sources:
        try:
            asked[path] = edits.of(path, folder / path)
        except SepkitError as error:
            found.refused[path] = one_line(error).replace(str(folder), shown(given))
    without = [path for path in found.sources if asked.get(path) == ()]
    found.sources = [path for path in found.sources if asked.get(path)]
    if without:
        notes.append(f"left out, for they have no edits: {len(without)} ({_named(without)})")
    return {path: each for path, each in asked.items() if each}, [*notes, *edits.taken_notes()]


def edits_sha256(edits: Sequence[Edit] | None) -> str:
    """Tells the edits of one file from others; empty where it has none of its own."""
    if edits is None:
        return ""
    return hashlib.sha256(json.dumps([each.model_dump(mode="json") for each in edits]).encode()).hexdigest()


def is_label_file(path: str) -> bool:
    """Whether a file may be one beside an input, by its name."""
    return path.endswith(LABEL_SUFFIXES)


def beside(source: Path) -> Path | None:
    """The label file beside an input: its name with another suffix; None where there is none, an error of two."""
    found = [path for suffix in LABEL_SUFFIXES if (path := source.with_suffix(suffix)).is_file()]
    if len(found) > 1:
        raise ConfigError(
            f"{shown(source)}: {_named([path.name for path in found])} lie beside it, and one alone can say what is to "
            "be edited; keep one"
        )
    return found[0] if found else None


def _key(path: str) -> str:
    """As paths of inputs are written: "/" between the parts, no "./" in front."""
    return PurePosixPath(path.replace("\\", "/")).as_posix() if path else ""


def _named(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names[:MOST_NAMED])) + (", …" if len(names) > MOST_NAMED else "")
