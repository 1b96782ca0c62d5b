"""What belongs to a recording beside its sound: tags, pictures, chapters, the chunks of a broadcast WAV.

Read from the source when its results are begun, written onto each result by `tagging` before it gets its name. FFmpeg
reads tags, pictures and chapters of whatever kind of file. Of a chunked file it is shown the few chunks that hold
them, in memory: so it never meets a size that a damaged header claims.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sepkit.audio import markers
from sepkit.audio.decode import DEMUXERS
from sepkit.audio.markers import Chapter
from sepkit.audio.read import SourceInfo
from sepkit.audio.riff import Body, packed
from sepkit.audio.source_file import chunks
from sepkit.errors import one_line

if TYPE_CHECKING:
    from av.container import InputContainer

MOST_BYTES = 2**26
"""64 MiB: many times what a cover or an iXML takes. More is left behind."""
MOST_TEXT_BYTES = 2**20
"""Of all tags together; a FLAC holds 16 times that."""

_RIFF = ("WAV", "WAVEX", "RF64", "W64")
_CHUNKED = (*_RIFF, "AIFF")
_WHOLE = ("CAF", "AU", "FLAC", "OGG", "MP3")
"""libsndfile's names of the containers that hold tags. What only FFmpeg reads is named in small letters."""

MOST_CHUNKS = 10_000
MOST_CHAPTERS = 10_000

_BROADCAST = {b"bext", b"iXML", b"axml", b"cart", b"_PMX"}
_CARRIED = _BROADCAST | {b"cue ", b"adtl"}
"""Chunks that go from a WAV to a WAV. What describes the old samples (levl, MD5, PEAK) does not."""
_TAGGED = {b"INFO", b"ID3 ", b"cue ", b"adtl", b"NAME", b"AUTH", b"ANNO", b"(c) "}
"""Chunks that FFmpeg understands; of cue points it makes chapters."""

_DROPPED = {"encoder", "software", "major_brand", "minor_version", "compatible_brands", "handler_name", "vendor_id"}
_DROPPED |= {"media_type", "gapless_playback", "duration", "bps", "number_of_bytes", "number_of_frames", "tlen"}
_DROPPED_BEGINNINGS = ("replaygain_", "r128_", "itun", "id3v2_priv", "_statistics")
"""Tags that name what wrote the source, or describe its coding or level, and would be untrue of a result."""

_NAMES = {"track": "tracknumber", "disc": "discnumber", "album_artist": "albumartist"}
"""FFmpeg's names in those of Vorbis comments, which are sepkit's."""

_44100_HZ = bytes.fromhex("400eac44000000000000")
"""As the 80-bit number of an AIFF."""

_MIME = {"mjpeg": "image/jpeg"}

PICTURE_KINDS = (
    *("Other", "32x32 pixels 'file icon'", "Other file icon", "Cover (front)", "Cover (back)", "Leaflet page"),
    *("Media (e.g. label side of CD)", "Lead artist/lead performer/soloist", "Artist/performer", "Conductor"),
    *("Band/Orchestra", "Composer", "Lyricist/text writer", "Recording Location", "During recording"),
    *("During performance", "Movie/video screen capture", "A bright coloured fish", "Illustration"),
    *("Band/artist logotype", "Publisher/Studio logotype"),
)
"""ID3v2 4.14 (APIC), in FFmpeg's words; FLAC's PICTURE counts the same."""
FRONT_COVER = PICTURE_KINDS.index("Cover (front)")


class Picture(NamedTuple):
    """A picture as it stands in the file, of a kind of `PICTURE_KINDS`, with its size in pixels."""

    data: bytes
    mime: str
    kind: int
    description: str
    width: int
    height: int


@dataclass(frozen=True)
class Metadata:
    """What belongs to a recording. tags: by the names of Vorbis comments, in small letters.

    chunks: those of a WAV that a WAV holds as they are; LIST adtl stands there as "adtl". notes: what was left behind.
    """

    tags: dict[str, str] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    chunks: tuple[Body, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """About the room that it takes, and no less."""
        texts = [*self.tags.items(), *((chapter.title, "") for chapter in self.chapters)]
        bodies = [picture.data for picture in self.pictures] + [chunk.body for chunk in self.chunks]
        return sum(4 * len("".join(text)) + 100 for text in texts) + sum(len(body) + 1000 for body in bodies)


def read_metadata(info: SourceInfo) -> Metadata:
    """What belongs to a source. What is damaged or too large is left behind with a note."""
    bodies, notes = _bodies(info.path) if info.container in _CHUNKED else ([], ())
    if not any(each.name == b"cue " for each in bodies):
        bodies = [each for each in bodies if each.name != b"adtl"]  # labels of nothing
    carried = tuple(each for each in bodies if each.name in _CARRIED and info.container in _RIFF)
    tagged = [each for each in bodies if each.name in _TAGGED]
    found = Metadata()
    if tagged:
        found = _read_by_ffmpeg(io.BytesIO(_small_file(info, tagged)))
    elif info.container in _WHOLE or info.container.islower():
        found = _read_by_ffmpeg(f"file:{info.path}")
    for each in bodies:
        if each.name == b"MARK":
            found = replace(found, chapters=markers.of_aiff(each.body, info.sample_rate))
    chapters = tuple(sorted(found.chapters, key=lambda each: each.start_s))[:MOST_CHAPTERS]
    if len(found.chapters) > MOST_CHAPTERS or len("".join(each.title for each in chapters)) > MOST_TEXT_BYTES:
        chapters = ()
        notes += (f"{len(found.chapters)} chapters are too many or their names too long, and left out",)
    tags = found.tags
    if info.salvaged:
        tags = {**tags, "comment": "; ".join(filter(None, (tags.get("comment"), *info.salvaged)))}
    return replace(found, tags=tags, chapters=chapters, chunks=carried, notes=notes + found.notes)


def _bodies(path: Path) -> tuple[list[Body], tuple[str, ...]]:
    """The chunks that matter here, LIST by what it lists, and a note for each that is damaged or too large."""
    kept: list[Body] = []
    notes: dict[str, None] = {}
    room = MOST_BYTES
    end = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) == b"RIFX":
            return [], ("the chunks of a big-endian WAV (RIFX) are left out",)
        for name, start, size in islice(chunks(path), MOST_CHUNKS):
            file.seek(start)
            name = {b"list": b"LIST", b"id3 ": b"ID3 "}.get(name, name)  # as Wave64 and some players write them
            if name == b"LIST":
                name, size = file.read(4), max(0, size - 4)
            if name not in _CARRIED | _TAGGED | {b"MARK"}:
                continue
            shown = name.decode().strip()
            if size > room:
                notes[f"the chunk {shown} is left out: together chunks may have {MOST_BYTES >> 20} MiB"] = None
                continue
            body = Body(name, file.read(size) if file.tell() + size <= end else b"")
            if len(body.body) == size and body.is_whole():
                kept.append(body)
                room -= size
            else:
                notes[f"the chunk {shown} is damaged and left out"] = None
    return kept, tuple(notes)


