"""Who reads a file: libsndfile in place, libsndfile in order, or FFmpeg; and what is refused because it is cut short.

Behind `read.open_source`. Of a file that is several, one after another, each part is read by itself, in order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from sepkit.audio import library_lines, ogg
from sepkit.audio.decode import Decoding, InOrder, ffmpeg_decoding, libsndfile_blocks
from sepkit.audio.endings import require_ending
from sepkit.audio.joined import Part, Slice, parts
from sepkit.audio.samples import Samples
from sepkit.audio.source_file import Flaws, require_file, unfinished_wav
from sepkit.audio.source_info import BEYOND_FLOAT32, SAMPLE_BITS, SourceInfo, sane
from sepkit.config.sections import DEFAULT_TRACK, SourceConfig
from sepkit.errors import SourceError
from sepkit.files.naming import shown

UNKNOWN_FRAMES = 2**63 - 1
"""libsndfile's count for a FLAC whose encoder wrote into a pipe."""

OPUS_CHANNELS = 2
"""More come out of libsndfile in the order of Vorbis or not at all, from 7 on."""


@dataclass(frozen=True)
class Opened:
    """A file held open.

    info.frames: what its header promises, 0 where only decoding tells. blocks: all samples in order. fetch: None if
    there is no other way. exact: the same at double precision; None where float32 holds every sample. said: notes that
    are complete once the blocks are taken.
    """

    info: SourceInfo
    blocks: Iterator[Samples]
    flaws: Flaws
    said: Callable[[], tuple[str, ...]]
    fetch: Callable[[int, int], Samples] | None = None
    exact: Callable[[int, int], NDArray[np.float64]] | None = None

    def finished(self, frames: int) -> SourceInfo:
        """The info with the frames that were found, which must be some, and no fewer than the header said."""
        if frames == 0:
            raise SourceError(f"{shown(self.info.path)}: holds no audio (0 frames); copy or export it again")
        if frames < self.info.frames:
            self.flaws.cut_short(self.info.frames, frames, "frames")
        salvaged = self.flaws.notes()
        return replace(self.info, frames=frames, salvaged=salvaged, notes=(*salvaged, *self.said()))


@contextmanager
def opened(path: Path, how: SourceConfig) -> Iterator[Opened]:
    """Choose who reads the file, and refuse it if it is cut short."""
    require_file(path)
    flaws = Flaws(path, how.salvage)
    part, *more = parts(path, flaws)
    with _part(path, part, how, flaws) as first:
        if not more:
            yield first
            return
        told: list[str] = []
        blocks = _joined(first, more, how, told)
        yield Opened(replace(first.info, frames=0), blocks, flaws, lambda: (*told, *first.said()))


def _joined(first: Opened, more: list[Part], how: SourceConfig, told: list[str]) -> Iterator[Samples]:
    """The blocks of every part. told: to be filled with what a person should know."""
    rate = first.info.sample_rate
    at = yield from _counted(first)
    told.append(
        f"{len(more) + 1} files stand one after another in it, the second from {at / rate:.3f} s on; all are read"
    )
    for part in more:
        with _part(first.info.path, part, how, first.flaws) as following:
            found, wanted = _format(following.info), _format(first.info)
            if found != wanted:
                told.clear()
                first.flaws.second_stream(at / rate, f"{found} after {wanted}")
                return
            start_s = at / rate
            at += yield from _counted(following)
            told.extend(f"from {start_s:.3f} s on: {note}" for note in following.said())


def _counted(part: Opened) -> Generator[Samples, None, int]:
    """Its blocks, which must be as many frames as its header promised; their number."""
    frames = 0
    for block in part.blocks:
        frames += block.shape[1]
        yield block
    part.finished(frames)
    return frames


def _format(info: SourceInfo) -> str:
    return f"{info.channels} channels at {info.sample_rate} Hz"


