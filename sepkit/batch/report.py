"""What became of every file of a batch: one row each, as report.json, report.csv and as text.

report.json is exact: a name that is not UTF-8 stands in it as Python's `\\udcxx` escapes and reads back to
the same bytes. In report.csv, which other programs must be able to read, such bytes stand as `\\xNN`, and an apostrophe
stands before a text that a spreadsheet would take for a formula.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sepkit import __version__
from sepkit.batch.estimate import Estimate
from sepkit.batch.journal import by_stem
from sepkit.config import Config, dump_config
from sepkit.config.labelled import Labelled
from sepkit.files.appear import appearing
from sepkit.files.digest import sha256_if_readable
from sepkit.files.naming import seen_from, shown
from sepkit.files.spreadsheet import as_cell
from sepkit.judge.verdict import exit_code
from sepkit.render.base import judged, make_task
from sepkit.report import batch_page, own

JSON_NAME = "report.json"
CSV_NAME = "report.csv"

TOLD = ("escalated", "quarantined")
"""Verdicts that are listed with their reasons."""

Status = Literal["done", "skipped", "failed", "pending"]

EXIT_INTERRUPTED = 130


@dataclass(frozen=True)
class Row:
    """One source. done: rendered now; skipped: done by an earlier run; pending: not rendered (yet).

    reason: why it is skipped or pending. metrics: by name, each with before, after, unit, better, note, why.
    seconds: what rendering and measuring took, in an earlier run where it is skipped. outputs: of the `stems`, in their
    order, and the text of the reasons where it is quarantined. verdict: empty where nothing was rendered.
    reasons: every bound that an attempt broke, with the configuration that made the attempt. stages: CPU-seconds.
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
    verdict: str = ""
    configuration: str = ""
    reasons: tuple[str, ...] = ()
    stages: dict[str, float] = field(default_factory=dict)
    stems: tuple[str, ...] = ()

    def files(self) -> dict[str, str]:
        """The outputs by stem."""
        return by_stem(self.stems, self.outputs, self.verdict)