def _small_file(info: SourceInfo, tagged: Iterable[Body]) -> bytes:
    """A WAV or AIFF of 1000 frames of silence with the source's own tags; a label follows its cue point."""
    rate, silence = info.sample_rate, bytes(2000)
    magic, order, kind = b"RIFF", "<", b"WAVE"
    sound = [Body(b"fmt ", struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)), Body(b"data", silence)]
    if info.container == "AIFF":
        magic, order, kind = b"FORM", ">", b"AIFF"
        sound = [Body(b"COMM", struct.pack(">hIh", 1, 1000, 16) + _44100_HZ), Body(b"SSND", bytes(8) + silence)]
    content = [*sound, *sorted(tagged, key=lambda each: each.name == b"adtl")]
    body = kind + b"".join(packed(each, order) for each in content)
    return magic + struct.pack(f"{order}I", len(body)) + body


def _read_by_ffmpeg(source: str | io.BytesIO) -> Metadata:
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": f"{DEMUXERS},wav,aiff,caf,au"}
    try:
        with av.open(source, "r", options=options, metadata_errors="surrogateescape") as container:
            pictures, notes = _pictures(container)
            tags, text_notes = _tags(container)
            chapters = [
                Chapter(
                    max(0.0, float(each["start"] * (each["time_base"] or 0))), _text(each["metadata"].get("title", ""))
                )
                for each in container.chapters()
            ]
            return Metadata(tags, pictures, tuple(chapters), notes=notes + text_notes)
    except (av.FFmpegError, ValueError) as error:
        return Metadata(notes=(f"tags, pictures and chapters cannot be read and are left out ({one_line(error)})",))


def _tags(container: InputContainer) -> tuple[dict[str, str], tuple[str, ...]]:
    """Every tag of the file; those of a track where it is the only one, as OGG has them."""
    audio = container.streams.audio
    found = {**(audio[0].metadata if len(audio) == 1 else {}), **container.metadata}
    tags: dict[str, str] = {}
    room = MOST_TEXT_BYTES
    lost = []
    for written, raw in found.items():
        written, text = _text(written), _text(raw)
        name = written.lower().partition("-")[0] if written.startswith("lyrics-") else written.lower()
        name = "artist" if name == "author" and "artist" not in found else _NAMES.get(name, name)
        nothing = not text.strip("\0 ") or (name, text) == ("language", "und")
        if nothing or name in _DROPPED or name.startswith(_DROPPED_BEGINNINGS):
            continue
        room -= len(name) + len(text.encode())
        if room < 0:
            lost.append(name)
        else:
            tags[name] = text
    return tags, (f"the tags {', '.join(lost)} are longer than 1 MiB and left out",) if lost else ()


def _text(escaped: str) -> str:
    """Text as UTF-8, or as Windows wrote it in western Europe and America."""
    raw = escaped.encode(errors="surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _pictures(container: InputContainer) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """The attached pictures, which FFmpeg hands over before any sound."""
    from av.stream import Disposition

    streams = {each.index: each for each in container.streams.video if each.disposition & Disposition.attached_pic}
    found, room = [], MOST_BYTES
    for packet in islice(container.demux(), len(streams)):
        stream = streams.get(packet.stream.index)
        room -= packet.size
        if stream is None or stream.codec_context is None or room < 0:
            continue
        said = stream.metadata
        kind = PICTURE_KINDS.index(said["comment"]) if said.get("comment") in PICTURE_KINDS else FRONT_COVER
        coding = stream.codec_context.name
        mime = _MIME.get(coding, f"image/{coding}")
        size = stream.codec_context.width, stream.codec_context.height
        found.append(Picture(bytes(packet), mime, kind, _text(said.get("title", "")), *size))
    lost = len(streams) - len(found)
    return tuple(found), (f"{lost} of {len(streams)} pictures cannot be read and are left out",) if lost else ()
