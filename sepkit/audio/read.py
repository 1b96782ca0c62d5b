"""Reading sound: any file, by its exact frames, from any place in it, in bounded memory.

First in the flow. Uncompressed and losslessly coded files of libsndfile (WAV, RF64, W64, AIFF, CAF, AU, FLAC)
are read in place. Everything else is decoded once, in order, to a spool, so that a frame number means the
same sample however it is reached.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from sepkit.audio import library_lines
from sepkit.audio.decode import Decoding, ffmpeg_decoding, libsndfile_blocks
from sepkit.audio.endings import require_ending
from sepkit.audio.samples import Audio, Samples
from sepkit.audio.source_file import Flaws, require_file, unfinished_wav
from sepkit.audio.spool import Spool
from sepkit.audio.windows import blocks
from sepkit.config.sections import DEFAULT_TRACK, SourceConfig
from sepkit.errors import SourceError
from sepkit.files.naming import shown

__all__ = ["Source", "SourceInfo", "Spool", "audio_source", "open_source", "probe", "read_audio", "track_count"]

SAMPLE_BITS = {
    "PCM_S8": 8,
    "PCM_U8": 8,
    "PCM_16": 16,
    "PCM_24": 24,
    "PCM_32": 32,
    "ALAC_16": 16,
    "ALAC_20": 20,
    "ALAC_24": 24,
    "ALAC_32": 32,
    "FLOAT": 32,
    "DOUBLE": 64,
}
"""libsndfile's lossless codings, which can be read in place and which a result keeps."""

SAMPLE_RATES_HZ = range(1_000, 64 * 48_000 + 1)
"""From below any telephone to 1-bit recorders; a header that says otherwise is damaged."""

MAX_CHANNELS = 64
"""Seventh-order ambisonics, (7 + 1)²: the widest layout in use."""

UNKNOWN_FRAMES = 2**63 - 1
"""libsndfile's count for a FLAC whose encoder wrote into a pipe."""

LOUDEST = 1e12
"""Full scale is 1, and 32-bit integers taken for floats reach 2e9; far above, squares within a model leave float32."""

AS_IT_IS = SourceConfig()  # the default track of a whole file


@dataclass(frozen=True)
class SourceInfo:
    """What is known about a source.

    frames: exact. container: libsndfile's major format ("WAV", "FLAC", …) or FFmpeg's ("mov", "matroska").
    subtype: the coding in libsndfile's words, "" for what FFmpeg decodes with loss.
    track: which of the sound tracks it is, from 1; tracks: how many there are. start_s: where its sound starts in the
    file's own time; the silence before it is among the frames. notes: what a person should know, a sentence each.
    salvaged: those of them that say what a salvaged file lacks; its results bear them as a comment.
    """

    path: Path
    sample_rate: int
    channels: int
    frames: int
    container: str
    subtype: str
    lossless: bool
    track: int = 1
    tracks: int = 1
    start_s: float = 0.0
    notes: tuple[str, ...] = ()
    salvaged: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


class Source:
    """Sound that can be read from any place in it."""

    def __init__(self, info: SourceInfo, fetch: Callable[[int, int], Samples]) -> None:
        self.info = info
        self._fetch = fetch

    def read(self, start_frame: int, frames: int, channels: range | None = None) -> Samples:
        """The frames from `start_frame` on, (channels, frames) float32; NaN, Inf, or `LOUDEST` is a SourceError.

        channels: those wanted; None: all. Hardly more is held than they are, whatever else the file holds.
        """
        assert start_frame >= 0 and frames >= 0 and start_frame + frames <= self.info.frames, (
            f"{frames} frames from {start_frame} on, of {self.info.frames}"
        )
        chosen = channels or range(self.info.channels)
        found = np.empty((len(chosen), frames), np.float32)
        for first, count in blocks(frames, self.info.sample_rate, self.info.channels):
            found[:, first : first + count] = self._block(start_frame + first, count)[chosen.start : chosen.stop]
        return found

    def _block(self, start_frame: int, frames: int) -> Samples:
        samples = self._fetch(start_frame, frames)
        sound = (samples > -LOUDEST) & (samples < LOUDEST)
        if not sound.all():
            first = int(np.argmin(sound.all(axis=0)))
            found = samples[np.argmin(sound[:, first]), first]
            at_s = (start_frame + first) / self.info.sample_rate
            raise SourceError(
                f"{shown(self.info.path)}: holds a sample that is no {'sound' if np.isfinite(found) else 'number'} "
                f"({found}) at {at_s:.3f} s; repair or export it again"
            )
        return samples


def probe(path: Path, how: SourceConfig = AS_IT_IS) -> SourceInfo:
    """What a file holds. Reads the header, or decodes all of it where the header does not tell the length."""
    with _opened(path, how) as opened:
        if opened.info.frames and not how.salvage:
            return opened.finished(opened.info.frames)
        return opened.finished(sum(block.shape[1] for block in opened.blocks))


def track_count(path: Path, how: SourceConfig = AS_IT_IS) -> int:
    """How many sound tracks a file has; nothing is decoded but the first one's beginning."""
    with _opened(path, how.model_copy(update={"track": DEFAULT_TRACK})) as opened:
        return opened.info.tracks


