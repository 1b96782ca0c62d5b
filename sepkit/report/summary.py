"""The table of a pair before and after, as Markdown for people and as JSON for programs.

Last in the flow. What was not measured stands in the table with its reason, like everything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sepkit.metrics.base import Better, Evaluation, Score
from sepkit.report.whole_file import whole_file
from sepkit.weights import WeightFile, size_text

ARROWS: dict[Better, str] = {"higher": "↑ better", "lower": "↓ better", "neither": ""}
NO_VALUE = "–"
HEAD = ("Metric", "Before", "After", "Unit", "Direction", "Remark")


def table(evaluation: Evaluation) -> str:
    """The rows of an evaluation as a Markdown table whose columns also line up as plain text."""
    rows = [HEAD, *map(_cells, evaluation.scores)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in rows
    ]
    rule = f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    return "\n".join([lines[0], rule, *lines[1:]])


def write(folder: Path, evaluation: Evaluation, run_facts: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write metrics.json and summary.md into `folder` and return both paths.

    run_facts: what was run. "settings" (the resolved YAML) and "weights" (an iterable of `WeightFile`) have
    places of their own; every other entry ("input", "seconds", …) becomes a line, its key the label.
    """
    weights = tuple(dict.fromkeys(run_facts.get("weights", ())))
    facts = {key: value for key, value in run_facts.items() if key not in ("settings", "weights")}
    contents = {
        "metrics.json": json.dumps(
            {
                **evaluation.as_dict(),
                "run": {key: str(value) for key, value in facts.items()},
                "settings": run_facts.get("settings", ""),
                "weights": [_weight_facts(file) for file in weights],
            },
            ensure_ascii=False,
            indent=2,
            allow_nan=False,
        ),
        "summary.md": _page(evaluation, facts, str(run_facts.get("settings", "")), weights),
    }
    for name, text in contents.items():
        with whole_file(folder / name) as part:
            part.write_text(text + "\n", encoding="utf-8")
    return folder / "metrics.json", folder / "summary.md"


def _cells(score: Score) -> tuple[str, ...]:
    remark = "; ".join(part for part in (score.why, score.note) if part)
    cells = (
        score.label,
        _number(score.before),
        _number(score.after),
        score.unit,
        ARROWS[score.better],
        remark,
    )
    return tuple(_plain(cell) for cell in cells)


def _number(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:.2f}"


def _plain(text: str) -> str:
    """Text that cannot break out of its cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _page(
    evaluation: Evaluation, facts: Mapping[str, Any], settings: str, weights: tuple[WeightFile, ...]
) -> str:
    excerpt = (
        f"Measured from {evaluation.start_s:.1f} s to {evaluation.end_s:.1f} s of {evaluation.whole_s:.1f} s."
    )
    parts = [
        "# Before and after",
        table(evaluation),
        "\n".join([excerpt, *(f"- {note}" for note in evaluation.notes)]),
    ]
    if facts:
        parts += [
            "## What was run",
            "\n".join(f"- {_plain(key)}: {_plain(str(value))}" for key, value in facts.items()),
        ]
    if weights:
        parts += ["## Weights", _weights_table(weights)]
    if settings:
        parts += ["## Settings", f"```yaml\n{settings.rstrip()}\n```"]
    return "\n\n".join(parts)


def _weights_table(weights: tuple[WeightFile, ...]) -> str:
    rows = [
        "| Model | File | Size | SHA-256 | Licence of code | Licence of weights |",
        "|---|---|---|---|---|---|",
    ]
    for file in weights:
        cells = _weight_facts(file)
        cells["size_bytes"] = size_text(file.size_bytes)
        rows.append(f"| {' | '.join(_plain(str(value)) for value in cells.values())} |")
    return "\n".join(rows)


def _weight_facts(file: WeightFile) -> dict[str, str | int]:
    return {
        "model": file.model,
        "file": file.path.name,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256 or "inside its package",
        "licence_code": file.licence_code,
        "licence_weights": file.licence_weights,
    }
