"""What makes a batch resumable: a record of each finished file, on disk before the next file is begun.

A file whose record a kill has torn is rendered again. A later record of the same path replaces an earlier one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sepkit.files.json_lines import JsonLines

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
    stems: what the outputs are, in their order; the text of the reasons has none. What a journal of an earlier version
    leaves out is read as passed, and as speech and background.
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
    stages: dict[str, float] = field(default_factory=dict)
    stems: tuple[str, ...] = STEMS_BEFORE

    @property
    def quarantined(self) -> bool:
        """Whether its outputs lie in quarantine."""
        return self.verdict == "quarantined"


class Journal:
    """The records so far, by path; `append` adds one and returns once it is on the disk."""

    def __init__(self, folder: Path) -> None:
        self._lines = JsonLines(folder / JOURNAL_NAME)
        found = (_record(fields) for fields in self._lines.records)
        self.records = {record.path: record for record in found if record}

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._lines.path

    def append(self, record: Record) -> None:
        """Write a record, in place of an earlier one of the same path."""
        self._lines.append(asdict(record))
        self.records[record.path] = record


def _record(fields: dict[str, Any]) -> Record | None:
    """A record, or None for one that is not whole: a file without a record is rendered again."""
    try:
        outputs = tuple(Stamp(**stamp) for stamp in fields["outputs"])
        lists: dict[str, Any] = {name: tuple(fields[name]) for name in ("reasons", "stems") if name in fields}
        return Record(**{**fields, **lists, "outputs": outputs})
    except (TypeError, KeyError):
        return None


def by_stem(stems: Sequence[str], outputs: Sequence[str], verdict: str) -> dict[str, str]:
    """The sounds among the outputs of a file, by stem; the text of the reasons, last in quarantine, is none."""
    sounds = outputs[:-1] if verdict == "quarantined" else outputs
    return dict(zip(stems, sounds, strict=False))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, read a megabyte at a time."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_of_all(digests: Iterable[str]) -> str:
    """One SHA-256 over several, in their order."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def stamp(folder: Path, path: Path) -> Stamp:
    """What `path` under `folder` is now."""
    return Stamp(path.relative_to(folder).as_posix(), sha256_of(path), path.stat().st_size)


def is_whole(folder: Path, expected: Stamp) -> bool:
    """Whether the file is there with the bytes it was written with."""
    path = folder / expected.path
    return path.is_file() and path.stat().st_size == expected.size_bytes and sha256_of(path) == expected.sha256
