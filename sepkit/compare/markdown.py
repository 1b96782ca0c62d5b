"""The comparison as Markdown: an overview, then a table a metric by condition."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sepkit.compare.statistics import LEAST_FILES
from sepkit.compare.tables import Comparison, Table, counted
from sepkit.files.whole_file import whole_file
from sepkit.metrics.base import Better
from sepkit.report.summary import lined_up

BEST = "★"
ARROWS: dict[Better, str] = {"higher": "↑ better", "lower": "↓ better", "neither": ""}


def write(path: Path, title: str, made: Comparison) -> Path:
    """Write comparison.md."""
    parts = [f"# {_text(title)}", explanation(made), *_listed(made.remarks), "## Overview", overview(made)]
    for table in made.tables:
        parts += [f"## {_text(heading(table))}", metric(table, list(made.columns)), *remarks(table)]
    if made.notes:
        parts += ["## Remarks", "\n".join(f"- {_text(note)} ({counted(count)})" for note, count in made.notes.items())]
    with whole_file(path) as part:
        part.write_text("\n\n".join(parts) + "\n", encoding="utf-8", errors="backslashreplace")
    return path


def explanation(made: Comparison) -> str:
    """What the figures are, in the words of all reports."""
    return (
        f"Means with 95 % bootstrap intervals over mixes; Δ: difference to {_text(made.base)}, paired mix by mix. "
        f"{BEST}: better than every other method but the oracle, each by a paired interval that excludes 0, of at "
        f"least {LEAST_FILES} mixes. The oracle ratio mask knows the truth and is an upper bound."
    )


def overview(made: Comparison) -> str:
    """A row a metric, a column a method, over the mixes of the main column."""
    rows = [[f"{made.main}: {counted(len(made.columns[made.main]))}", "Better", *map(_text, made.methods)]]
    for table in made.tables:
        cells = [_cell(table, method, made.main, difference=False) for method in made.methods]
        rows.append([_text(named(table)), ARROWS[table.score.better], *cells])
    return lined_up(rows)


def metric(table: Table, columns: Sequence[str]) -> str:
    """A row a method, a column a condition."""
    rows = [["Method", *map(_text, columns)]]
    rows += [
        [_text(method), *(_cell(table, method, column, difference=True) for column in columns)]
        for method in table.cells
    ]
    return lined_up(rows)


def named(table: Table) -> str:
    """A metric with its unit: "STOI, 0–1"."""
    return ", ".join(filter(None, (table.score.label, table.score.unit)))


def heading(table: Table) -> str:
    """The same with its direction."""
    arrow = ARROWS[table.score.better]
    return f"{named(table)} ({arrow})" if arrow else named(table)


def remarks(table: Table) -> list[str]:
    """What was not measured, as a list in one part; none where all was."""
    return _listed(table.why)


def _listed(sentences: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {_text(each)}" for each in sentences)] if sentences else []


def _cell(table: Table, method: str, column: str, difference: bool) -> str:
    cell = table.cells[method][column]
    value = cell.value_text(table.decimals)
    gain = cell.difference_text(table.decimals) if difference else ""
    count = f"({cell.count_text})" if cell.count_text else ""
    return " ".join(filter(None, (value, f"Δ {gain}" if gain else "", count, BEST if cell.best else "")))


def _text(text: str) -> str:
    """A name that stays text where the Markdown becomes HTML."""
    return text.replace("<", "\\<")
