"""What the bytes of a file hash to: how a file is known again, whatever its name and its times say."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from sepkit.errors import SepkitError, SourceError
from sepkit.files.naming import shown


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, read a megabyte at a time; what is no file is refused, and not waited for."""
    digest = hashlib.sha256()
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123  by its number
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise SourceError(f"{shown(path)}: is no regular file any more; put it back and run it again")
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_if_readable(path: Path) -> str | None:
    """The same; None where that is no file, or cannot be read."""
    try:
        return sha256_of(path)
    except (OSError, SepkitError):
        return None
