"""sepkit's own CSV: `prompt,mode,start_s,end_s,fade_ms,strength`, for a batch with a column `path`.

Columns come in any order and may be left out. `;` and tabs do between them as well, and then a comma before decimals.
Lines that begin with # are comments. A row without start_s and end_s is for the whole file.
"""

from __future__ import annotations

from sepkit.config.labels.cells import csv_rows, delimiter
from sepkit.config.labels.columns import COLUMNS, NUMBERS, check_names, label
from sepkit.config.labels.row import Label, Page, first_line
from sepkit.config.labels.times import seconds

NAME = "sepkit's CSV"
SUFFIXES = (".csv", ".tsv")
COMMENT = "#"
TELLING = {"prompt", "class", "start_s", "end_s"}
"""A header has one of these."""


def looks(page: Page) -> bool:
    """Whether the first line is a header that sepkit knows."""
    return bool(TELLING.intersection(_header(first_line(page, COMMENT).split(delimiter(page, COMMENT)))))


def rows(page: Page) -> list[Label]:
    """The rows below the header."""
    labels: list[Label] = []
    header: list[str] = []
    for line, cells in csv_rows(page, delimiter(page, COMMENT)):
        if cells[0].lstrip().startswith(COMMENT):
            continue
        if not header:
            header = _checked(page, cells, line)
            continue
        row = len(labels) + 1
        if any(map(str.strip, cells[len(header) :])):
            what = "has more cells than the header; put a cell with a comma in quotes, or separate cells with ;"
            raise page.bad(row, line, what)
        given = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
        read = {name: _read(name, cell) for name, cell in given.items()}
        labels.append(label(page, read, row, line))
    return labels


def _checked(page: Page, cells: list[str], line: int) -> list[str]:
    header = _header(cells)
    if twice := next((name for name in header if name in COLUMNS and header.count(name) > 1), None):
        raise page.bad(0, line, f"the column '{twice}' stands twice; keep one")
    check_names(page, header)
    return header


def _header(cells: list[str]) -> list[str]:
    return [cell.strip().strip('"').lower() for cell in cells]


def _read(name: str, cell: str) -> str | float:
    """A cell of a column of numbers as one, where it is one."""
    value = seconds(cell) if name in NUMBERS else None
    return cell if value is None else value
