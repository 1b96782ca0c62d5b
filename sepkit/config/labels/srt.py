"""SubRip subtitles: blocks of a number, `H:MM:SS,mmm --> H:MM:SS,mmm` and lines of text, with blank lines between."""

from __future__ import annotations

from sepkit.config.labels.cues import ARROW, cues
from sepkit.config.labels.row import Label, Page

NAME = "SRT subtitles"
SUFFIXES = (".srt",)


def looks(page: Page) -> bool:
    """Whether the first line, or the second one below a number, has the arrow of two times."""
    first, second = [*(line.strip() for line in page.lines if line.strip()), "", ""][:2]
    return ARROW in first or (first.isdecimal() and ARROW in second)


def rows(page: Page) -> list[Label]:
    """The subtitles."""
    return list(cues(page, aside=()))
