"""A REAPER region list: `#,Name,Start,End,Length`, regions as R1, R2, … and markers, which have no end, as M1, M2, …

Source: what "Export regions/markers" of REAPER's Region/Marker Manager writes. Its times are in the ruler's unit, of
which seconds and [h:]m:s are read; bars (`12.1.00`), frames (`0:01:02:12`) and samples say nothing of seconds.
"""

from __future__ import annotations

from sepkit.config.labels.cells import csv_rows
from sepkit.config.labels.row import Label, Page, first_line, found
from sepkit.config.labels.times import seconds

NAME = "a REAPER region list"
SUFFIXES = (".csv",)
HEADER = ("#", "name", "start", "end")
UNIT = (
    "in REAPER choose View > Time unit for ruler > Seconds, or Minutes:Seconds, in place of bars, frames or samples, "
    "and export the regions again"
)


def looks(page: Page) -> bool:
    """Whether the first line is its header."""
    return [cell.strip().lower() for cell in first_line(page).split(",")[:4]] == list(HEADER)


def rows(page: Page) -> list[Label]:
    """The regions; markers are points."""
    labels: list[Label] = []
    row = -1
    for number, cells in csv_rows(page, ","):
        row += 1
        if row == 0:
            continue  # the header
        _, name, start, end = [*cells, "", "", "", ""][:4]
        start_s, end_s = seconds(start), seconds(end or start)
        if start_s is None or end_s is None:
            raise page.bad(
                row, number, f"times in seconds or as [h:]m:s are asked, {found(f'{start} – {end}')}; {UNIT}"
            )
        window = page.window_or_point(start_s, end_s, row, number)
        if window:
            labels.append(Label(*window, name.strip(), row=row, line=number))
    return labels
