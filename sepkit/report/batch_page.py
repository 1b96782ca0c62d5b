"""The page of a batch: its files in a table that sorts and filters, how metrics are spread, what failed, the time.

It holds numbers alone, no sound: ten thousand rows are a few megabytes. Files link to their own pages.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from sepkit.files import naming
from sepkit.files.naming import shown
from sepkit.metrics.base import GOALS
from sepkit.report import html
from sepkit.report.file_page import table_row
from sepkit.report.pictures import CURRENT, bare_figure, inline_svg

PAGE_NAME = "report.html"
FOLDER_NAME = "report"
"""Beside the page: the pages of the files, mirrored."""
PAGE_ROWS = 50
"""Rows of the table in the document at a time."""
MOST_FAILURES = 20
"""Listed with their reasons; beyond that, the table's filter shows them."""
BINS = 30

FileRow = Mapping[str, Any]
"""A file as report.json has it."""


class Metric(NamedTuple):
    """A metric of the batch: how it is called and read, a picture of its values before and after, and in how many
    files it became better and worse. silent: how many were left out, for nobody speaks there and it tells of speech.
    """

    name: str
    label: str
    unit: str
    direction: str
    picture: str
    measured: int
    silent: int
    better: int
    worse: int
    mean_before: float | None
    mean_after: float | None


class Stage(NamedTuple):
    """CPU-seconds of a stage over all files, and its part of the whole."""

    name: str
    seconds: float
    part: float


def page_path(out: Path, path: str) -> Path:
    """Where the page of the file `path` (relative to the batch's folder) lies."""
    mirrored = out / FOLDER_NAME / path
    return mirrored.with_name(naming.fitted_name(mirrored.name, ".html"))


def write(out: Path, record: Mapping[str, Any], heard: Collection[str] = ()) -> Path:
    """Write `out`/report.html from what report.json holds. heard: the stems to hear; of none, the first output."""
    rows: Sequence[FileRow] = record["files"]
    metrics = list(_metrics(rows))
    failed = [row for row in rows if row["error"] or row.get("verdict") == "quarantined"]
    duration_s = sum(row["duration_s"] or 0.0 for row in rows)
    return html.write_page(
        out / PAGE_NAME,
        "batch.html",
        title=shown(out.absolute().name),
        kind="batch",
        counts=_counts(rows),
        files=len(rows),
        duration_h=duration_s / 3600,
        seconds=sum(row["seconds"] or 0.0 for row in rows),
        rendered_s=sum(row["duration_s"] or 0.0 for row in rows if row["seconds"]),
        duration_s=duration_s,
        interrupted=record["interrupted"],
        notes=[*record["notes"], *_without_page(out, record)],
        metrics=metrics,
        stages=list(_stages(rows)),
        failures=[(shown(row["path"]), _why(row)) for row in failed[:MOST_FAILURES]],
        silent=sum(each.silent for each in metrics),
        failures_left=max(0, len(failed) - MOST_FAILURES),
        table={
            "page_rows": PAGE_ROWS,
            "metrics": [{"name": each.name, "label": each.label, "unit": each.unit} for each in metrics],
            "rows": [_table_row(out, row, [each.name for each in metrics], heard) for row in rows],
        },
    )


def _without_page(out: Path, record: Mapping[str, Any]) -> list[str]:
    """The sentence for the page, which says how the command is given in its own folder."""
    bare, source = without_page(out, record["files"]), record.get("source", "")
    archive = "" if (out / source).is_dir() else shown(source)
    command = "`sepkit report . --all`, given in this folder,"
    return [bare_sentence(bare, len(record["files"]), command, archive)] if bare else []


def without_page(out: Path, rows: Sequence[FileRow]) -> int:
    """How many files could have a page and have none."""
    return sum(1 for row in rows if row.get("outputs") and not _has_page(out, row))


def bare_sentence(bare: int, files: int, command: str, archive: str) -> str:
    """What makes the pages that are not there. archive: the zip that the sources came in; empty: a folder."""
    makes = f"{command} makes {'it' if bare == 1 else 'them'}"
    if archive:
        makes = f"unpack {archive} and run the batch over the folder, then {makes}"
    return f"{bare} of {files} files {'has' if bare == 1 else 'have'} no page: {makes}"


def _has_page(out: Path, row: FileRow) -> bool:
    return os.path.isfile(page_path(out, row["path"]))  # noqa: PTH113  of any name


