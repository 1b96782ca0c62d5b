"""Which containers videos are written in, told by a file's own bytes, and how a new sound track is coded in each.

Sources: ISO base media file format (ISO/IEC 14496-12, 4.3), QuickTime File Format (Apple, 2016), EBML (RFC 8794).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

HEAD_BYTES = 4096
"""The header of a Matroska file ends long before."""
DOC_TYPE = b"\x42\x82"
"""EBML's identifier of what kind of document it is."""
BEFORE_FTYP = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
"""With what a MOV begins that was written before there was `ftyp`."""


class Kind(NamedTuple):
    """A container. name: for people. muxer: FFmpeg's name. suffixes: the default first.

    codecs: of a new track, by FFmpeg's names, "pcm" for all of those; the first that takes its channels is chosen.
    deepest: bits that they hold.
    """

    name: str
    muxer: str
    suffixes: tuple[str, ...]
    codecs: tuple[str, ...]
    deepest: int = 64


MP4 = Kind("MP4", "mp4", (".mp4", ".m4v"), ("flac", "alac"), deepest=24)
MOV = Kind("MOV", "mov", (".mov", ".qt"), ("alac", "pcm"))
MATROSKA = Kind("Matroska", "matroska", (".mkv", ".mk3d"), ("flac", "pcm"))
WEBM = Kind("WebM", "webm", (".webm",), ("libopus",))
KINDS = (MP4, MOV, MATROSKA, WEBM)
"""WebM alone holds nothing lossless.

In MP4, FLAC is heard in Chrome (since 57) and Firefox (since 51: chromestatus.com/feature/5713014258925568), and Apple
names it for HLS. With ALAC, Chromium shows the picture and plays no sound; MOV is Apple's, whose players take ALAC.
"""

VIDEO_SUFFIXES = frozenset(suffix for kind in KINDS for suffix in kind.suffixes)


def kind_of(path: Path) -> Kind | None:
    """The container of a file, whatever its name; None for one that is not written."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(b"\x1aE\xdf\xa3"):
        at = head.find(DOC_TYPE) + len(DOC_TYPE)
        named = head[at + 1 : at + 1 + (head[at] & 0x7F)] if at < len(head) else b""
        return {b"matroska": MATROSKA, b"webm": WEBM}.get(named.rstrip(b"\0"))
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return MOV if brand == b"qt  " else None if brand.startswith(b"3g") else MP4
    return MOV if head[4:8] in BEFORE_FTYP else None


def video_suffix(kind: Kind, source: Path) -> str:
    """Of a video of that kind: the source's own where it fits."""
    return source.suffix if source.suffix.lower() in kind.suffixes else kind.suffixes[0]