@dataclass(frozen=True)
class BatchReport:
    """All rows, sorted by path. source: the folder or zip they lie in. `estimate` is there after a dry run alone."""

    rows: tuple[Row, ...]
    out: Path
    source: Path
    config: Config
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    estimate: Estimate | None = None

    @property
    def exit_code(self) -> int:
        """0: all passed; 1: some failed; 3: none failed, some are in quarantine; 4: some passed only by escalation;
        130: interrupted. (2, usage or configuration, has raised before.)
        """
        if self.interrupted:
            return EXIT_INTERRUPTED
        return exit_code(bool(self.with_status("failed")), (row.verdict for row in self.rows))

    def with_status(self, status: Status) -> tuple[Row, ...]:
        """The rows of one status."""
        return tuple(row for row in self.rows if row.status == status)

    def text(self) -> str:
        """For the terminal: a dry run's list, then notes, what did not pass at once and every failure, a line each."""
        lines = [_plan_line(row) for row in self.rows] if self.estimate else []
        lines += [f"note: {shown(row.path)}: {row.note}" for row in self.rows if row.note and not self.estimate]
        lines += [_verdict_line(row) for row in self.rows if row.verdict in TOLD and not self.estimate]
        lines += [f"failed: {shown(row.path)}: {row.error}" for row in self.with_status("failed") if not self.estimate]
        lines += [f"note: {note}" for note in (*self.notes, *self._without_page())]
        lines.append(self._counts())
        if self.estimate:
            lines.append(self.estimate.text())
        return "\n".join(lines)

    def write(self) -> BatchReport:
        """Write report.json, report.csv and, where it is asked for, the page into OUT_DIR, each by rename.

        What lies there and is not sepkit's own is set aside first; returns the report with a note of it.
        """
        names = [JSON_NAME, CSV_NAME, *([batch_page.PAGE_NAME] if self.config.report else [])]
        kept = [note for name in names if (note := own.make_way(self.out / name))]
        report = replace(self, notes=(*self.notes, *kept))
        report._write()
        return report

    def _write(self) -> None:
        table = self._csv().encode()
        with appearing(self.out / JSON_NAME) as temporary:
            temporary.write_text(self._json(table), encoding="ascii")
        with appearing(self.out / CSV_NAME) as temporary:
            temporary.write_bytes(table)
        if self.config.report:
            batch_page.write(self.out, self.as_dict(), heard(self.config))
        else:
            own.remove_own(self.out / batch_page.PAGE_NAME)

    def _without_page(self) -> list[str]:
        """A note where files have no page, unless none was asked for; it is the page's own, and so not in `notes`."""
        if self.estimate or not self.config.report or self.config.report.pages == 0:
            return []
        bare = batch_page.without_page(self.out, [vars(row) for row in self.rows])
        archive = "" if self.source.is_dir() else shown(self.source)  # nothing is kept of what was in it
        command = f"`sepkit report {shown(self.out)} --all`"
        return [batch_page.bare_sentence(bare, len(self.rows), command, archive)] if bare else []

    def _counts(self) -> str:
        counts = Counter(row.status for row in self.rows)
        words: dict[Status, str] = {
            "done": "done",
            "skipped": "already done",
            "pending": "to do",
            "failed": "failed",
        }
        parts = [f"{counts[status]} {word}" for status, word in words.items() if counts[status]]
        verdicts = Counter(row.verdict for row in self.rows)
        told = [f"{verdicts[verdict]} {verdict}" for verdict in (*TOLD, "bypassed") if verdicts[verdict]]
        judged = f"; {', '.join(told)}" if told else ""
        interrupted = "interrupted; run the same command again to go on: " if self.interrupted else ""
        return f"{interrupted}{len(self.rows)} files: {', '.join(parts)}{judged}"

    def as_dict(self) -> dict[str, Any]:
        """What report.json holds. Paths begin at OUT_DIR, so that it can be moved, and shown to others."""
        escalate_to = tuple(seen_from(self.out, Path(path)) for path in self.config.escalate_to)
        edits = self.config.edits
        if isinstance(edits, Labelled):
            edits = edits.moved(lambda path: seen_from(self.out, Path(path)))
        return {
            "sepkit": __version__,
            "source": seen_from(self.out, self.source),
            "configuration": dump_config(self.config.model_copy(update={"escalate_to": escalate_to, "edits": edits})),
            "interrupted": self.interrupted,
            "counts": dict(Counter(row.status for row in self.rows)),
            "verdicts": dict(Counter(row.verdict for row in self.rows if row.verdict)),
            "notes": [self._within(note) for note in self.notes],
            "files": [asdict(self._told(row)) for row in self.rows],
        }

    def _told(self, row: Row) -> Row:
        reasons = tuple(map(self._within, row.reasons))
        return replace(row, error=self._within(row.error), note=self._within(row.note), reasons=reasons)

    def _within(self, text: str) -> str:
        """A text without the absolute paths of OUT_DIR and IN_DIR."""
        for folder in (self.out, self.source):
            if folder.is_absolute():
                text = re.sub(rf"{re.escape(shown(folder))}(/|(?![\w.-]))", lambda end: "" if end[1] else ".", text)
        return text

    def _json(self, table: bytes) -> str:
        """table: the CSV, which is known by its hash to be sepkit's own, as is the one that lies there until then."""
        told = self.as_dict()
        known = {"sepkit": told.pop("sepkit"), own.CSV_HASH: hashlib.sha256(table).hexdigest()}
        before = sha256_if_readable(self.out / CSV_NAME)
        if before not in (None, known[own.CSV_HASH]):
            known[own.CSV_HASH_BEFORE] = before
        return json.dumps(known | told, indent=1, allow_nan=False) + "\n"

    def _csv(self) -> str:
        metrics = sorted({name for row in self.rows for name in row.metrics})
        stems = self._stems()
        texts, numbers = ["path", "status", "reason", "error", "note"], ["duration_s", "seconds"]
        sides = [(name, side) for name in metrics for side in ("before", "after")]
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        judged = ["verdict", "configuration", "reasons"]
        writer.writerow(texts + numbers + stems + judged + [f"{name}_{side}" for name, side in sides])
        for row in self.rows:
            files = row.files()
            plain = [_text(getattr(row, name)) for name in texts]
            sizes = [getattr(row, name) for name in numbers]
            sounds = [_text(files.get(stem, "")) for stem in stems]
            verdict = [row.verdict, _text(row.configuration), _text("; ".join(row.reasons))]
            writer.writerow(plain + sizes + sounds + verdict + [_cell(row, name, side) for name, side in sides])
        return text.getvalue()

    def _stems(self) -> list[str]:
        """The columns of files: those that the task has for every source, then what only some have."""
        stems = make_task(self.config).stems()
        known = [stem.name for stem in stems if not stem.inner]
        return list(dict.fromkeys([*known, *(stem for row in self.rows for stem in row.stems)]))


def heard(config: Config) -> list[str]:
    """The stems that the page of a batch lets one hear."""
    return [stem.name for stem in judged(make_task(config).stems())]


def _plan_line(row: Row) -> str:
    words = {"pending": "would render", "skipped": "would skip", "failed": "would fail", "done": "done"}
    why = "; ".join(filter(None, (row.reason, row.error, row.note)))
    return f"{words[row.status]}: {shown(row.path)}: {why}"


def _verdict_line(row: Row) -> str:
    by = f"by {shown(row.configuration)}; " if row.verdict == "escalated" else ""
    return f"{row.verdict}: {shown(row.path)}: {by}{shown('; '.join(row.reasons))}"


def _cell(row: Row, metric: str, side: str) -> float | str | None:
    """A value; where there is none, why."""
    score: dict[str, float | str | None] = row.metrics.get(metric, {})
    value = score.get(side)
    return value if value is not None else _text(str(score.get("why") or ""))


def _text(text: str) -> str:
    utf8 = text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="backslashreplace")
    return as_cell(utf8)
