"""What libraries written in C print on standard error by themselves, caught while they run.

Such a line ("Xing stream size off by more than 1%") names no file, and nobody can use it. Here it becomes a note.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sepkit.files.naming import shown

STANDARD_ERROR = 2

_LOCK = threading.Lock()
"""Standard error belongs to the whole process: one reader at a time may hold it."""


@contextmanager
def caught(lines: list[str]) -> Iterator[None]:
    """Add to `lines` what is printed meanwhile. Keep it short: lines of other threads are caught too."""
    with _LOCK:
        try:
            kept = os.dup(STANDARD_ERROR)
        except OSError:  # it was closed before we came, so nobody reads it
            yield
            return
        with tempfile.TemporaryFile() as file:
            os.dup2(file.fileno(), STANDARD_ERROR)
            try:
                yield
            finally:
                os.dup2(kept, STANDARD_ERROR)
                os.close(kept)
                file.seek(0)
                text = file.read().decode(errors="replace")
        for line in filter(None, map(str.strip, text.splitlines())):
            said = f"its decoder says: {shown(line)}"
            if said not in lines:
                lines.append(said)
