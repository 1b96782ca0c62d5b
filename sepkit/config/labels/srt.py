"""SubRip subtitles: blocks of a number, `H:MM:SS,mmm --> H:MM:SS,mmm` and lines of text, with blank lines between."""

from __future__ import annotations

from sepkit.config.labels.cues import cues, is_time_line
from sepkit.config.labels.row import Label, Page

NAME = "SRT subtitles"
SUFFIXES = (".srt",)


def looks(page: Page) -> bool:
    """Whether a time line is the first or second line."""
    first = [line for line in page.lines if line.strip()][:2]
    return any(map(is_time_line, first[:1] if not first[0].strip().isdecimal() else first))


def rows(page: Page) -> list[Label]:
    """The subtitles."""
    return list(cues(page, aside=()))
