"""Files of a batch that appear whole or not at all, and are on the disk when they do."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sepkit.files.whole_file import whole_file


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place when the block ends well."""
    # The same name for the same path: what a kill leaves behind is overwritten by the next run.
    with whole_file(path, hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]) as temporary:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
