"""Silero VAD: how likely it is that someone speaks, 31 times a second.

Place: below the metric `music_residual`, which wants whole spans, `silence`, which hears a file block by block, and
`spoken`, which hears two files at once.
Source: Silero Team, https://github.com/snakers4/silero-vad (code and weights MIT).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.resample import resample
from sepkit.audio.samples import Samples
from sepkit.models.device import keeping_threads
from sepkit.models.weights import WeightFile, embedded

SAMPLE_RATE = 16_000
STEP_FRAMES = 512
"""What the network takes at a time: 32 ms."""
STEP_S = STEP_FRAMES / SAMPLE_RATE


def weight_file() -> WeightFile:
    """The detector, which comes inside its package."""
    return embedded(
        "silero-vad",
        "silero_vad/data/silero_vad.onnx",
        source="Silero VAD, https://github.com/snakers4/silero-vad",
        licence_code="MIT",
        licence_weights="MIT",
    )


def load() -> Any:
    """A detector with a memory of its own; importing its package changes nothing for the process."""
    with keeping_threads():  # importing silero_vad sets it to one
        import silero_vad
    return silero_vad.load_silero_vad(onnx=True)


def in_steps(samples: Samples, sample_rate: int) -> NDArray[np.float32]:
    """Sound (channels, frames), at `SAMPLE_RATE` as (channels, steps, `STEP_FRAMES`); zeros fill the last step."""
    heard = resample(samples, sample_rate, SAMPLE_RATE)
    heard = np.pad(heard, ((0, 0), (0, -heard.shape[1] % STEP_FRAMES)))
    return heard.reshape(heard.shape[0], -1, STEP_FRAMES)


def probabilities(detector: Any, steps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each step (steps, `STEP_FRAMES`) at `SAMPLE_RATE`; the detector remembers those before.

    Sounds that are heard side by side, (steps, sounds, `STEP_FRAMES`), give (steps, sounds), for little more than one.
    """
    import torch

    found = [detector(torch.from_numpy(step), SAMPLE_RATE).numpy()[:, 0] for step in steps]
    return np.array(found, np.float32).reshape(steps.shape[:-1])
