"""An Adobe Audition marker list: Name, Start, Duration, Time Format, Type, Description, with tabs between, named .csv.

Source: what "Export Selected Markers to CSV" of Audition's Markers panel writes. Its times are `M:SS.mmm` or
`H:MM:SS.mmm` where the display counts in decimals ("decimal" as the time format), samples, frames or beats elsewhere.
"""

from __future__ import annotations

from sepkit.config.labels.row import Label, Page, first_line, found
from sepkit.config.labels.times import seconds

NAME = "an Audition marker list"
SUFFIXES = (".csv", ".txt")
HEADER = ("name", "start", "duration")
DECIMAL = "decimal"


def looks(page: Page) -> bool:
    """Whether the first line is its header."""
    return _cells(first_line(page))[:3] == list(HEADER)


def rows(page: Page) -> list[Label]:
    """The markers that have a duration."""
    labels: list[Label] = []
    row = -1
    for number, line in enumerate(page.lines, 1):
        if not line.strip():
            continue
        row += 1
        if row == 0:
            continue  # the header
        name, start, duration, time_format = [*line.split("\t", 4), "", "", "", ""][:4]
        start_s, length_s = seconds(start), seconds(duration)
        if start_s is None or length_s is None or time_format.strip().lower() not in ("", DECIMAL):
            raise page.bad(
                row,
                number,
                f"a start and a duration as M:SS.mmm are asked, {found(line)}; in Audition choose View > Display Time "
                "Format > Decimal and export the markers again",
            )
        window = page.window_or_point(start_s, start_s + length_s, row, number)
        if window:
            labels.append(Label(*window, name.strip(), row=row, line=number))
    return labels


def _cells(line: str) -> list[str]:
    return [cell.strip().lower() for cell in line.split("\t")]
