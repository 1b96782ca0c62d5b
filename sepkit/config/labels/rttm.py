"""RTTM: `SPEAKER file channel start duration <NA> <NA> name <NA> <NA>`, as programs for diarisation write.

Source: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A. `;;` begins a
comment, and <NA> stands for what is not known.
"""

from __future__ import annotations

from sepkit.config.labels.row import Label, Page, first_line, found
from sepkit.config.labels.times import seconds

NAME = "RTTM"
SUFFIXES = (".rttm",)
COMMENT, NOT_KNOWN = ";;", "<NA>"
TIMED = ("SPEAKER", "SEGMENT", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER", "EDIT", "SU", "NOSCORE", "NO_RT_METADATA")
UNTIMED = ("SPKR-INFO", "CB", "IP", "A/P")
"""Types of lines: with a start and a duration, and without one of them."""


def looks(page: Page) -> bool:
    """Whether a type of the format begins the first line."""
    cells = first_line(page, COMMENT).split(None, 4)
    return len(cells) >= 4 and cells[0] in (*TIMED, *UNTIMED)


def rows(page: Page) -> list[Label]:
    """The lines of types that have times. Their file must be one: windows of others would be cut into this one."""
    labels: list[Label] = []
    recordings: dict[str, None] = {}
    row = 0
    for number, line in enumerate(page.lines, 1):
        if not line.strip() or line.lstrip().startswith(COMMENT):
            continue
        row += 1
        cells = line.split(None, 9)
        if cells[0] in UNTIMED:
            continue
        start_s, length_s = (seconds(cell) for cell in [*cells, "", "", "", "", ""][3:5])
        if cells[0] not in TIMED or start_s is None or length_s is None:
            raise page.bad(row, number, f"SPEAKER, a file, a channel, a start and a duration are asked, {found(line)}")
        recordings[cells[1]] = None
        if len(recordings) > 1:
            others = " and ".join(map(repr, recordings))
            raise page.bad(row, number, f"it holds rows of two recordings, {others}; give a file with those of one")
        name = cells[7] if len(cells) > 7 and cells[7] != NOT_KNOWN else ""
        labels.append(Label(*page.window(start_s, start_s + length_s, row, number), name, row=row, line=number))
    return labels
