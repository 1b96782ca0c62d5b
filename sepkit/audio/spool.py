"""A place on disk for sound of any length: written block by block, read from anywhere, gone afterwards.

Between the stages of a run, and behind sources that can only be decoded in order. The file is plain
interleaved float32 without a header (no size limit, nothing to keep in step) and has no name in its folder,
so that even a killed process leaves nothing behind.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType

import numpy as np

from sepkit.audio.samples import Samples
from sepkit.errors import OutputError

SAMPLE_BYTES = 4


class Spool:
    """Float32 samples on disk; a context manager. Their room is taken in `folder`, or the system's own."""

    def __init__(self, sample_rate: int, channels: int, folder: Path | None = None) -> None:
        self.sample_rate = sample_rate
        self.channels = channels
        self.frames = 0
        self._folder = folder or Path(tempfile.gettempdir())
        try:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  closed by __exit__
        except OSError as error:
            raise self._no_room(error) from error

    def write(self, block: Samples) -> None:
        """Append a block (channels, frames)."""
        assert block.ndim == 2 and block.shape[0] == self.channels, f"{block.shape}, not {self.channels} channels"
        try:
            self._file.seek(self.frames * self.channels * SAMPLE_BYTES)
            self._file.write(np.ascontiguousarray(block.T, dtype=np.float32).data)
            self._file.flush()
        except OSError as error:
            raise self._no_room(error) from error
        self.frames += block.shape[1]

    def read(self, start_frame: int, frames: int) -> Samples:
        """A new array (channels, frames) of what was written from `start_frame` on."""
        assert start_frame >= 0 and frames >= 0 and start_frame + frames <= self.frames
        interleaved = np.empty((frames, self.channels), dtype=np.float32)
        self._file.seek(start_frame * self.channels * SAMPLE_BYTES)
        self._file.readinto(interleaved.data)
        return np.ascontiguousarray(interleaved.T)

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _no_room(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self._folder}: cannot hold temporary samples ({error.strerror}); free space or set TMPDIR"
        )
