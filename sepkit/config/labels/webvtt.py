"""WebVTT subtitles: a line WEBVTT, then blocks of `[H:]MM:SS.mmm --> [H:]MM:SS.mmm` and lines of text.

Source: W3C, "WebVTT: The Web Video Text Tracks Format", https://www.w3.org/TR/webvtt1/. Blocks that begin with NOTE,
STYLE or REGION hold no text.
"""

from __future__ import annotations

from sepkit.config.labels.cues import cues
from sepkit.config.labels.row import Label, Page, first_line

NAME = "WebVTT subtitles"
SUFFIXES = (".vtt",)
ASIDE = ("WEBVTT", "NOTE", "STYLE", "REGION")


def looks(page: Page) -> bool:
    """Whether it begins as the standard asks."""
    return first_line(page).split(None, 1)[0] == "WEBVTT"


def rows(page: Page) -> list[Label]:
    """The cues."""
    return list(cues(page, ASIDE))
