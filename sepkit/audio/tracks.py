"""Which sound track of a file is taken, and when the file's time begins.

Place: before the first packet is decoded. A track is asked for by its number (from 1), by its language, or not at
all; then it is the one that the file marks as the default.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sepkit.config.sections import ALL_TRACKS, DEFAULT_TRACK
from sepkit.errors import ConfigError, SourceError
from sepkit.files.naming import clipped, shown

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

PRIMED_BEFORE_ZERO = ("mov", "matroska", "ogg")
"""Containers that place what an encoder needs to start before time zero, where nobody hears it."""
CUT_BEFORE_ZERO = ("ogg",)
"""Those in which FFmpeg hands it over all the same."""


class Track(NamedTuple):
    """A sound track. number: from 1. name: its number, language, title and mark, for people."""

    number: int
    language: str
    name: str
    is_default: bool
    stream: AudioStream


def tracks(container: InputContainer) -> list[Track]:
    """The sound tracks of an open file, in its order."""
    return [_track(number, stream) for number, stream in enumerate(container.streams.audio, start=1)]


def chosen(path: Path, found: list[Track], asked: int | str) -> Track:
    """The track that is asked for; what is not there raises SourceError and names those that are."""
    if asked == ALL_TRACKS:
        raise ConfigError(f"source.track: {ALL_TRACKS} found; here one track is read: give its number or its language")
    if asked == DEFAULT_TRACK:
        return next((track for track in found if track.is_default), found[0])
    for track in found:
        if asked in (track.number, track.language):
            return track
    names = "; ".join(track.name for track in found)
    raise SourceError(f"{shown(path)}: has no sound track '{asked}'; found {names}: give one of these to --track")


def taken_note(taken: Track, found: list[Track], asked: int | str) -> tuple[str, ...]:
    """A sentence where there was a choice; what else there is, only where nobody asked for a track."""
    if len(found) > 1 and asked != DEFAULT_TRACK:
        return (f"track {taken.number} of {len(found)}{taken.name.removeprefix(str(taken.number))}",)
    others = ", ".join(track.name for track in found if track is not taken)
    return (f"of {len(found)} sound tracks, {taken.name} was taken, not {others}",) if others else ()


def origin_s(container: InputContainer, taken: Track, first_s: Fraction) -> Fraction:
    """When the file begins: the first picture or sound of any stream. first_s: when the taken track is first heard."""
    import av

    name = container.format.name.split(",")[0]
    starts = [max(first_s, Fraction(0)) if name in CUT_BEFORE_ZERO else first_s]
    primed = name in PRIMED_BEFORE_ZERO
    for stream in (*container.streams.video, *container.streams.audio):
        is_cover = bool(stream.disposition & av.stream.Disposition.attached_pic)
        if stream.start_time is None or stream.time_base is None or stream.index == taken.stream.index or is_cover:
            continue
        start_s = stream.start_time * stream.time_base
        starts.append(max(start_s, Fraction(0)) if primed and stream.type == "audio" else start_s)
    return min(starts)


def leave_out_others(container: InputContainer, taken: AudioStream) -> None:
    """Packets of other streams are passed over, and in an MP4 not even read: a film's are most of it."""
    from av.stream import Discard

    for stream in container.streams:
        if stream.index != taken.index:
            stream.discard = Discard.all


def has_picture(container: InputContainer) -> bool:
    """Whether it is a film: covers are none."""
    import av

    return any(not each.disposition & av.stream.Disposition.attached_pic for each in container.streams.video)


def _track(number: int, stream: AudioStream) -> Track:
    import av

    language = stream.metadata.get("language", "")
    language = "" if language == "und" else language
    is_default = bool(stream.disposition & av.stream.Disposition.default)
    said = (language, stream.metadata.get("title") or stream.metadata.get("name", ""), "default" if is_default else "")
    about = clipped(", ".join(filter(None, said)))
    return Track(number, language, f"{number} ({about})" if about else str(number), is_default, stream)
