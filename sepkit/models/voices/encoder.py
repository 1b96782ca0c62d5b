"""The encoder: parts of 1.6 s through an LSTM, the last state brought to 256 numbers ≥ 0; their mean is the voice.

Source: Wan et al., "Generalized End-to-End Loss for Speaker Verification", 2018; the numbers are those of Resemblyzer
(Resemble AI, Apache-2.0), and so is the way in which speech is cut.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sepkit.models.voices import mel
from sepkit.models.weights import WeightFile, verify

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_PATH = Path(__file__).parents[2] / "weights" / "voices.safetensors"
SIZE_BYTES = 5_695_632
SHA256 = "a5d4776b403b69593e4a10212aeacf7d35b56e9d0a2022058c6d4f888202e069"
SIZE, LAYERS = 256, 3
PART_STEPS = 160
"""1.6 s, the length that it was trained on."""
APART_STEPS = 77
"""Between the beginnings of two parts: 1.3 of them a second."""
LEAST_FILLED = 0.75
"""Of the last part, where there is another; else it is left out."""
HEARD_DBFS = -30.0
"""To which speech is brought before it is heard, so that a voice is the same whether near or far."""

Voice = NDArray[np.float32]
"""(256,), of length 1."""


def weight_file() -> WeightFile:
    """The encoder's file."""
    return WeightFile(
        model="voices",
        path=WEIGHTS_PATH,
        size_bytes=SIZE_BYTES,
        sha256=SHA256,
        source="Resemblyzer 0.1.4, https://github.com/resemble-ai/Resemblyzer, model card sepkit/weights/voices.md",
        licence_code="MIT",
        licence_weights="Apache-2.0",
    )


def voice(speech: NDArray[np.float32]) -> Voice:
    """Of mono speech (frames,) at 16 kHz, of any length and level, without pauses; 1 s and more tell two people apart.

    Silence has a vector of zeros.
    """
    level = float(np.sqrt(np.mean(np.square(speech, dtype=np.float64)))) if speech.size else 0.0
    if not level:
        return np.zeros(SIZE, np.float32)
    return embed(speech * np.float32(10 ** (HEARD_DBFS / 20) / level))


def embed(speech: NDArray[np.float32]) -> Voice:
    """The same, of speech at the level that it has."""
    starts = part_starts(speech.size)
    filled = (starts[-1] + PART_STEPS) * mel.HOP_FRAMES
    heard = mel.bands(np.pad(speech, (0, max(0, filled - speech.size))))
    parts = _parts(np.stack([heard[start : start + PART_STEPS] for start in starts]))
    mean = parts.mean(axis=0)
    return np.asarray(mean / max(np.linalg.norm(mean), 1e-9), np.float32)


def part_starts(frames: int) -> range:
    """At which steps the parts of so many frames begin; there is always one."""
    steps = math.ceil((frames + 1) / mel.HOP_FRAMES)
    starts = range(0, max(1, steps - PART_STEPS + APART_STEPS + 1), APART_STEPS)
    filled = (frames - starts[-1] * mel.HOP_FRAMES) / (PART_STEPS * mel.HOP_FRAMES)
    return starts[:-1] if filled < LEAST_FILLED and len(starts) > 1 else starts


def _parts(heard: NDArray[np.float32]) -> NDArray[np.float32]:
    """(parts, PART_STEPS, bands) → (parts, SIZE), each of length 1."""
    import torch

    weights = _weights()
    with torch.inference_mode():
        states: Tensor = torch.lstm(
            torch.from_numpy(heard),
            [torch.zeros(LAYERS, len(heard), SIZE)] * 2,
            [weights[name] for name in names()[:-2]],
            has_biases=True, num_layers=LAYERS, dropout=0.0, train=False, bidirectional=False, batch_first=True,
        )[0]  # fmt: skip
        found = (states[:, -1] @ weights["linear.weight"].T + weights["linear.bias"]).relu()
        return np.asarray(found / found.norm(dim=1, keepdim=True).clamp_min(1e-9))


def names() -> list[str]:
    """Of the tensors: four a layer of the LSTM, as torch orders them, and two of what comes after."""
    kinds = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
    lstm = [f"lstm.{kind}_l{layer}" for layer in range(LAYERS) for kind in kinds]
    return [*lstm, "linear.weight", "linear.bias"]


@cache
def _weights() -> dict[str, Tensor]:
    """Checked, on the processor; read once."""
    from safetensors.torch import load_file

    verify(weight_file())
    return load_file(WEIGHTS_PATH)
