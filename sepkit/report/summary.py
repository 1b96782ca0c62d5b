"""The table of a pair before and after, as Markdown for people and as JSON for programs.

Last in the flow. What was not measured stands in the table with its reason, like everything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sepkit.files.json_lines import strict
from sepkit.files.whole_file import whole_file
from sepkit.metrics.base import GOALS, Evaluation, is_agreement, verdict
from sepkit.report.headline import beside_it, headline

VERDICTS = {"better": "▲ better", "worse": "▼ worse", "same": "= same", "": ""}
NO_VALUE = "–"
METRICS_NAME = "metrics.json"
HEAD = ("Metric", "Before", "After", "Unit", "Verdict", "Goal", "Remark")
AGREEMENT = "Measured against sepkit's own estimate, which says nothing about how good the result is:"


def table(evaluation: Evaluation) -> str:
    """The rows of an evaluation as a Markdown table whose columns also line up as plain text.

    Rows that stand on sepkit's own estimate follow in a table of their own, and what was not measured in a list.
    """
    rows = evaluation.as_dict()["metrics"].values()
    measured = [row for row in rows if row["before"] is not None or row["after"] is not None]
    judged = [_cells(row) for row in measured if not is_agreement(row)]
    agreeing = [_cells(row) for row in measured if is_agreement(row)]
    parts = [lined_up([HEAD, *judged])] if judged else []
    if agreeing:
        head = ("Metric", "Before", "After", "Unit", "Remark")
        parts += [AGREEMENT, lined_up([head, *((*cells[:4], cells[-1]) for cells in agreeing)])]
    parts += ["\n".join(f"- {row['label']}: {_plain(row['why'] or '')}" for row in rows if row not in measured)]
    return "\n\n".join(filter(None, parts))


def lead(evaluation: Evaluation, notes: Sequence[str]) -> str:
    """What is told before the table: what was done in a sentence, and what else should be known of it."""
    sentence = headline(evaluation.as_dict()["metrics"], notes)
    return "\n\n".join(filter(None, [sentence, "\n".join(f"- {_plain(note)}" for note in beside_it(notes))]))


def write(folder: Path, evaluation: Evaluation, run_facts: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write metrics.json and summary.md into `folder` and return both paths.

    run_facts: what was run, ready for JSON. "configuration" (the resolved YAML), "weights" (a list of mappings of one
    form: model, file, sha256, licence) and "notes" (of the rendering) have places of their own; each other entry is a
    line.
    """
    run = strict(run_facts)
    text = json.dumps({**evaluation.as_dict(), "run": run}, ensure_ascii=False, indent=2, allow_nan=False)
    contents = {METRICS_NAME: text, "summary.md": _page(evaluation, run_facts)}
    for name, content in contents.items():
        with whole_file(folder / name) as part:
            # A file name's bytes that are not UTF-8 become \udcxx, which JSON reads back as they were.
            part.write_text(content + "\n", encoding="utf-8", errors="backslashreplace")
    return folder / METRICS_NAME, folder / "summary.md"


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    remark = "; ".join(part for part in (row["why"], row["note"]) if part)
    figures = row["label"], _number(row["before"]), _number(row["after"]), row["unit"]
    return *figures, VERDICTS[verdict(row)], GOALS[row["better"]], remark


def _number(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:.2f}"


def _plain(text: str) -> str:
    """Text that cannot break out of its cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _page(evaluation: Evaluation, run_facts: Mapping[str, Any]) -> str:
    facts = {name: value for name, value in run_facts.items() if value is not None}
    weights, settings, notes = facts.pop("weights", []), facts.pop("configuration", ""), facts.pop("notes", [])
    start_s, end_s, whole_s = evaluation.start_s, evaluation.end_s, evaluation.whole_s
    parts = ["# Before and after", lead(evaluation, notes), table(evaluation)]
    parts += [f"Measured from {start_s:.1f} s to {end_s:.1f} s of {whole_s:.1f} s."]
    parts += ["\n".join(f"- {_plain(note)}" for note in evaluation.notes)]
    if facts:
        lines = (f"- {name.replace('_', ' ')}: {_plain(_fact(value))}" for name, value in facts.items())
        parts += ["## What was run", "\n".join(lines)]
    if weights:
        parts += ["## Weights", lined_up([list(weights[0]), *(list(file.values()) for file in weights)])]
    if settings:
        parts += ["## Settings", f"```yaml\n{settings.rstrip()}\n```"]
    return "\n\n".join(filter(None, parts))


def _fact(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_fact(item)}" for name, item in value.items())
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def lined_up(rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table, its first row the head, whose columns also line up as plain text."""
    cells = [[_plain(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    lines = (" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(f"| {line} |" for line in lines)