@contextmanager
def open_source(sound: Path | str | Audio, how: SourceConfig = AS_IT_IS) -> Iterator[Source]:
    """Open a file, or sound in memory, for reading from any place in it. how: which track, and whether salvaged."""
    if isinstance(sound, Audio):
        yield audio_source(sound)
        return
    with _opened(Path(sound), how) as opened:
        if opened.fetch is not None:
            yield Source(opened.finished(opened.info.frames), opened.fetch)
            return
        with Spool(opened.info.sample_rate, opened.info.channels) as spool:
            for block in opened.blocks:
                spool.write(block)
            yield Source(opened.finished(spool.frames), spool.read)


def audio_source(audio: Audio) -> Source:
    """Sound in memory, read like a file; without frames it is refused as that is."""
    if not audio.frames:
        raise SourceError("samples: found no frames; give sound of one frame or more")
    info = SourceInfo(Path("memory"), audio.sample_rate, audio.channels, audio.frames, "WAV", "FLOAT", lossless=True)
    return Source(info, lambda start, frames: audio.samples[:, start : start + frames])


def read_audio(path: Path, start_s: float = 0.0, longest_s: float | None = None) -> Audio:
    """A file in memory, or at most `longest_s` of it from `start_s` on: for what is known to be short."""
    with open_source(path) as source:
        rate, frames = source.info.sample_rate, source.info.frames
        start = min(round(start_s * rate), frames)
        longest = frames if longest_s is None else round(longest_s * rate)
        return Audio(source.read(start, min(longest, frames - start)), rate)


@dataclass(frozen=True)
class _Opened:
    """A file held open.

    info.frames: what its header promises, 0 where only decoding tells. blocks: all samples in order. fetch: None if
    there is no other way. said: notes that are complete once the blocks are taken.
    """

    info: SourceInfo
    blocks: Iterator[Samples]
    flaws: Flaws
    said: Callable[[], tuple[str, ...]]
    fetch: Callable[[int, int], Samples] | None = None

    def finished(self, frames: int) -> SourceInfo:
        """The info with the frames that were found, which must be some, and no fewer than the header said."""
        if frames == 0:
            raise SourceError(f"{shown(self.info.path)}: holds no audio (0 frames); copy or export it again")
        if frames < self.info.frames:
            self.flaws.cut_short(self.info.frames, frames, "frames")
        salvaged = self.flaws.notes()
        return replace(self.info, frames=frames, salvaged=salvaged, notes=(*salvaged, *self.said()))


@contextmanager
def _opened(path: Path, how: SourceConfig) -> Iterator[_Opened]:
    """Choose who reads the file, and refuse it if it is cut short."""
    require_file(path)
    flaws, lines = Flaws(path, how.salvage), list[str]()
    with _libsndfile(path, lines) as (file, refusal):
        if file is None or file.frames == UNKNOWN_FRAMES:  # libsndfile cannot find the end of a FLAC from a pipe
            require_ending(path, flaws)
            with ffmpeg_decoding(path, refusal, how, flaws) as decoding:
                info = _libsndfile_info(path, file) if file else _ffmpeg_info(path, decoding)
                yield _Opened(info, decoding.blocks, flaws, decoding.notes)
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
        fetch = partial(_read_in_place, path, file) if in_place else None
        yield _Opened(info, libsndfile_blocks(file, flaws, lines), flaws, lambda: tuple(lines), fetch)


def _require_first_track(path: Path, how: SourceConfig) -> None:
    """libsndfile's files hold one track, of no language."""
    if how.track not in (DEFAULT_TRACK, 1):
        raise SourceError(f"{shown(path)}: has one sound track, found --track {how.track}; leave it out")


@contextmanager
def _libsndfile(path: Path, lines: list[str]) -> Iterator[tuple[soundfile.SoundFile | None, str]]:
    """The file as libsndfile opens it, or None and why it does not. lines: to be filled with what it prints."""
    file, refusal = None, ""
    with unfinished_wav(path) or nullcontext() as unfinished:
        try:
            with library_lines.caught(lines):
                file = soundfile.SoundFile(unfinished or os.fsencode(path))
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
    return _sane(SourceInfo(path, file.samplerate, file.channels, frames, file.format, file.subtype, lossless))


def _ffmpeg_info(path: Path, found: Decoding) -> SourceInfo:
    return _sane(
        SourceInfo(
            *(path, found.sample_rate, found.channels, 0, found.container, found.subtype, found.lossless),
            track=found.track,
            tracks=found.tracks,
            start_s=found.start_s,
        )
    )


def _sane(info: SourceInfo) -> SourceInfo:
    """The same info, unless its header claims what no recording has."""
    if info.sample_rate not in SAMPLE_RATES_HZ or info.channels > MAX_CHANNELS:
        raise SourceError(
            f"{shown(info.path)}: its header claims {info.channels} channels at {info.sample_rate} Hz; "
            f"up to {MAX_CHANNELS} at {SAMPLE_RATES_HZ[0]} to {SAMPLE_RATES_HZ[-1]} Hz are read; repair it"
        )
    return info


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


def _read_in_place(path: Path, file: soundfile.SoundFile, start_frame: int, frames: int) -> Samples:
    flaws = Flaws(path)
    try:
        file.seek(start_frame)
        block = file.read(frames, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        flaws.damaged(start_frame / file.samplerate, error.error_string.strip(" ."))
    if len(block) < frames:
        flaws.cut_short(file.frames, start_frame + len(block), "frames")
    return np.ascontiguousarray(block.T)
