"""Read a label file: its format is told by its content, by its suffix where the content fits several."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sepkit.config.labels import audacity, audition, reaper, records, rttm, srt, table, webvtt
from sepkit.config.labels.row import Label, Labels, Page, first_line, found
from sepkit.config.labels.text import read_page
from sepkit.errors import ConfigError
from sepkit.files.naming import shown


class Format(Protocol):
    """What the file of a format holds. looks: whether a page is of it, by its first lines. rows: read, or an error."""

    @property
    def NAME(self) -> str:  # noqa: N802  a constant of the module
        """What a message calls it."""
        ...

    @property
    def SUFFIXES(self) -> tuple[str, ...]:  # noqa: N802
        """Of its files, the likeliest first."""
        ...

    def looks(self, page: Page) -> bool:
        """Whether the page is of this format."""
        ...

    def rows(self, page: Page) -> list[Label]:
        """The rows of the page."""
        ...


FORMATS: tuple[Format, ...] = (records, webvtt, srt, audition, reaper, table, rttm, audacity)
"""Those with the plainest marks first."""


def read_labels(path: str | Path) -> Labels:
    """The rows of a label file. One that cannot be read, or holds no window, is a `ConfigError` with its line."""
    path = Path(path)
    page = read_page(path)
    form = _format(page)
    rows = form.rows(page)
    if not rows:
        raise ConfigError(f"{shown(path)}: {form.NAME} without a row that has a length; give one with windows")
    return Labels(path, form.NAME, tuple(rows), page.all_notes())


def _format(page: Page) -> Format:
    fitting = [form for form in FORMATS if form.looks(page)]
    if not fitting:
        known = "; ".join(f"{form.NAME} ({', '.join(form.SUFFIXES)})" for form in FORMATS)
        begin = found(first_line(page))
        raise ConfigError(f"{shown(page.path)}: is in no format that is read, {begin}; give {known}")
    suffix = page.path.suffix.lower()
    return next((form for form in fitting if suffix in form.SUFFIXES), fitting[0])
