"""sepkit's own JSON: a list of objects with the keys of the CSV, as `sepkit detect --json` writes it, too.

[{"prompt": "dog bark", "mode": "remove", "start_s": 0, "end_s": 4}, …]
"""

from __future__ import annotations

import json
import re

from sepkit.config.labels.columns import TEXTS, check_names, label
from sepkit.config.labels.row import Label, Page
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped, shown

NAME = "sepkit's JSON"
SUFFIXES = (".json",)
_BEGIN = re.compile(r"\s*(\[\s*[\]{]|\{)")


def looks(page: Page) -> bool:
    """Whether it begins as a list of objects, or as one object, which is told to be no list."""
    return _BEGIN.match(page.text) is not None


def rows(page: Page) -> list[Label]:
    """A row for each object."""
    try:
        found = json.loads(page.text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{shown(page.path)}: is not valid JSON ({error}); mend it") from error
    if not isinstance(found, list):
        raise ConfigError(f"{shown(page.path)}: a list of objects is asked, found one object; put it in [ ]")
    for row, record in enumerate(found, 1):
        _check(page, record, row)
    check_names(page, dict.fromkeys(name for record in found for name in record))
    return [label(page, record, row) for row, record in enumerate(found, 1)]


def _check(page: Page, record: object, row: int) -> None:
    """Refuse what is no object, and one with something else where a text is asked."""
    if not isinstance(record, dict):
        raise page.bad(row, 0, f"an object is asked, found {clipped(repr(record), 40)}")
    for name in TEXTS:
        if not isinstance(record.get(name), str | None):
            raise page.bad(row, 0, f"{name}: a text is asked, found {clipped(repr(record[name]), 40)}")
