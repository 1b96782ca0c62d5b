"""The SHA-256 of a file whose publisher gives none: as it was when the user first trusted it, and ever after.

It stands beside the file as `NAME.sha256`, a line as `sha256sum` writes it and `sha256sum -c` checks it.
"""

from __future__ import annotations

import re
from pathlib import Path

from sepkit.errors import WeightsError
from sepkit.files.whole_file import whole_file

_LINE = re.compile(r"([0-9a-f]{64}) [ *].+\n?")
_LONGEST = 4096


def beside(path: Path) -> Path:
    """Where the digest of a file is remembered."""
    return path.with_name(f"{path.name}.sha256")


def remembered(path: Path) -> str:
    """The digest; "" where none is remembered."""
    try:
        with beside(path).open(encoding="utf-8") as file:
            found = _LINE.fullmatch(file.read(_LONGEST))
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path) from error
    if found is None:
        raise _unreadable(path)
    return found[1]


def remember(path: Path, digest: str) -> None:
    """Trust the file as it is now."""
    with whole_file(beside(path)) as temporary:
        temporary.write_text(f"{digest}  {path.name}\n", encoding="utf-8")


def _unreadable(path: Path) -> WeightsError:
    return WeightsError(
        f"{beside(path)}: is no line of sha256sum; remove it, and trust the file again by 'sepkit models fetch --trust'"
    )
