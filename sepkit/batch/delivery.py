"""Zip archives: a delivery that comes in, checked whole before anything is unpacked, and the cleaned tree
that goes out.

An archive is written by someone else. Members that would land outside the folder (`..`, absolute names, drive
letters, links) and archives that unpack beyond a bound are refused as a whole; a member whose data are
damaged fails alone.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sepkit.errors import OutputError, SourceError
from sepkit.files.appear import appearing
from sepkit.files.naming import clipped, real, shown

HARMLESS_BYTES = 64 << 20
"""Up to here no ratio is asked about: digital silence packs 1000 : 1 and does no harm."""

DEEPEST = 200
"""Folders of a member; below, names of one letter are at the end of what a path may be."""

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold; with it the same tree always packs to the same bytes."""
PACKED_BY = b"packed by sepkit"
"""The comment of an archive that sepkit packed."""


@dataclass(frozen=True)
class UnpackBound:
    """How much an archive may unpack to: in bytes, and as a multiple of its own size."""

    largest_bytes: int = 200 << 30
    largest_ratio: float = 100.0


UNPACK_BOUND = UnpackBound()
"""200 GiB, 150 hours of stereo at 48 kHz and 32 bit; sound itself seldom packs better than 3 : 1."""


def check(archive: Path, bound: UnpackBound) -> list[zipfile.ZipInfo]:
    """The members of an archive that are files, or an error that names the first thing wrong with it."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SourceError(f"{shown(archive)}: cannot be read as a zip ({error}); pack the delivery again") from error
    seen: set[str] = set()
    for member in members:
        problem = _problem(member, seen)
        if problem:
            raise SourceError(f"{shown(archive)}: '{clipped(member.orig_filename)}' {problem}; nothing was unpacked")
    total_bytes = sum(member.file_size for member in members)
    ratio = total_bytes / max(archive.stat().st_size, 1)
    if total_bytes > bound.largest_bytes:
        raise SourceError(
            f"{shown(archive)}: would unpack to {total_bytes} bytes, at most {bound.largest_bytes} are "
            "allowed; nothing was unpacked; if you trust it, unpack it yourself and give the folder"
        )
    if total_bytes > HARMLESS_BYTES and ratio > bound.largest_ratio:
        raise SourceError(
            f"{shown(archive)}: would unpack to {ratio:.0f} times its size, at most {bound.largest_ratio:g} "
            "times are allowed; nothing was unpacked; if you trust it, unpack it yourself and give the folder"
        )
    return [member for member in members if not _is_folder(member)]


def names(archive: Path, bound: UnpackBound) -> list[str]:
    """What the members of an archive are called where they are unpacked; raises as `check` does."""
    return ["/".join(_parts(member)) for member in check(archive, bound)]


def _problem(member: zipfile.ZipInfo, seen: set[str]) -> str | None:
    """What makes a member unsafe. Both slashes separate: some packers write Windows' one."""
    name = member.orig_filename
    parts = _parts(member)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if "\0" in name:
        return "has a NUL in its name"
    if name[:1] in ("/", "\\") or re.match(r"[A-Za-z]:", name):
        return "has an absolute name"
    if ".." in parts:
        return "leaves the folder by '..'"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if member.flag_bits & 0x1:
        return "is encrypted"
    key = "/".join(parts)
    if not key or (key in seen and not _is_folder(member)):
        return "has no name of its own"
    seen.add(key)
    return None


def _is_folder(member: zipfile.ZipInfo) -> bool:
    return member.orig_filename.endswith(("/", "\\"))


def _parts(member: zipfile.ZipInfo) -> list[str]:
    return [part for part in re.split(r"[\\/]", member.orig_filename) if part not in ("", ".")]


