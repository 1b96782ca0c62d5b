"""The comparison as CSV, one line a metric, condition and method: for other programs."""

from __future__ import annotations

import csv
from pathlib import Path

from sepkit.compare.statistics import Interval
from sepkit.compare.tables import Comparison
from sepkit.files.spreadsheet import as_cell
from sepkit.files.whole_file import whole_file

COLUMNS = (
    *("metric", "unit", "better", "condition", "method", "n", "of", "mean", "low", "high"),
    *("difference", "difference_low", "difference_high", "best"),
)


def write(path: Path, made: Comparison) -> Path:
    """Write comparison.csv. An interval needs two mixes; what there is none of is left empty."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for table in made.tables:
            score = table.score
            for method, cells in table.cells.items():
                for column, cell in cells.items():
                    value, gain = _numbers(cell.value, cell.n), _numbers(cell.difference, cell.compared)
                    counts = (cell.n, cell.of)
                    texts = map(as_cell, (score.name, score.unit, score.better, column, method))
                    rows.writerow((*texts, *counts, *value, *gain, int(cell.best)))
    return path


def _numbers(found: Interval | None, n: int) -> tuple[float | None, ...]:
    if found is None:
        return None, None, None
    return tuple(found) if n > 1 else (found.mean, None, None)
