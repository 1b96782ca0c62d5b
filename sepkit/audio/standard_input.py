"""Standard input as a source."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sepkit.audio.riff import COPY_BYTES
from sepkit.errors import ConfigError, OutputError, SourceError

PIPE, STDIN = "-", "standard input"
"""How it is named on the command line, and what people call it."""


def require_stdin(inputs: Sequence[str]) -> None:
    """Raise where the inputs name it and it cannot be read."""
    if inputs.count(PIPE) > 1:
        raise ConfigError("INPUT -: standard input can be read once; name it once")
    if PIPE in inputs and sys.stdin is None:
        raise ConfigError("INPUT -: standard input is closed; send a sound file into it")


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
