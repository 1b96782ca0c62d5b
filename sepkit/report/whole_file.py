"""A file appears under its name when it is complete, and not at all otherwise."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sepkit.audio_write import PART_PATTERN, cannot_write, make_folder


@contextmanager
def whole_file(path: Path, token: str = "") -> Iterator[Path]:
    """A temporary name beside `path`, which becomes `path` when the block ends without an error.

    token: tells the temporary name from others; by default it is chance, so that two runs do not meet.
    """
    # Named like all unfinished files, so that the next batch sweeps what a kill leaves, and short, whatever the name.
    part = path.with_name(PART_PATTERN.replace("*", token or secrets.token_hex(8)))
    make_folder(path.parent)
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink()
