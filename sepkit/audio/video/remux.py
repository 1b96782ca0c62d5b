"""A video as it was, packet for packet, with new sound: the last step of a run whose result is a video.

Pictures are never decoded: a damaged one is copied as it is. Packets keep their times; a new track begins at the time
of its first frame. What holds nothing (`size` 0) marks the end; a packet without a decoding time is one all the same,
as Matroska has them where frames are reordered.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sepkit.audio.decode import DEMUXERS
from sepkit.audio.read import open_source
from sepkit.audio.video import belongings, new_track
from sepkit.audio.video.kinds import MATROSKA, Kind
from sepkit.audio.video.new_track import Encoding, NewTrack
from sepkit.errors import OutputError, SourceError
from sepkit.files.naming import shown
from sepkit.files.whole_file import whole_file

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream

READING = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
LEAD_S = Fraction(1, 2)
"""How far sound is written ahead of the picture, so that the muxer never waits for it."""
CHECKED_PACKETS = 256
"""After so many packets somebody may interrupt."""


def remux(
    source: Path,
    result: Path,
    kind: Kind,
    tracks: Sequence[NewTrack],
    salvage: bool = False,
    check: Callable[[], None] = lambda: None,
) -> tuple[str, ...]:
    """Write a video, whole or not at all; returns what it lacks of the source, a sentence each.

    salvage: a source that ends too early is copied as far as it goes. check: called now and then, may raise.
    """
    import av

    with whole_file(result) as part:
        try:
            notes = _written(source, part, kind, tracks, salvage, check)
            with part.open("rb") as written:
                os.fsync(written.fileno())
            return (*notes, *belongings.lost(source, part, kind, READING))
        except (av.FFmpegError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise OutputError(
                f"{shown(result)}: cannot be written as {kind.name} ({why}); check the folder and free space, or give "
                "--no-video for the sound alone"
            ) from error


def _written(
    source: Path, part: Path, kind: Kind, tracks: Sequence[NewTrack], salvage: bool, check: Callable[[], None]
) -> tuple[str, ...]:
    import av

    with ExitStack() as stack:
        try:
            given = stack.enter_context(
                av.open(f"file:{source}", "r", options=READING, metadata_errors="surrogateescape")
            )
        except av.FFmpegError as error:
            raise SourceError(f"{shown(source)}: cannot be read as a video ({error.strerror})") from error
        options = belongings.file_options(given, kind)
        output = stack.enter_context(
            av.open(f"file:{part}", "w", format=kind.muxer, options=options, metadata_errors="surrogateescape")
        )
        belongings.describe_file(output, given)
        plan = _plan(source, given, output, kind, tracks, stack)
        output.start_encoding()
        order = _InOrder()
        for count, packet in enumerate(_packets(source, given, plan, salvage)):
            if count % CHECKED_PACKETS == 0:
                check()
            time = packet.pts if packet.dts is None else packet.dts
            if time is not None:
                for encoding in plan.encodings:
                    output.mux(list(encoding.until(time * packet.time_base + LEAD_S)))
            order.mend(packet)
            packet.stream = plan.copies[packet.stream.index]
            output.mux(packet)
        for encoding in plan.encodings:
            for packet in encoding.until(None):
                output.mux(packet)
        return (*plan.notes, *order.notes())


class _Plan(NamedTuple):
    """copies: the streams that packets are copied to, by the index in the source. notes: what is lost."""

    copies: dict[int, Stream]
    encodings: list[Encoding]
    notes: list[str]


def _plan(
    source: Path,
    given: InputContainer,
    output: OutputContainer,
    kind: Kind,
    tracks: Sequence[NewTrack],
    stack: ExitStack,
) -> _Plan:
    """The streams of the new video, in the source's order; those beside the old ones come last."""
    plan = _Plan({}, [], [])
    replacing = {given.streams.audio[track.of - 1].index: track for track in tracks if not track.title}
    covers = belongings.covers(source, READING) if kind is MATROSKA else {}
    for stream in given.streams:
        if stream.index in replacing:
            like = given.streams.audio[replacing[stream.index].of - 1]
            plan.encodings.append(_new(output, kind, replacing[stream.index], like, stack))
        elif kind is MATROSKA and belongings.is_cover(stream):
            if cover := covers.get(stream.index):
                output.add_attachment(*cover)
        elif stream.type == "video" or belongings.takes(kind, stream):
            plan.copies[stream.index] = belongings.copied(output, stream, belongings.own_tag(kind, stream))
        else:
            plan.notes.extend(belongings.left_out(stream, kind, given))
    for track in tracks:
        if track.title:
            plan.encodings.append(_new(output, kind, track, given.streams.audio[track.of - 1], stack))
    return plan


def _new(output: OutputContainer, kind: Kind, track: NewTrack, like: AudioStream, stack: ExitStack) -> Encoding:
    """A new track, called like the one that it replaces, or by its own title beside it."""
    sound = stack.enter_context(open_source(track.sound))
    found = new_track.coding(sound, kind, like.layout.name)
    stream = new_track.add(output, found)
    if track.title:
        belongings.describe_beside(stream, like, track.title)
    else:
        belongings.describe(stream, like)
    return Encoding(sound, stream, found, track.begins_s)


def _packets(source: Path, given: InputContainer, plan: _Plan, salvage: bool) -> Iterator[Packet[Any]]:
    """What is copied, in the source's order."""
    import av

    packets = given.demux([given.streams[index] for index in plan.copies])
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError as error:
            if not salvage:
                raise SourceError(
                    f"{shown(source)}: its picture cannot be copied to the end ({error.strerror}); copy or export it "
                    "again, or take what is there with --salvage"
                ) from error
            plan.notes.append(f"salvaged: the picture ends early ({error.strerror})")
            return
        if packet is None:
            return
        if packet.size:
            yield packet


class _InOrder:
    """Decoding times that rise in every stream, which muxers insist on; those of damaged files may not."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self._moved = 0

    def mend(self, packet: Packet[Any]) -> None:
        """Move a packet behind the one before it, where it is not."""
        if packet.dts is None:
            return
        last = self._last.get(packet.stream.index)
        if last is not None and packet.dts <= last:
            packet.dts = last + 1
            packet.pts = None if packet.pts is None else max(packet.pts, packet.dts)
            self._moved += 1
        self._last[packet.stream.index] = packet.dts

    def notes(self) -> tuple[str, ...]:
        """How often that was done."""
        return (f"{self._moved} packets had times out of order, and follow the one before",) if self._moved else ()
