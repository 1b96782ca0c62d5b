"""Names of files: made to fit into a folder, and made fit to be shown on one line.

A name on Linux is bytes. Python carries bytes that are not UTF-8 as lone surrogates (PEP 383); `os.fsencode`
gives them back, so lengths here are those that the file system counts.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

NAME_MAX_BYTES = 255
"""The longest name that ext4, XFS, APFS and NTFS take."""

HASH_DIGITS = 10
"""16^10 ≈ 10^12 values: shortened names that begin alike stay apart."""


def fitted_name(stem: str, suffix: str) -> str:
    """`stem + suffix`, where that is too long with the stem cut and marked by a hash of the whole stem.

    The same stem always gives the same name, so that a later run finds it again.

    >>> fitted_name("talk", "__speech_only.wav")
    'talk__speech_only.wav'
    >>> fitted_name("ä" * 150, ".wav")[-17:]
    'ää~a9f41bcd12.wav'
    """
    room_bytes = NAME_MAX_BYTES - len(os.fsencode(suffix))
    whole = os.fsencode(stem)
    if len(whole) <= room_bytes:
        return stem + suffix
    mark = "~" + hashlib.sha256(whole).hexdigest()[:HASH_DIGITS]
    kept = stem[:room_bytes]
    while len(os.fsencode(kept)) > room_bytes - len(mark):
        kept = kept[:-1]
    return kept + mark + suffix


def clipped(text: str, longest: int = 120) -> str:
    """A text of any length as a short one on one line.

    >>> clipped("a" * 200, longest=5)
    'aaaaa…'
    """
    return shown(text) if len(text) <= longest else shown(text[:longest]) + "…"


def shown(name: str | os.PathLike[str]) -> str:
    r"""A name on one line for people: what is not printable or not UTF-8 stands as an escape.

    >>> shown("a\nb\udcff 🎙")
    'a\\nb\\udcff 🎙'
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in os.fspath(name)
    )


def is_encodable(text: str) -> bool:
    r"""Whether a text can be a name, and be written: of lone surrogates only those that stand for bytes (PEP 383) can.

    >>> is_encodable("a/b.wav"), is_encodable("\udcff.wav"), is_encodable("\ud800.wav"), is_encodable("a\0b")
    (True, True, False, False)
    """
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def is_below(text: str) -> bool:
    """Whether it is a path that stays in its folder, as far as its letters tell, of names that a file can have.

    >>> [is_below(text) for text in ("a/b.wav", "../a.wav", "/a.wav", "", "n" * 256)]
    [True, False, False, False, False]
    """
    parts = Path(text).parts
    return (
        is_encodable(text)
        and bool(parts)
        and not Path(text).is_absolute()
        and ".." not in parts
        and all(len(os.fsencode(part)) <= NAME_MAX_BYTES for part in parts)
    )


def real(path: Path) -> Path:
    """Where links lead; a loop of them leads nowhere, and stays."""
    return Path(os.path.realpath(path))


def seen_from(folder: Path, path: Path) -> str:
    """A path as it is found from a folder, so that both can move together; absolute where they share no root."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # two drives of Windows
        return path.absolute().as_posix()
