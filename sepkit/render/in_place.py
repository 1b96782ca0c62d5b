"""The frame of tasks that change a source in places: members run there alone, and all else comes through bit for bit.

    source ───────── round 1 ─ what it takes ─┐
    source − taken ─ round 2 ─ what it takes ─┴─ patches ─┐
    source, at the precision of its file ─────────────────┴─ source − patches ─ encode

A round renders its spans window by window, as any task does. What is left of the source is never rendered: the patches
are taken from the file's own samples, in float64 where float32 does not hold these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.patches import Patches
from sepkit.audio.read import Source
from sepkit.audio.samples import Samples
from sepkit.audio.windows import blocks
from sepkit.audio.write import full_scale
from sepkit.config.sections import OutputConfig
from sepkit.render.base import Round, Stem

PASSED = 0.05
"""What a second of the source that only passes counts for the progress, where one that is rendered counts 1."""

Block = NDArray[np.floating[Any]]
Render = Callable[[Source, int], Iterator[tuple[int, Samples]]]
"""Renders the round of a number on what the rounds before it have left: where each body begins, and what is taken."""


class InPlace:
    """Of one source. output: of its files. folder: for what is spooled; None where all stays in memory, as floats.

    notes: filled while the bodies are made.
    """

    def __init__(
        self,
        source: Source,
        rounds: Sequence[Round],
        stems: Sequence[Stem],
        output: OutputConfig,
        folder: Path | None,
    ) -> None:
        self.notes: list[str] = []
        form = output.format, output.bit_depth
        self._full_scale = full_scale(source.info, *form) if folder else None
        self._source, self._folder, self._rounds = source, folder, rounds
        self._stems = [stem for stem in stems if not stem.inner]
        self._beyond = dict.fromkeys((stem.name for stem in self._stems), 0)

    def bodies(self, render: Render) -> Iterator[tuple[dict[str, Block], float]]:
        """The stems block by block, and the part done. While the rounds are rendered, bodies are empty."""
        info = self._source.info
        inside = sum(span.stop - span.start for each in self._rounds for span in each.spans)
        done, whole = 0.0, inside + PASSED * info.frames
        with Patches(info, self._folder) as patches:
            for turn in range(len(self._rounds)):
                for start, taken in render(patches.taken_from(self._source), turn):
                    patches.add(start, taken)
                    done += taken.shape[1]
                    yield {}, done / whole
                patches.settle()
            for start, frames in blocks(info.frames, info.sample_rate, info.channels):
                done += PASSED * frames
                yield self._stems_of(self._source.exact(start, frames), patches.read(start, frames)), done / whole
        self.notes += [
            f"{name}: {count} samples lie beyond full scale, at which whole numbers end"
            for name, count in self._beyond.items()
            if count
        ]

    def _stems_of(self, mix: Block, taken: Samples | None) -> dict[str, Block]:
        """A stem that is a rest is what was taken; any other, what is left of the source, held at full scale where its
        file has whole numbers.
        """
        if taken is None:
            return {stem.name: np.zeros_like(mix) if stem.rest_of else mix for stem in self._stems}
        left: Block = mix - taken
        if self._full_scale:
            beyond = (np.abs(left) > 1) & (np.abs(mix) <= 1)
            left[beyond] = np.clip(left[beyond], *self._full_scale)
            taken[beyond] = mix[beyond] - left[beyond]  # so that the two still sum to the source
            rest_beyond = (np.abs(taken) > 1) & (np.abs(mix) <= 1)
            for stem in self._stems:
                self._beyond[stem.name] += int(np.count_nonzero(rest_beyond if stem.rest_of else beyond))
        return {stem.name: taken if stem.rest_of else left for stem in self._stems}
