"""Files that appear whole or not at all: written under another name in the same folder, then renamed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sepkit.audio_write import PART_PATTERN
from sepkit.errors import OutputError
from sepkit.naming import shown


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place when the block ends well."""
    # The same name for the same path: what a kill leaves behind is overwritten by the next run.
    temporary = path.with_name(PART_PATTERN.replace("*", hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            f"{shown(path)}: cannot be written ({error.strerror}); check permissions and space"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
