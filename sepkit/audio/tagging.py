"""Putting onto a finished sound file what belongs to its recording: chunks, cue points, ID3, comments of a FLAC.

Last step before a result gets its name. libsndfile writes the tags that it knows (`native_tags`); the rest comes here.
"""

from __future__ import annotations

import io
from pathlib import Path

from sepkit.audio import broadcast, markers
from sepkit.audio.metadata import Metadata, Picture
from sepkit.audio.riff import Body, add_chunks

_OF_LIBSNDFILE = ("title", "artist", "album", "date", "genre", "comment", "tracknumber", "copyright", "license")
_WAV = ("WAV", "WAVEX", "RF64")
_NATIVE_TAGS = {
    **dict.fromkeys(_WAV, _OF_LIBSNDFILE[:-1]),
    "AIFF": ("title", "artist", "comment", "copyright"),
    "CAF": _OF_LIBSNDFILE,
}
_LIKE_ID3 = (*_WAV, "AIFF")
_AFTER_SOUND = (b"cue ", b"adtl")

FLAC_MOST_PICTURE_BYTES = 2**24 - 2**12
"""A block of a FLAC ends at 16 MiB; name and description take some of it."""

_ID3_FRAMES = {
    "title": "TIT2",
    "artist": "TPE1",
    "album": "TALB",
    "albumartist": "TPE2",
    "composer": "TCOM",
    "date": "TDRC",
    "genre": "TCON",
    "tracknumber": "TRCK",
    "discnumber": "TPOS",
    "copyright": "TCOP",
    "publisher": "TPUB",
    "language": "TLAN",
    "encoded_by": "TENC",
}
"""The frames of ID3v2.3 for tags; what has none of its own goes into TXXX."""


def native_tags(container: str, tags: dict[str, str]) -> dict[str, str]:
    """Those that libsndfile writes into the container by itself."""
    return {name: tags[name] for name in _NATIVE_TAGS.get(container, ()) if name in tags}


def left_out(container: str, metadata: Metadata, sample_rate: int) -> tuple[str, ...]:
    """One sentence that names what the container cannot hold, if anything."""
    names = [chunk.name.decode().strip() for chunk in metadata.chunks if chunk.name not in _AFTER_SOUND]
    lost: list[str] = []
    said: tuple[str, ...] = ()
    if container not in (*_LIKE_ID3, "FLAC"):
        lost += _counted(len(metadata.pictures), "picture") + _counted(len(metadata.chapters), "chapter")
        if others := sorted(metadata.tags.keys() - native_tags(container, metadata.tags).keys()):
            lost += [f"the tag{'s'[: len(others) > 1]} {' and '.join(others)}"]
    elif container != "FLAC":
        far = len(metadata.chapters) - len(markers.placed(metadata.chapters, sample_rate))
        lost += [f"{far} of {len(metadata.chapters)} chapters"] if far else []
    else:
        large = len(metadata.pictures) - len(_fitting(metadata.pictures))
        lost += [f"{large} of {len(metadata.pictures)} pictures"] if large else []
        if "bext" in names:
            names.remove("bext")
            said = ("FLAC has no chunk bext, so its fields became tags",)
    if container not in _WAV:
        lost += [f"the chunk {name}" for name in names]
    return (*said, f"left out, for {container} does not hold it: {', '.join(lost)}") if lost else said


def _counted(count: int, what: str) -> list[str]:
    return [f"{count} {what}{'s'[: count > 1]}"] if count else []


def _fitting(pictures: tuple[Picture, ...]) -> list[Picture]:
    return [each for each in pictures if len(each.data) <= FLAC_MOST_PICTURE_BYTES]


def write_metadata(path: Path, container: str, metadata: Metadata, sample_rate: int, history: str) -> None:
    """Put onto a closed file what libsndfile did not. history: the line of what was done, for the CodingHistory."""
    chunks = [
        each._replace(body=broadcast.with_history(each.body, history)) if each.name == b"bext" else each
        for each in metadata.chunks
    ]
    if container == "FLAC":
        _write_flac(path, metadata, chunks)
    if container not in _LIKE_ID3:
        return
    places = markers.placed(metadata.chapters, sample_rate)
    front, back = [], []
    if container in _WAV:
        # libsndfile overlooks the padding of an odd chunk before the sound of an RF64
        front = [each for each in chunks if each.name not in _AFTER_SOUND and len(each.body) % 2 == 0]
        back = [each for each in chunks if each not in front]
        if places and not any(each.name == b"cue " for each in back):
            back += markers.cue_points(places)
    elif places:
        back = [markers.aiff_markers(places)]
    if metadata.pictures or metadata.tags.keys() - native_tags(container, metadata.tags).keys():
        back.append(Body(b"ID3 " if container == "AIFF" else b"id3 ", _id3(metadata)))
    if front or back:
        add_chunks(path, front, back)


def _id3(metadata: Metadata) -> bytes:
    """All tags and pictures as ID3v2.3, which every player reads."""
    from mutagen import id3

    tags = id3.ID3()
    for name, text in metadata.tags.items():
        if name == "comment":
            tags.add(id3.COMM(encoding=3, lang="und", desc="", text=text))
        elif name == "lyrics":
            tags.add(id3.USLT(encoding=3, lang="und", desc="", text=text))
        elif name in _ID3_FRAMES and (name != "date" or text[:4].isdigit()):  # ID3 has no other dates
            tags.add(getattr(id3, _ID3_FRAMES[name])(encoding=3, text=text))
        else:
            tags.add(id3.TXXX(encoding=3, desc=name, text=text))
    for number, picture in enumerate(metadata.pictures, 1):
        named = [each.description for each in metadata.pictures[:number]]
        # ID3 allows no two of one name
        name = f"{picture.description} {number}" if picture.description in named[:-1] else picture.description
        tags.add(id3.APIC(encoding=3, mime=picture.mime, type=picture.kind, desc=name, data=picture.data))
    tags.update_to_v23()
    file = io.BytesIO()
    tags.save(file, v2_version=3, padding=lambda _: 0)
    return file.getvalue()


def _write_flac(path: Path, metadata: Metadata, chunks: list[Body]) -> None:
    """Comments and pictures of a FLAC; cue points are among the chapters."""
    from mutagen import MutagenError, flac

    bext = next((each.body for each in chunks if each.name == b"bext"), None)
    comments = [*((broadcast.as_tags(bext) if bext else {}) | metadata.tags).items()]
    comments += markers.vorbis_comments(metadata.chapters)
    pictures = _fitting(metadata.pictures)
    if not (comments or pictures):
        return
    file = flac.FLAC(path)
    if file.tags is None:
        file.add_tags()
    file.tags[:] = [(_comment_name(name), text) for name, text in comments]
    file.clear_pictures()
    for each in pictures:
        picture = flac.Picture()
        picture.data, picture.mime, picture.type, picture.desc = each.data, each.mime, each.kind, each.description
        picture.width, picture.height, picture.depth = each.width, each.height, 24
        file.add_picture(picture)
    try:
        file.save()
    except MutagenError as error:
        raise OSError(str(error)) from error


def _comment_name(name: str) -> str:
    """The name as RFC 9639, 8.6 allows it: printable ASCII but "="."""
    return "".join(letter if " " <= letter <= "}" and letter != "=" else "_" for letter in name.upper()) or "_"
