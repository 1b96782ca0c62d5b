"""A task for the tests: three stems by frequency. The low one is brought to a peak of 1, which needs the whole file."""

import numpy as np

from sepkit.audio.windows import blocks
from sepkit.render.base import BaseTask, Finish, Stem


class Task(BaseTask):
    sources = ("low", "middle", "high")
    members = 1

    def stems(self, info=None):
        low = Stem("low", "__low", "Low", "below 500 Hz", judged=True)
        middle = Stem("middle", "__middle", "Middle", "from 500 to 2000 Hz", judged=True)
        return low, middle, Stem("high", "__high", "High", "above 2000 Hz", rest_of=("raw", "middle")), RAW

    def render_window(self, part):
        (estimate,) = part.estimates
        return {"low": estimate.sources["low"], "middle": estimate.sources["middle"], "raw": estimate.sources["low"]}

    def skipped(self, mix):
        return {"low": mix * 0, "middle": mix * 0, "raw": mix * 0}

    def stages(self):
        return ["peak"]

    def finish(self, stem, info):
        return Peak() if stem == "low" else None


RAW = Stem("raw", "", "Raw", "the low one before its peak is brought to 1", written=False, inner=True)


class Peak(Finish):
    def __init__(self):
        self._peak = 0.0

    def hear(self, block, clock):
        self._peak = max(self._peak, float(np.abs(block).max()))

    def blocks(self, spool, clock):
        for start, frames in blocks(spool.frames, spool.sample_rate):
            yield spool.read(start, frames) / np.float32(self._peak or 1.0)

    def facts(self):
        return {"peak_before": self._peak}
