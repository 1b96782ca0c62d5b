"""The text of a label file: programs write UTF-8 with and without a mark, UTF-16, and Windows-1252 or Latin-1."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from sepkit.config.labels.row import Page
from sepkit.errors import ConfigError
from sepkit.files.naming import shown

LABELS = "a label file with a row for each window"
LARGEST_BYTES = 64 << 20
"""A label file of 100,000 rows has 5 MB; what is larger is another kind of file, or a device without an end."""
_NEWLINE = re.compile(r"\r\n|\r|\n")
"""Not str.splitlines, to which U+2028 and more are ends of lines, too."""


def read_page(path: Path, asked: str = LABELS) -> Page:
    """The lines of a file, and notes on its encoding. What is no text is a `ConfigError`, which says what is asked."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:  # a NUL in the path is a ValueError
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{shown(path)}: cannot be read ({reason}); give {asked}") from error
    if len(raw) > LARGEST_BYTES:
        raise ConfigError(f"{shown(path)}: has more than {LARGEST_BYTES >> 20} MiB, more than {asked} has; give one")
    text, note = _decoded(raw)
    if text is None or "\0" in text:
        raise ConfigError(f"{shown(path)}: is not text; give {asked}, not a sound file or a project")
    text = text.lstrip("\ufeff").removesuffix("\x1a")  # a second mark; the end of a file on DOS
    if not text.strip():
        raise ConfigError(f"{shown(path)}: is empty; give {asked}")
    return Page(path, text, _NEWLINE.split(text), [note] if note else [])


def _decoded(raw: bytes) -> tuple[str | None, str]:
    """The text without its mark, None where it is none; and a note where its encoding is a guess."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _tried(raw, "utf-16"), ""
    if raw[:2].count(0) == 1:  # a first letter of ASCII in UTF-16 without a mark
        return _tried(raw, "utf-16-be" if raw[0] == 0 else "utf-16-le"), ""
    text = _tried(raw, "utf-8-sig")
    if text is not None:
        return text, ""
    # Windows-1252 has letters where Latin-1 has control characters, and is equal to it elsewhere.
    return _tried(raw, "cp1252"), "it is not UTF-8 and was read as Latin-1 (Windows-1252); check letters beyond ASCII"


def _tried(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None
