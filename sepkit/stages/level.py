"""Level: one gain for the whole file, and a true-peak ceiling kept in one of three ways, block by block.

Place in the flow: between the spool and the encoder.
"""

from __future__ import annotations

import numpy as np

from sepkit.audio.samples import Samples
from sepkit.config.sections import LoudnessConfig
from sepkit.stages.limiter import Limiter, Work


class Leveller:
    """Brings a stream to its final level.

    gain: from `loudness.make_gain`. peak_dbtp: the file's true peak before the gain; only `ceiling_by: gain`
    asks for it.
    """

    gain: float
    """The gain applied, smaller than the one asked for where `ceiling_by: gain` turned the file down."""

    def __init__(
        self,
        config: LoudnessConfig,
        sample_rate: int,
        channels: int,
        gain: float,
        peak_dbtp: float | None = None,
    ) -> None:
        self.gain = gain
        self._limiter: Limiter | None = None
        self._clip_at: np.float32 | None = None
        if config.ceiling_dbtp is None:
            return
        if config.ceiling_by == "limiter":
            self._limiter = Limiter(sample_rate, channels, config.ceiling_dbtp, config.lookahead_ms, config.release_ms)
        elif config.ceiling_by == "gain":
            assert peak_dbtp is not None, "turning a file down takes its true peak"
            self.gain = min(gain, 10 ** ((config.ceiling_dbtp - peak_dbtp) / 20))
        else:
            self._clip_at = np.float32(10 ** (config.ceiling_dbtp / 20))

    @property
    def work(self) -> Work:
        """What the limiter did so far; nothing where there is none."""
        return self._limiter.work if self._limiter else Work()

    def process(self, block: Samples, last: bool = False) -> Samples:
        """Take the next (channels, frames), give what is ready. With `last`, as many came out as went in.

        Clipping keeps the samples under the ceiling; the curve between them may still pass it.
        """
        block = block if self.gain == 1 else block * np.float32(self.gain)
        if self._limiter:
            return self._limiter.process(block, last)
        return block if self._clip_at is None else np.clip(block, -self._clip_at, self._clip_at)
