"""What became of every file of a batch: one row each, as report.json, report.csv and as text.

report.json is exact: a name that is not UTF-8 stands in it as Python's `\\udcxx` escapes and reads back to
the same bytes. In report.csv, which other programs must be able to read, such bytes stand as `\\xNN`.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from sepkit import __version__
from sepkit.batch.appear import appearing
from sepkit.batch.estimate import Estimate
from sepkit.naming import shown

JSON_NAME = "report.json"
CSV_NAME = "report.csv"

Status = Literal["done", "skipped", "failed", "pending"]

EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 130


@dataclass(frozen=True)
class Row:
    """One source. done: rendered now; skipped: done by an earlier run; pending: not rendered (yet).

    reason: why it is skipped or pending. metrics: by name, each with before, after, unit, better, note, why.
    seconds: what rendering and measuring took, in an earlier run where it is skipped.
    """

    path: str
    status: Status
    reason: str = ""
    error: str = ""
    note: str = ""
    duration_s: float | None = None
    seconds: float | None = None
    outputs: tuple[str, ...] = ()
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BatchReport:
    """All rows, sorted by path. `estimate` is there after a dry run alone."""

    rows: tuple[Row, ...]
    out: Path
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    estimate: Estimate | None = None

    @property
    def exit_code(self) -> int:
        """0: all done; 1: some failed; 130: interrupted. (2, usage or configuration, has raised before.)"""
        if self.interrupted:
            return EXIT_INTERRUPTED
        return EXIT_FAILED if self.with_status("failed") else EXIT_DONE

    def with_status(self, status: Status) -> tuple[Row, ...]:
        """The rows of one status."""
        return tuple(row for row in self.rows if row.status == status)

    def text(self) -> str:
        """For the terminal: a dry run's list, then counts, notes and every failure, one line each."""
        lines = [_plan_line(row) for row in self.rows] if self.estimate else []
        lines += [f"note: {shown(row.path)}: {row.note}" for row in self.rows if row.note and not self.estimate]
        lines += [f"failed: {shown(row.path)}: {row.error}" for row in self.with_status("failed") if not self.estimate]
        lines += [f"note: {note}" for note in self.notes]
        lines.append(self._counts())
        if self.estimate:
            lines.append(self.estimate.text())
        return "\n".join(lines)

    def write(self) -> None:
        """Write report.json and report.csv into OUT_DIR, each by rename."""
        with appearing(self.out / JSON_NAME) as temporary:
            temporary.write_text(self._json(), encoding="ascii")
        with appearing(self.out / CSV_NAME) as temporary:
            temporary.write_bytes(self._csv().encode())

    def _counts(self) -> str:
        counts = Counter(row.status for row in self.rows)
        words: dict[Status, str] = {
            "done": "done",
            "skipped": "already done",
            "pending": "to do",
            "failed": "failed",
        }
        parts = [f"{counts[status]} {word}" for status, word in words.items() if counts[status]]
        interrupted = "interrupted; run the same command again to go on: " if self.interrupted else ""
        return f"{interrupted}{len(self.rows)} files: {', '.join(parts)}"

    def _json(self) -> str:
        whole = {
            "sepkit": __version__,
            "interrupted": self.interrupted,
            "counts": dict(Counter(row.status for row in self.rows)),
            "notes": list(self.notes),
            "files": [asdict(row) for row in self.rows],
        }
        return json.dumps(whole, indent=1, allow_nan=False) + "\n"

    def _csv(self) -> str:
        metrics = sorted({name for row in self.rows for name in row.metrics})
        columns = [
            "path",
            "status",
            "reason",
            "error",
            "note",
            "duration_s",
            "seconds",
            "speech",
            "background",
        ]
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(columns + [f"{name}_{side}" for name in metrics for side in ("before", "after")])
        for row in self.rows:
            speech, background, *_ = (*row.outputs, "", "")
            plain = [_utf8(value) for value in (row.path, row.status, row.reason, row.error, row.note)]
            numbers = [row.duration_s, row.seconds, _utf8(speech), _utf8(background)]
            writer.writerow(
                plain + numbers + [_cell(row, name, side) for name in metrics for side in ("before", "after")]
            )
        return text.getvalue()


def _plan_line(row: Row) -> str:
    words = {"pending": "would render", "skipped": "would skip", "failed": "would fail", "done": "done"}
    why = "; ".join(filter(None, (row.reason, row.error, row.note)))
    return f"{words[row.status]}: {shown(row.path)}: {why}"


def _cell(row: Row, metric: str, side: str) -> float | str | None:
    """A value; where there is none, why."""
    score: dict[str, float | str | None] = row.metrics.get(metric, {})
    value = score.get(side)
    return value if value is not None else score.get("why")


def _utf8(text: str) -> str:
    return text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="backslashreplace")
