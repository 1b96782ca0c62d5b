"""A file appears under its name when it is complete, and not at all otherwise."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sepkit.errors import OutputError
from sepkit.files.naming import shown
from sepkit.files.unfinished import hold

PART_PATTERN = ".sepkit-*.part"
"""How files are named while they are written; a killed process leaves one behind."""


@contextmanager
def whole_file(path: Path, token: str = "") -> Iterator[Path]:
    """A temporary name beside `path`, which becomes `path` when the block ends without an error.

    token: tells the temporary name from others; by default it is chance, so that two runs do not meet.
    """
    # Named like all unfinished files, so that the next batch sweeps what a kill leaves, and short, whatever the name.
    require_file(path)
    part = path.with_name(PART_PATTERN.replace("*", token or secrets.token_hex(8)))
    make_folder(path.parent)
    try:
        held = hold(part)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        yield part
        part.replace(path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise
    finally:
        held.release()


def require_file(path: Path) -> None:
    """Raise where a device, a pipe or a socket has the name, or a link to one: a file would take its place."""
    with suppress(OSError):
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise OutputError(f"{shown(path)}: is a device, a pipe or a socket; name a file")


def make_folder(path: Path) -> Path:
    """The folder, made with its parents where it is not there yet."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{shown(path)}: cannot be made a folder ({error.strerror}); choose another output"
        ) from error
    return path


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The error for an output that the system refused."""
    return OutputError(f"{shown(path)}: cannot be written ({error.strerror}); check permissions and space")
