"""Whether IN_DIR is the one whose results OUT_DIR holds: another one's of the same names are not replaced unasked.

A folder that was moved, or is given by another path, still holds what the journal knows. So contents decide, and they
are compared where the path differs. In the same place, a source of other content has changed.
"""

from __future__ import annotations

from pathlib import Path

from sepkit.batch.find import Found
from sepkit.batch.journal import Journal
from sepkit.errors import OutputError
from sepkit.files.digest import sha256_if_readable
from sepkit.files.naming import seen_from, shown

CHANGED = "its source has changed since, and this replaces the earlier result"


def require_same(folder: Path, found: Found, source: Path, out: Path, journal: Journal) -> None:
    """Raise where results in OUT_DIR come from another folder's sources of the same names.

    folder: where the sources lie; source: IN_DIR, which may be a zip of them.
    """
    here = seen_from(out, source)
    for path in found.sources:
        record = journal.records.get(path)
        if record and record.in_dir not in ("", here) and sha256_if_readable(folder / path) != record.input_sha256:
            before = shown(out / record.in_dir)
            raise OutputError(
                f"{shown(out)}: holds the result of another {shown(path)}, from {before}, which would be replaced; "
                "give another OUT_DIR, or add --replace to the command if that is wanted; nothing was rendered"
            )
