"""What goes along with the packets of a video: titles, languages, marks, chapters, attachments; and what is lost of it.

The container decides what it takes. Each stream but the pictures is tried on it in memory first; what the written
video then lacks of the source's tags is found by reading it again. Every loss is one sentence.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sepkit.audio.metadata import MOST_BYTES
from sepkit.audio.video.kinds import MATROSKA, MOV, MP4, WEBM, Kind
from sepkit.errors import one_line
from sepkit.files.naming import clipped

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream

OF_THE_WRITER = {"encoder", "major_brand", "minor_version", "compatible_brands", "duration", "vendor_id"}
OF_THE_WRITER |= {"bps", "number_of_bytes", "number_of_frames", "source_id"}
"""Tags that name what wrote a file, or count its bytes: the new one has its own."""
STATISTICS = "_statistics"

CHAPTERS = "bin_data"
"""What FFmpeg calls the titles of an MP4's chapters."""

COVER_NAMES = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}
MOST_NAMED = 8


def is_cover(stream: Stream) -> bool:
    """Whether it is a picture that belongs to the file, and no film."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def takes(kind: Kind, stream: Stream, tag: str = "") -> bool:
    """Whether the container takes a stream as it is. tag: see `copied`."""
    import av

    if stream.type == "data" and stream.name is None:
        return False  # FFmpeg (8.1) would write a track without its description, at which players stop
    try:
        with av.open(io.BytesIO(), "w", format=kind.muxer) as trial:
            copied(trial, stream, tag)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def own_tag(kind: Kind, stream: Stream) -> str:
    """The four letters by which MP4 and MOV name its coding; "" where the container has its own alone.

    The same pictures are called hvc1 or hev1, and Apple's players take one of them.
    """
    if kind not in (MP4, MOV) or stream.codec_context is None:
        return ""
    try:
        tag: str = stream.codec_context.codec_tag
    except UnicodeDecodeError:
        return ""
    return tag if takes(kind, stream, tag) else ""


def copied(output: OutputContainer, stream: Stream, tag: str = "") -> Stream:
    """The stream of the new video that a source's goes to, with its tags and marks (default, forced, …).

    tag: the four letters that name its coding; the container's own where it is left out.
    """
    import av

    new = output.add_stream_from_template(stream, opaque=True)
    new.metadata.update(_titled(stream.metadata))
    new.disposition = stream.disposition
    if tag:
        new.codec_context.codec_tag = tag
    if isinstance(new, av.VideoStream) and isinstance(stream, av.VideoStream):
        if stream.sample_aspect_ratio:  # some codings do not say it themselves
            new.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio
        if "timecode" in stream.metadata and stream.average_rate:  # whose stream is made again from the tag, and it
            new.codec_context.framerate = stream.average_rate
    return new


def describe(new: Stream, like: Stream) -> None:
    """A track that takes the place of another, with what is true of both."""
    new.metadata.update(_own(_titled(like.metadata)))
    new.disposition = like.disposition


def describe_beside(new: Stream, original: Stream, title: str) -> None:
    """A track beside the one that it was made of, which players go on playing unasked."""
    new.metadata["title"] = title
    if language := original.metadata.get("language"):
        new.metadata["language"] = language
    new.disposition = type(original.disposition)(0)


def covers(path: Path, options: Mapping[str, str]) -> dict[int, tuple[str, str, bytes]]:
    """Name, kind and bytes of each cover, by the index of its stream: Matroska holds them as attachments."""
    import av

    found = {}
    with av.open(f"file:{path}", "r", options=dict(options), metadata_errors="surrogateescape") as source:
        streams = {each.index: each for each in source.streams.video if is_cover(each)}
        for packet in islice(source.demux(list(streams.values())), len(streams)) if streams else ():
            stream = streams[packet.stream.index]
            name, mime = COVER_NAMES.get(stream.codec_context.name, ("cover", "application/octet-stream"))
            said = stream.metadata
            if 0 < packet.size <= MOST_BYTES:
                found[stream.index] = said.get("filename", name), said.get("mimetype", mime), bytes(packet)
    return found


def file_options(source: InputContainer, kind: Kind) -> dict[str, str]:
    """How the container is written. Tags of phones, as com.apple.quicktime.make, take a form of their own."""
    options = {"avoid_negative_ts": "disabled"} if kind in (MATROSKA, WEBM) else {}
    if kind.muxer in ("mp4", "mov") and any("." in name for name in source.metadata):
        options["movflags"] = "use_metadata_tags"
    return options


def describe_file(output: OutputContainer, source: InputContainer) -> None:
    """Tags and chapters of the whole."""
    output.metadata.update(_own(source.metadata))
    if chapters := source.chapters():
        output.set_chapters(chapters)


def left_out(stream: Stream, kind: Kind, source: InputContainer) -> tuple[str, ...]:
    """What is said of a stream that the container does not take. An MP4 shows its chapters as one: they are copied. So
    is a picture's time code, of which the container makes a stream again.
    """
    if stream.type == "data" and stream.name == CHAPTERS and source.chapters():
        return ()
    if (
        stream.type == "data"
        and "timecode" in stream.metadata
        and any("timecode" in each.metadata for each in source.streams.video)
    ):
        return ()
    coding = stream.name or "of a kind that FFmpeg does not know"
    return (f"stream {stream.index} ({stream.type}, {coding}) is left out: {kind.name} does not take it",)


def lost(source: Path, result: Path, kind: Kind, options: Mapping[str, str]) -> tuple[str, ...]:
    """The tags, chapters and covers that the written video does not have, a sentence each."""
    import av

    def reread(path: Path) -> InputContainer:
        return av.open(f"file:{path}", "r", options=dict(options), metadata_errors="replace")

    try:
        with reread(source) as before, reread(result) as after:
            there = {name.lower() for name in _own(after.metadata)}
            tags = [clipped(name, 40) for name in _own(before.metadata) if name.lower() not in there]
            chapters = len(before.chapters()) - len(after.chapters())
            shapes = [
                f"{kind.name} does not hold that the pixels of stream {index} are {shape} as wide as high"
                for (index, shape), (_, kept) in zip(_pixels(before), _pixels(after), strict=False)
                if shape != kept
            ]
            covers = sum(map(is_cover, before.streams.video)) - sum(map(is_cover, after.streams.video))
    except (av.FFmpegError, ValueError) as error:
        return (f"whether all tags are kept could not be looked up ({one_line(error)})",)
    named = ", ".join(tags[:MOST_NAMED]) + (", …" if len(tags) > MOST_NAMED else "")
    found = [
        f"{kind.name} does not hold the tags {named}" if tags else "",
        f"{chapters} chapters are lost" if chapters > 0 else "",
        f"{covers} cover pictures are lost" if covers > 0 else "",
        *shapes,
    ]
    return tuple(filter(None, found))


def _pixels(container: InputContainer) -> list[tuple[int, Fraction | int]]:
    """Of each picture its stream and the width of a pixel over its height; PyAV (18.1) cannot give it to Matroska's."""
    return [(each.index, each.sample_aspect_ratio or 1) for each in container.streams.video if not is_cover(each)]


def _titled(tags: Mapping[str, str]) -> dict[str, str]:
    """MP4 and MOV call a title "name" when they are read, and not when they are written."""
    return {"title" if name == "name" else name: text for name, text in tags.items()}


def _own(tags: Mapping[str, str]) -> dict[str, str]:
    """Those that are true of the new file too."""
    return {
        name: text
        for name, text in tags.items()
        if name.lower().partition("-")[0] not in OF_THE_WRITER and not name.lower().startswith(STATISTICS)
    }
