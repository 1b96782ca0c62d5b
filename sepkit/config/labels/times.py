"""Times as label files write them: seconds, M:SS.mmm or H:MM:SS.mmm, with a point or a comma before the decimals."""

from __future__ import annotations

import re

_SECONDS = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)", re.ASCII | re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d\d?(?:[.,]\d+)?)", re.ASCII)
LONGEST = 40
"""Characters of a time."""


def number(text: str) -> float | None:
    """A number; None where it is none. Not a number (nan) and infinity are read, so that a message can name them.

    >>> number("1,5"), number("2.25"), number("1:30"), number("nan")
    (1.5, 2.25, None, nan)
    """
    text = text.strip()
    return float(text.replace(",", ".")) if len(text) <= LONGEST and _SECONDS.fullmatch(text) else None


def seconds(text: str) -> float | None:
    """A time in seconds; None where it is none. Minutes and seconds stay below 60 where hours, or minutes, are given.

    >>> seconds("90"), seconds("1:30,5"), seconds("2:00:01.25"), seconds("12.1.00"), seconds("0:75")
    (90.0, 90.5, 7201.25, None, None)
    """
    text = text.strip()
    clock = _CLOCK.fullmatch(text) if len(text) <= LONGEST else None
    if clock is None:
        return number(text)
    hours, minutes, rest_s = int(clock[1] or 0), int(clock[2]), float(clock[3].replace(",", "."))
    if rest_s >= 60 or (clock[1] and minutes >= 60):
        return None
    return 3600 * hours + 60 * minutes + rest_s
