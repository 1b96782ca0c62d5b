"""CSV as rows of cells with the lines they begin on."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from sepkit.config.labels.row import Page, first_line

DELIMITERS = (",", ";", "\t")


def delimiter(page: Page, *comments: str) -> str:
    """What stands between the names of the header, the first line that begins with none of `comments`."""
    return max(DELIMITERS, key=first_line(page, *comments).count)


def csv_rows(page: Page, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row that holds anything; a quote that is never closed, or a cell too long, is an error."""
    reader = csv.reader((f"{line}\n" for line in page.lines), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise page.bad(0, line, f"is not valid CSV ({error}); mend it, cells with quotes need them doubled") from error
