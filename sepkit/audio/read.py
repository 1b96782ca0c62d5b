"""Reading sound: any file, by its exact frames, from any place in it, in bounded memory.

First in the flow. Uncompressed and losslessly coded files of libsndfile (WAV, RF64, W64, AIFF, CAF, AU, FLAC)
are read in place. Everything else is decoded once, in order, to a spool, so that a frame number means the
same sample however it is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.readers import opened
from sepkit.audio.samples import Audio, Samples
from sepkit.audio.source_info import SourceInfo
from sepkit.audio.spool import Spool
from sepkit.audio.windows import blocks
from sepkit.config.sections import DEFAULT_TRACK, SourceConfig
from sepkit.errors import SourceError
from sepkit.files.naming import shown

__all__ = [
    "Source",
    "SourceInfo",
    "Spool",
    "audio_source",
    "beginning",
    "open_source",
    "probe",
    "read_audio",
    "track_count",
]

LOUDEST = 1e12
"""Full scale is 1, and 32-bit integers taken for floats reach 2e9; far above, squares within a model leave float32."""

AS_IT_IS = SourceConfig()  # the default track of a whole file


class Source:
    """Sound that can be read from any place in it."""

    def __init__(
        self,
        info: SourceInfo,
        fetch: Callable[[int, int], Samples],
        exact: Callable[[int, int], NDArray[np.float64]] | None = None,
    ) -> None:
        self.info = info
        self._fetch = fetch
        self._exact = exact or fetch

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
            at = start_frame + first  # no name for the block, which would hold it beside the next
            found[:, first : first + count] = self._sound(self._fetch(at, count), at)[chosen.start : chosen.stop]
        return found

    def exact(self, start_frame: int, frames: int) -> NDArray[np.floating[Any]]:
        """One block (channels, frames), without loss: float64 where the file holds more than float32 does."""
        return self._sound(self._exact(start_frame, frames), start_frame)

    def _sound(self, samples: NDArray[Any], start_frame: int) -> NDArray[Any]:
        """The samples that begin at `start_frame`, unless one of them is none."""
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
    with opened(path, how) as found:
        if found.info.frames and not how.salvage:
            return found.finished(found.info.frames)
        return found.finished(sum(block.shape[1] for block in found.blocks))


def beginning(path: Path, how: SourceConfig = AS_IT_IS) -> SourceInfo:
    """What a file's beginning tells of it; its length (`frames`) may not be known yet."""
    with opened(path, how) as found:
        return found.info


def track_count(path: Path, how: SourceConfig = AS_IT_IS) -> int:
    """How many sound tracks a file has; nothing is decoded but the first one's beginning."""
    return beginning(path, how.model_copy(update={"track": DEFAULT_TRACK})).tracks


@contextmanager
def open_source(sound: Path | str | Audio, how: SourceConfig = AS_IT_IS) -> Iterator[Source]:
    """Open a file, or sound in memory, for reading from any place in it. how: which track, and whether salvaged."""
    if isinstance(sound, Audio):
        yield audio_source(sound)
        return
    with opened(Path(sound), how) as found:
        if found.fetch is not None:
            yield Source(found.finished(found.info.frames), found.fetch, found.exact)
            return
        with Spool(found.info.sample_rate, found.info.channels) as spool:
            for block in found.blocks:
                spool.write(block)
            yield Source(found.finished(spool.frames), spool.read)


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
