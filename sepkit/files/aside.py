"""Setting aside what may be somebody's work and lies where sepkit has to write: it is kept as NAME.kept, and said."""

from __future__ import annotations

import os
from pathlib import Path

from sepkit.files.naming import fitted_name
from sepkit.files.whole_file import cannot_write

KEPT_SUFFIX = ".kept"
"""Behind the name of what is set aside: no sound to a batch, so that it is nobody's source."""
WHY = "for it is not known to be as sepkit wrote it"


def set_aside(path: Path) -> Path:
    """Give a file a name that nothing has: with `KEPT_SUFFIX`, and a number from the second on; returns it."""
    number = 1
    free = path.with_name(fitted_name(path.name, KEPT_SUFFIX))
    while os.path.lexists(free):
        number += 1
        free = path.with_name(fitted_name(path.name, f"{KEPT_SUFFIX}{number}"))
    try:
        path.rename(free)
    except OSError as error:
        raise cannot_write(free, error) from error
    return free


def kept_note(path: str, aside: str) -> str:
    """A sentence for people. path, aside: the former and the new name, as they are shown."""
    return f"what was {path} before is kept as {aside}, {WHY}"
