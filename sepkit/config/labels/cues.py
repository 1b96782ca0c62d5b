"""What SRT and WebVTT share: blocks with a line of two times, and text below it.

Both are read with a comma or a point before the decimals and with or without hours, as programs mix them up.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import groupby

from sepkit.config.labels.row import Label, Page, found
from sepkit.config.labels.times import seconds

ARROW = "-->"
STRAY = "a block without times is not read"
_MARKUP = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
"""Tags of both, as <i> or <v Anna>, and of SubStation, as {\\an8}, which some SRT files hold."""


def cues(page: Page, aside: tuple[str, ...]) -> Iterator[Label]:
    """A row for each block that has times. aside: how blocks begin that are no cues."""
    row = 0
    numbered = enumerate(page.lines, 1)
    for blank, block in groupby(numbered, key=lambda each: not each[1].strip()):
        lines = [] if blank else list(block)
        if not lines or (aside and lines[0][1].split(None, 1)[0] in aside):
            continue
        at = next((index for index, (_, line) in enumerate(lines) if ARROW in line), None)
        if at is None:
            page.seen(STRAY, lines[0][0])
            continue
        row += 1
        number, line = lines[at]
        start_s, end_s = _times(line)
        if start_s is None or end_s is None:
            raise page.bad(row, number, f"two times as 00:01:02.500 {ARROW} 00:01:04.000 are asked, {found(line)}")
        yield Label(*page.window(start_s, end_s, row, number), _text(lines[at + 1 :]), row=row, line=number)


def _times(line: str) -> tuple[float | None, float | None]:
    """The times beside the arrow; what follows them says where the text is shown."""
    before, _, after = line.partition(ARROW)
    return seconds(before), seconds(([*after.split(None, 1), ""])[0])


def _text(lines: list[tuple[int, str]]) -> str:
    return html.unescape(_MARKUP.sub("", " ".join(line.strip() for _, line in lines))).strip()
