"""The voices that a network found in the mean of the channels, in every channel and in the whole band of the source.

Place: the last step of each member that parts voices; `places` and `upper_band` do the work.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sepkit.audio import resample
from sepkit.audio.samples import Samples
from sepkit.separators._voices import places, upper_band

AROUND_S = 0.1
"""What placing the voices, resampling and smoothing look to either side."""


def spread(voices: Tensor, low: Samples, mix: Samples, native_hz: int, sample_rate: int) -> list[Samples]:
    """Voices (speakers, native frames) of the mean of `low` → each as `mix` (channels, frames) is, at `sample_rate`.

    low: `mix` at the network's rate.
    """
    frames, channels = mix.shape[1], torch.from_numpy(low).to(voices.device)
    placed = places.place(voices, channels, native_hz)
    found = [resample.resample(each, native_hz, sample_rate, frames) for each in placed.cpu().numpy()]
    if sample_rate > native_hz:
        above = mix - resample.resample(low, native_hz, sample_rate, frames)
        parts = upper_band.share(above, upper_band.gains(placed, channels, native_hz), sample_rate)
        found = [voice + part for voice, part in zip(found, parts, strict=True)]
    return [np.asarray(each, np.float32) for each in found]