def outcome(row: FileRow) -> str:
    """What became of a file, in one word: the gate's verdict where there is one and it says more than done."""
    verdict: str = row.get("verdict") or ""
    if row["status"] in ("done", "skipped") and verdict not in ("", "passed"):
        return verdict
    return "already done" if row["status"] == "skipped" else str(row["status"])


def _table_row(out: Path, row: FileRow, metrics: Sequence[str], heard: Collection[str]) -> list[Any]:
    """[name, link, outcome, why, duration in s, seconds, values before, values after, [name, link] of each sound to
    hear, which values say nothing without speech].
    """
    page = page_path(out, row["path"])
    link = quote(os.fsencode(page.relative_to(out))) if _has_page(out, row) else ""
    scores = [row["metrics"].get(name, {}) for name in metrics]
    values = [[_short(score.get(side)) for score in scores] for side in ("before", "after")]
    took = (_short(row[name]) for name in ("duration_s", "seconds"))
    files = list(zip(row.get("stems") or ("",), row.get("outputs") or (), strict=False))
    sounds = [(stem.replace("_", " "), quote(os.fsencode(file))) for stem, file in files if stem in heard] or [
        ("", quote(os.fsencode(file))) for _, file in files[:1]
    ]
    silent = [index for index, score in enumerate(scores) if _is_silent(score)]
    return [shown(row["path"]), link, outcome(row), _why(row), *took, *values, sounds, silent]


def _why(row: FileRow) -> str:
    return "; ".join(str(part) for part in (row["error"], *row.get("reasons", ()), row["note"]) if part)


def _short(value: float | None) -> float | None:
    """Five digits are more than a table shows."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.5g}")


def _counts(rows: Sequence[FileRow]) -> dict[str, int]:
    """How many files came to each end, the most frequent first."""
    return dict(Counter(outcome(row) for row in rows).most_common())


def _stages(rows: Sequence[FileRow]) -> Iterator[Stage]:
    """The slowest first."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row.get("stages") or {})
    whole = sum(total.values())
    for name, seconds in total.most_common():
        yield Stage(name, seconds, seconds / whole if whole else 0.0)


def _metrics(rows: Sequence[FileRow]) -> Iterator[Metric]:
    """Every metric that any file has, in the order in which they are met."""
    named = {name: score for row in rows for name, score in row["metrics"].items()}
    for name, score in named.items():
        before, after = (_values(rows, name, side) for side in ("before", "after"))
        picture = _histogram(before, after, f"{score['label']}, {score['unit']}") if after else ""
        verdicts = Counter(table_row(name, row["metrics"][name]).verdict for row in rows if name in row["metrics"])
        judged = verdicts["better"], verdicts["worse"]
        means = (math.fsum(values) / len(values) if values else None for values in (before, after))
        goal = GOALS[score["better"]]
        direction = f"{goal} is better" if goal else ""
        silent = sum(1 for row in rows if _is_silent(row["metrics"].get(name, {})))
        yield Metric(name, score["label"], score["unit"], direction, picture, len(after), silent, *judged, *means)


def _values(rows: Sequence[FileRow], name: str, side: str) -> list[float]:
    scores = (row["metrics"].get(name, {}) for row in rows)
    return [score[side] for score in scores if score.get(side) is not None and not _is_silent(score)]


def _is_silent(score: Mapping[str, Any]) -> bool:
    """Whether it has a value that says nothing, for it tells of speech and nobody speaks."""
    return score.get("basis") == "no speech" and score.get("after") is not None


def _histogram(before: Sequence[float], after: Sequence[float], label: str) -> str:
    """How many files have which value: before as an outline, after filled."""
    figure, axes = bare_figure(4.2, 2.2)
    low, high = min(*before, *after, math.inf), max(*before, *after, -math.inf)
    extent = (low, high) if high > low else (low - 0.5, high + 0.5)
    axes.hist(after, bins=BINS, range=extent, color=CURRENT, alpha=0.45, label="after")
    if before:
        axes.hist(before, bins=BINS, range=extent, histtype="step", color=CURRENT, linewidth=1.4, label="before")
    axes.set_xlabel(label, color=CURRENT, fontsize=9)
    axes.set_ylabel("files", color=CURRENT, fontsize=9)
    axes.legend(frameon=False, fontsize=8, labelcolor=CURRENT)
    axes.spines[["top", "right"]].set_visible(False)
    figure.set_layout_engine("constrained")
    return inline_svg(figure)