def unpack(archive: Path, folder: Path, matches: Callable[[str], bool], bound: UnpackBound) -> dict[str, str]:
    """Unpack the members that match into `folder`; returns those whose data are damaged, with the finding."""
    members: list[zipfile.ZipInfo] = []
    damaged: dict[str, str] = {}
    for member in check(archive, bound):
        if len(_parts(member)) > DEEPEST:
            damaged["/".join(_parts(member))] = f"lies more than {DEEPEST} folders deep in {shown(archive)}"
        elif matches("/".join(_parts(member))):
            members.append(member)
    needed_bytes, free_bytes = sum(member.file_size for member in members), shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        raise OutputError(
            f"{shown(folder)}: unpacking {shown(archive)} takes {needed_bytes} bytes, {free_bytes} are free; make room"
        )
    with zipfile.ZipFile(archive) as opened:
        for member in members:
            relative = "/".join(_parts(member))
            path = folder / relative
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                target = path.open("xb")
            except OSError as error:  # too long a name, or one that is a folder's already; nothing was made
                damaged[relative] = f"cannot be unpacked from {shown(archive)} ({error.strerror})"
                continue
            try:
                with target, opened.open(member) as source:
                    shutil.copyfileobj(source, target, 1 << 20)
            except Exception as error:  # each method of compression has errors of its own
                path.unlink()
                reason = clipped(str(error)) or "its data end too early"
                damaged[relative] = f"cannot be unpacked from {shown(archive)} ({reason})"
    return damaged


def check_target(archive: Path, source: Path, out: Path) -> None:
    """Refuse to pack over a source, over anything in OUT_DIR, or over any file that sepkit did not pack."""
    places = {real(archive), real(archive.parent) / archive.name}
    real_source, real_out = real(source), real(out)
    problem = ""
    if any(place == real_source for place in places):
        problem = "is the delivery itself and would be replaced"
    elif any(place.is_relative_to(real_source) for place in places):
        problem = "lies under IN_DIR, where nothing is written"
    elif any(place.is_relative_to(real_out) for place in places):
        problem = "lies in OUT_DIR, whose files are what is packed"
    else:
        problem = _cannot_become_zip(archive)
    if problem:
        raise OutputError(f"--zip {shown(archive)}: {problem}; give a name elsewhere; nothing was rendered")


def _cannot_become_zip(path: Path) -> str:
    """Why nothing can be packed into `path`: it is not ours already, or no name; empty where it can."""
    if path.suffix.lower() != ".zip":
        return "does not end in .zip"
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        return "is a link that leads nowhere" if path.is_symlink() else ""
    except OSError as error:
        return f"cannot be a file ({error.strerror})"
    if stat.S_ISDIR(kind):
        return "is a folder"
    return "" if stat.S_ISREG(kind) and _is_own(path) else "is there already and was not packed by sepkit"


def _is_own(path: Path) -> bool:
    """Whether sepkit packed it, and nobody has put anything into it since, which would have a time."""
    try:
        with zipfile.ZipFile(path) as opened:
            return opened.comment == PACKED_BY and all(each.date_time == ZIP_EPOCH for each in opened.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def pack(folder: Path, names: Iterable[str], archive: Path) -> None:
    """Pack files of `folder` into `archive`, sorted and stored: the same files always give the same bytes."""
    with appearing(archive) as temporary, zipfile.ZipFile(temporary, "w") as opened:
        opened.comment = PACKED_BY
        for name in sorted(names):
            path = folder / name
            member = zipfile.ZipInfo(_portable(name), ZIP_EPOCH)
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            member.file_size = path.stat().st_size
            with path.open("rb") as source, opened.open(member, "w") as target:
                shutil.copyfileobj(source, target, 1 << 20)


def _portable(name: str) -> str:
    r"""A name for any system: as %XX stand bytes that are no UTF-8, and what is a folder or a drive to Windows.

    So does the % of what looks like that already: two files never get one name.

    >>> [_portable(name) for name in ("a\udcff.wav", "a%FF.wav", r"x\..\y.wav", "c:x.wav", "50 %.wav")]
    ['a%FF.wav', 'a%25FF.wav', 'x%5C..%5Cy.wav', 'c%3Ax.wav', '50 %.wav']
    """
    return re.sub(
        "[\udc80-\udcff]|[\\\\:]|%(?=[0-9A-Fa-f]{2})",
        lambda found: "".join(f"%{byte:02X}" for byte in os.fsencode(found[0])),
        name,
    )
