"""What sepkit's own tables say of an edit, as columns of CSV or keys of JSON: the same names, the same checks."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

from sepkit.config.labels.row import Label, Page
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped, shown

TEXTS = ("path", "prompt", "class", "mode")
NUMBERS = ("start_s", "end_s", "fade_ms", "strength")
COLUMNS = (*TEXTS, *NUMBERS)
"""`class` is the prompt as `sepkit detect` writes it."""
NOT_NEEDED = ("confidence", "similarity")
"""What `sepkit detect` says besides."""

Cells = Mapping[str, str | float | None]


def check_names(page: Page, names: Collection[str]) -> None:
    """Refuse names that are nearly those of a column, and note those that are far from any.

    Where no column says from when to when, one that is not read may have been meant to: "from", "windows".
    """
    others = [name for name in names if name and name not in (*COLUMNS, *NOT_NEEDED)]
    for name in others:
        if close := difflib.get_close_matches(name.casefold(), COLUMNS, n=1):
            raise ConfigError(
                f"{shown(page.path)}: there is no column '{clipped(name, 40)}'; did you mean '{close[0]}'? "
                f"(known: {', '.join(COLUMNS)})"
            )
    if others and not {"start_s", "end_s"}.intersection(names):
        raise ConfigError(
            f"{shown(page.path)}: says with no start_s and end_s from when to when, and {clipped(', '.join(others))} "
            "is not read; name the two columns so, or leave that out to edit the whole file"
        )
    if others:
        page.notes.append(f"columns that are not read: {clipped(', '.join(others))}")


def label(page: Page, cells: Cells, row: int, line: int = 0) -> Label:
    """A row from its cells, absent ones None or left out. Neither start nor end: the whole file."""
    texts = {name: str(cells.get(name) or "").strip() for name in TEXTS}
    start_s, end_s, fade_ms, strength = (_number(page, cells.get(name), name, row, line) for name in NUMBERS)
    if (start_s is None) != (end_s is None):
        raise page.bad(row, line, "has one of start_s and end_s; give both, or neither for the whole file")
    if start_s is not None and end_s is not None:
        page.window(start_s, end_s, row, line)
    text = texts["prompt"] or texts["class"]
    mode = texts["mode"].lower() or None
    return Label(start_s, end_s, text, mode, fade_ms, strength, texts["path"], row, line)


def _number(page: Page, value: str | float | None, name: str, row: int, line: int) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        try:
            return None if value is None else float(value)
        except OverflowError:  # a whole number beyond the range of floats
            pass
    raise page.bad(row, line, f"{name}: a number is asked, found '{clipped(str(value), 40)}'")
