"""The masks of a rendering, coarse enough to be looked at: what each member wanted kept, and what was fused of it.

`stages.fuse` shows its masks while it makes them, body by body; here they are averaged over channels, steps and bins
into a picture whose size does not follow the file's. Spans that no model heard stay NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.stft import Stft
from sepkit.audio.windows import Window

COLUMNS = 1200
"""About what a wide screen shows."""
BANDS = 192
TOP_HZ = 20_000
FUSED = "fused"

Picture = NDArray[np.float32]
"""Means of a mask, 0 … 1: (bands, columns), from 0 Hz up and from the file's first frame on."""


class MaskPicture:
    """Filled by one rendering; `pictures` are then there by name, the fused mask first."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self.top_hz = 0.0
        self._sums, self._counts = np.zeros((0, 0, 0)), np.zeros(0, int)

    def begin(self, members: Sequence[str], frames: int, sample_rate: int, stft: Stft) -> None:
        """A rendering starts. members: in their order, numbered where two have one name."""
        self.names = (FUSED, *_numbered(members))
        self._frames, self._stft = frames, stft
        bins = min(stft.bins, 1 + int(TOP_HZ * stft.fft_frames / sample_rate))
        self.top_hz = (bins - 1) * sample_rate / stft.fft_frames
        self._edges = np.unique(np.linspace(0, bins, min(BANDS, bins) + 1).astype(int))
        self._columns = max(1, min(COLUMNS, frames // stft.hop_frames))
        self._sums = np.zeros((self._columns, len(self.names), self._edges.size - 1))
        self._counts = np.zeros(self._columns, int)

    def watch(self, window: Window) -> Callable[[int, NDArray[np.float32]], None]:
        """What to call with each group of a window's steps: its first step, and masks (1 + members, steps, bins)."""

        def see(first: int, masks: NDArray[np.float32]) -> None:
            frames = window.start + (first + np.arange(masks.shape[1])) * self._stft.hop_frames
            inside = (frames >= window.body_start) & (frames < window.body_stop)
            if not inside.any():
                return
            columns = frames[inside] * self._columns // self._frames
            shown = masks[:, inside, : self._edges[-1]]
            bands = np.add.reduceat(shown, self._edges[:-1], axis=2) / np.diff(self._edges)
            np.add.at(self._sums, columns, bands.swapaxes(0, 1))
            np.add.at(self._counts, columns, 1)

        return see

    @property
    def pictures(self) -> dict[str, Picture]:
        """Each mask by its name; none where no rendering had any."""
        with np.errstate(invalid="ignore"):
            means = (self._sums / self._counts[:, np.newaxis, np.newaxis]).astype(np.float32)
        return {name: means[:, index].T for index, name in enumerate(self.names)}


def _numbered(names: Sequence[str]) -> list[str]:
    """Two members of one separator stay apart."""
    return [
        f"{name} {1 + list(names[:index]).count(name)}" if list(names).count(name) > 1 else name
        for index, name in enumerate(names)
    ]
