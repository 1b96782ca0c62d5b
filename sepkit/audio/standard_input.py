"""Standard input as a source."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sepkit.audio.riff import COPY_BYTES
from sepkit.errors import OutputError, SourceError

STDIN = "standard input"
"""What people call it."""


@contextmanager
def stdin_source() -> Iterator[Path]:
    """Standard input as a temporary file, since a pipe cannot be read from any place in it."""
    with tempfile.TemporaryDirectory(prefix="sepkit-") as folder:
        path = Path(folder) / "standard_input"
        try:
            with path.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file, COPY_BYTES)
        except OSError as error:
            raise OutputError(
                f"{folder}: cannot hold standard input ({error.strerror}); free space there or set TMPDIR"
            ) from error
        if path.stat().st_size == 0:
            raise SourceError(f"{STDIN}: is empty (0 bytes); send a sound file into it")
        yield path
