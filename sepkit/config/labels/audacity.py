r"""An Audacity label track: `start⇥end⇥label` in seconds, and below a label of a spectral selection `\⇥low⇥high` in Hz.

Source: Audacity manual, "Importing and Exporting Labels",
https://manual.audacityteam.org/man/importing_and_exporting_labels.html. A point label has two equal times.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sepkit.config.labels.row import Label, Page, first_line, found
from sepkit.config.labels.times import seconds
from sepkit.files.whole_file import whole_file

NAME = "an Audacity label track"
SUFFIXES = (".txt",)
FREQUENCIES = "the frequencies of a label are not used, a window holds all of them"


def looks(page: Page) -> bool:
    """Whether two times begin the first line."""
    return _parts(first_line(page, "#", "\\")) is not None


def rows(page: Page) -> list[Label]:
    """The labels that have a length."""
    labels: list[Label] = []
    row = 0
    for number, line in enumerate(page.lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("\\"):
            page.seen(FREQUENCIES, number)
            continue
        row += 1
        parts = _parts(line)
        if parts is None:
            raise page.bad(row, number, f"start, end and label are asked, with tabs between them, {found(line)}")
        window = page.window_or_point(*parts[:2], row, number)
        if window:
            labels.append(Label(*window, parts[2], row=row, line=number))
    return labels


def label_track(labels: Iterable[Label]) -> str:
    """The text of a label track. Times are rounded to the microsecond; a label is one line, whatever blanks it holds.

    A label for the whole file has no times to write and is an error of the caller.
    """
    return "".join(f"{label.start_s:.6f}\t{label.end_s:.6f}\t{' '.join(label.text.split())}\n" for label in labels)


def write_audacity(path: Path, labels: Iterable[Label]) -> None:
    """Write a label track, in UTF-8, whole or not at all."""
    text = label_track(labels)
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def _parts(line: str) -> tuple[float, float, str] | None:
    """Start, end and label. Spaces do as well as tabs, which some editors turn into spaces."""
    start, end, text = [*line.split(None, 2), "", "", ""][:3]
    start_s, end_s = seconds(start), seconds(end)
    return None if start_s is None or end_s is None else (start_s, end_s, text.strip())