@contextmanager
def _part(path: Path, part: Part, how: SourceConfig, flaws: Flaws) -> Iterator[Opened]:
    lines = list[str]()
    with _libsndfile(path, part, lines) as (file, refusal):
        if file is None or _is_for_ffmpeg(path, part, file):
            require_ending(path, flaws)
            with (
                nullcontext() if part.is_all else Slice(path, part) as piece,
                ffmpeg_decoding(path, refusal, how, flaws, piece) as decoding,
            ):
                is_flac = file is not None and file.frames == UNKNOWN_FRAMES
                info = _libsndfile_info(path, file) if file and is_flac else _ffmpeg_info(path, decoding)
                yield Opened(info, decoding.blocks, flaws, decoding.notes)
            return
        _require_first_track(path, how)
        info = _libsndfile_info(path, file)
        if info.lossless and not info.frames:
            raise SourceError(f"{shown(path)}: holds no audio (0 frames); copy or export it again")
        in_frames = info.lossless and not info.subtype.startswith("ALAC")
        require_ending(path, flaws, info.channels * SAMPLE_BITS[info.subtype] // 8 if in_frames else None)
        in_place = info.lossless and not how.salvage  # what is salvaged is decoded, and counted by that
        if in_place:
            _reach_the_end(info, file, flaws)
        fetch = partial(_read_in_place, path, file, "float32") if in_place else None
        exact = partial(_read_in_place, path, file, "float64") if in_place and info.subtype in BEYOND_FLOAT32 else None
        yield Opened(info, libsndfile_blocks(file, flaws, lines), flaws, lambda: tuple(lines), fetch, exact)


def _is_for_ffmpeg(path: Path, part: Part, file: soundfile.SoundFile) -> bool:
    """Whether libsndfile opens a file, but does not find its end, or mistakes its channels or its time."""
    if file.frames == UNKNOWN_FRAMES:  # a FLAC from a pipe
        return True
    if file.format == "MP3":  # without a tag libsndfile guesses from the size, and stops at its guess
        return not part.told
    if file.format != "OGG":
        return False
    if file.subtype == "OPUS" and file.channels > OPUS_CHANNELS:
        return True
    with nullcontext(f"file:{path}") if part.is_all else Slice(path, part) as source:
        return not ogg.follows_on(source)


def _require_first_track(path: Path, how: SourceConfig) -> None:
    """libsndfile's files hold one track, of no language."""
    if how.track not in (DEFAULT_TRACK, 1):
        raise SourceError(f"{shown(path)}: has one sound track, found --track {how.track}; leave it out")


@contextmanager
def _libsndfile(path: Path, part: Part, lines: list[str]) -> Iterator[tuple[soundfile.SoundFile | None, str]]:
    """The file as libsndfile opens it, or None and why it does not. lines: to be filled with what it prints."""
    file, refusal = None, ""
    with (unfinished_wav(path) if part.is_all else Slice(path, part)) or nullcontext() as mended:
        try:
            with library_lines.caught(lines):
                file = InOrder(mended or os.fsencode(path))
        except soundfile.LibsndfileError as error:
            refusal = error.error_string.strip(" .")
        except TypeError:  # soundfile wants to be told the rate of whatever is named .raw
            refusal = "no header"
        if file and file.format == "RAW":  # libsndfile takes anything named .snd or .vox for headerless speech
            file.close()
            file, refusal = None, "no header"
        with file or nullcontext():
            yield file, refusal


def _libsndfile_info(path: Path, file: soundfile.SoundFile) -> SourceInfo:
    frames = 0 if file.frames == UNKNOWN_FRAMES else file.frames
    lossless = file.subtype in SAMPLE_BITS
    return sane(SourceInfo(path, file.samplerate, file.channels, frames, file.format, file.subtype, lossless))


def _ffmpeg_info(path: Path, found: Decoding) -> SourceInfo:
    return sane(
        SourceInfo(
            *(path, found.sample_rate, found.channels, 0, found.container, found.subtype, found.lossless),
            track=found.track,
            tracks=found.tracks,
            start_s=found.start_s,
            begins_s=found.begins_s,
            video=found.video,
        )
    )


def _reach_the_end(info: SourceInfo, file: soundfile.SoundFile, flaws: Flaws) -> None:
    """A FLAC that is cut short shows it in no size, only by a last frame that cannot be reached."""
    reached = False
    with suppress(soundfile.LibsndfileError):
        file.seek(info.frames - 1)
        reached = len(file.read(1)) == 1
    with suppress(soundfile.LibsndfileError):
        file.seek(0)
    if not reached:
        flaws.cut_short(info.frames, "fewer", "frames")


def _read_in_place(path: Path, file: soundfile.SoundFile, dtype: str, start_frame: int, frames: int) -> NDArray[Any]:
    flaws = Flaws(path)
    try:
        file.seek(start_frame)
        block = file.read(frames, dtype=dtype, always_2d=True)
    except soundfile.LibsndfileError as error:
        flaws.damaged(start_frame / file.samplerate, error.error_string.strip(" ."))
    if len(block) < frames:
        flaws.cut_short(file.frames, start_frame + len(block), "frames")
    return np.ascontiguousarray(block.T)
