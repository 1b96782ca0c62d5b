"""Silero VAD: how likely it is that someone speaks, 31 times a second.

Place: below the metric `music_residual`, which wants whole spans, `silence`, which hears a file block by block, and
`spoken`, which hears two files at once. It runs as the graph that takes many steps at a time; the probabilities are
those of the graph that takes one, to the bit, in a third of the time.
Source: Silero Team, https://github.com/snakers4/silero-vad (code and weights MIT).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.resample import resample
from sepkit.audio.samples import Samples
from sepkit.models.weights import WeightFile, embedded

SAMPLE_RATE = 16_000
STEP_FRAMES = 512
"""What the network takes as one: 32 ms."""
STEP_S = STEP_FRAMES / SAMPLE_RATE
CONTEXT_FRAMES = 64
"""Of the step before, which each step is heard with."""
STEPS_AT_ONCE = 512
"""Memory follows it, time hardly does."""
HIDDEN = 128
"""Numbers in each of the two memories."""


def weight_file() -> WeightFile:
    """The detector, which comes inside its package."""
    return embedded(
        "silero-vad",
        "silero_vad/data/silero_vad_16k_sequence.onnx",
        source="Silero VAD, https://github.com/snakers4/silero-vad",
        licence_code="MIT",
        licence_weights="MIT",
    )


class Detector:
    """Hears one sound, and remembers what was before. Many share one network."""

    def __init__(self) -> None:
        self._network = _network()
        self._context = np.zeros((1, CONTEXT_FRAMES), np.float32)
        self._hidden = self._cell = np.zeros((1, 1, HIDDEN), np.float32)

    def hear(self, steps: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next steps (steps, `STEP_FRAMES`) → how likely each holds speech (steps,)."""
        found = [np.zeros(0, np.float32)]
        for first in range(0, len(steps), STEPS_AT_ONCE):
            block = steps[first : first + STEPS_AT_ONCE]
            before = np.concatenate([self._context, block[:-1, -CONTEXT_FRAMES:]])
            given = {"input": np.concatenate([before, block], axis=1), "h": self._hidden, "c": self._cell}
            likely, self._hidden, self._cell = self._network.run(["speech_probs", "hn", "cn"], given)
            self._context = block[-1:, -CONTEXT_FRAMES:]
            found.append(likely.reshape(-1))
        return np.concatenate(found)


@cache
def _network() -> Any:
    """The network, read once. Its package is not imported: it needs torch, and sets that to one thread."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return InferenceSession(str(weight_file().path), options, providers=["CPUExecutionProvider"])


def in_steps(samples: Samples, sample_rate: int) -> NDArray[np.float32]:
    """Sound (channels, frames), at `SAMPLE_RATE` as (channels, steps, `STEP_FRAMES`); zeros fill the last step."""
    heard = resample(samples, sample_rate, SAMPLE_RATE)
    heard = np.pad(heard, ((0, 0), (0, -heard.shape[1] % STEP_FRAMES)))
    return heard.reshape(heard.shape[0], -1, STEP_FRAMES)
