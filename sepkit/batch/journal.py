"""What makes a batch resumable: a record of each finished file, on disk before the next file is begun.

A file whose record a kill has torn is rendered again. A later record of the same path replaces an earlier one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

from sepkit.files.digest import sha256_of
from sepkit.files.json_lines import JsonLines
from sepkit.files.naming import is_below, is_encodable, real
from sepkit.judge.verdict import Verdict
from sepkit.metrics.base import Better

JOURNAL_NAME = ".sepkit-journal.jsonl"
STEMS_BEFORE = ("speech", "background")
"""What the outputs were, in their order, before journals said it."""


@dataclass(frozen=True)
class Stamp:
    """A file as it was written: a name relative to OUT_DIR and what its bytes hash to."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Record:
    """A finished file. `workers`: how many shared the machine, for the estimate of a later dry run.

    verdict, configuration, reasons, stages: as in `verdict.Judged`. words_sha256: of the words it was measured against.
    edits_sha256: of the edits it has of its own.
    stems: what the outputs are, in their order; the text of the reasons has none. in_dir: IN_DIR, as seen from OUT_DIR.
    What a journal of an earlier version leaves out is read as passed, and as speech and background of any IN_DIR.
    """

    path: str
    input_sha256: str
    config_sha256: str
    weights_sha256: str
    outputs: tuple[Stamp, ...]
    duration_s: float
    seconds: float
    workers: int
    metrics: dict[str, Any]
    note: str
    verdict: str = "passed"
    configuration: str = ""
    reasons: tuple[str, ...] = ()
    words_sha256: str = ""
    edits_sha256: str = ""
    stages: dict[str, float] = field(default_factory=dict)
    stems: tuple[str, ...] = STEMS_BEFORE
    in_dir: str = ""

    @property
    def quarantined(self) -> bool:
        """Whether its outputs lie in quarantine."""
        return self.verdict == "quarantined"


class Journal:
    """The records so far, by path; `append` adds one and returns once it is on the disk."""

    def __init__(self, folder: Path) -> None:
        self._lines = JsonLines(folder / JOURNAL_NAME)
        found = [_record(fields) for fields in self._lines.records]
        self.records = {record.path: record for record in found if record}
        self._damaged = self._lines.damaged + found.count(None)

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._lines.path

    def written(self) -> set[Path]:
        """Every output, where links lead; one that a link takes out of the folder is none."""
        out = real(self.path.parent)
        found = {real(out / stamp.path) for record in self.records.values() for stamp in record.outputs}
        return {path for path in found if path.is_relative_to(out)}

    def notes(self) -> list[str]:
        """A note where lines were damaged; the files that they were about are rendered again."""
        lines = "1 line was" if self._damaged == 1 else f"{self._damaged} lines were"
        return [f"{JOURNAL_NAME}: {lines} damaged and left out"] if self._damaged else []

    def drop_damaged(self) -> None:
        """Rewrite a journal that has damaged lines without them. For whoever holds OUT_DIR, before it appends."""
        if self._damaged:
            self._lines.rewrite(map(asdict, self.records.values()))

    def append(self, record: Record) -> None:
        """Write a record, in place of an earlier one of the same path."""
        self._lines.append(asdict(record))
        self.records[record.path] = record


def _record(fields: dict[str, Any]) -> Record | None:
    """A record, or None for one that is not whole: a file without a record is rendered again."""
    try:
        outputs = tuple(Stamp(**stamp) for stamp in fields["outputs"])
        lists: dict[str, Any] = {name: tuple(fields[name]) for name in ("reasons", "stems") if name in fields}
        record = Record(**{**fields, **lists, "outputs": outputs})
    except (TypeError, KeyError):
        return None
    return record if _is_sound(record) else None


def _is_sound(record: Record) -> bool:
    """Whether all of it has the types that it was written with: anybody can write into a file."""
    stamped = [text for stamp in record.outputs for text in (stamp.path, stamp.sha256)]
    texts = [record.path, record.input_sha256, record.config_sha256, record.weights_sha256, record.words_sha256]
    texts += [
        record.edits_sha256,
        record.note,
        record.verdict,
        record.configuration,
        record.in_dir,
        *record.reasons,
        *record.stems,
        *stamped,
    ]
    numbers = [record.duration_s, record.seconds, record.workers, *(stamp.size_bytes for stamp in record.outputs)]
    return (
        all(isinstance(text, str) and is_encodable(text) for text in texts)
        and all(is_below(stamp.path) for stamp in record.outputs)
        and isinstance(record.stages, dict)
        and all(is_number(number) and number >= 0 for number in (*numbers, *record.stages.values()))
        and record.workers > 0
        and record.verdict in get_args(Verdict)
        and are_metrics(record.metrics)
    )


def are_metrics(found: object) -> bool:
    """Whether this is what `Evaluation.as_dict` gives for metrics."""
    return isinstance(found, dict) and all(is_encodable(name) and _is_score(score) for name, score in found.items())


def _is_score(found: object) -> bool:
    if not isinstance(found, dict):
        return False
    values = [found.get(name) for name in ("before", "after")]
    texts = [text for name, text in found.items() if name not in ("before", "after")]
    return (
        all(value is None or is_number(value) for value in values)
        and all(text is None or (isinstance(text, str) and is_encodable(text)) for text in texts)
        and found.get("better", "neither") in get_args(Better)
    )


def is_number(found: object) -> bool:
    """Whether this is a number that JSON has."""
    return isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found)


def by_stem(stems: Sequence[str], outputs: Sequence[str], verdict: str) -> dict[str, str]:
    """The sounds among the outputs of a file, by stem; the text of the reasons, last in quarantine, is none."""
    sounds = outputs[:-1] if verdict == "quarantined" else outputs
    return dict(zip(stems, sounds, strict=False))


def sha256_of_all(digests: Iterable[str]) -> str:
    """One SHA-256 over several, in their order."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def stamp(folder: Path, path: Path, sha256: str = "") -> Stamp:
    """What `path` under `folder` is now. sha256: where it is known already."""
    return Stamp(path.relative_to(folder).as_posix(), sha256 or sha256_of(path), path.stat().st_size)


def is_whole(folder: Path, expected: Stamp) -> bool:
    """Whether the file is there with the bytes it was written with."""
    path = folder / expected.path
    return path.is_file() and path.stat().st_size == expected.size_bytes and sha256_of(path) == expected.sha256
