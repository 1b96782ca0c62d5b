"""Mel bands of speech as the encoder of voices was trained on them: 40 bands to 8 kHz, 25 ms wide, 10 ms apart.

Power, not its logarithm. Source: librosa's `melspectrogram` as Resemblyzer asks for it: periodic Hann window, zeros
beyond both ends, bands after Slaney's Auditory Toolbox (linear to 1 kHz, logarithmic above, each of area 1).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
WINDOW_FRAMES, HOP_FRAMES = SAMPLE_RATE // 40, SAMPLE_RATE // 100
BANDS = 40
LINEAR_HZ, MELS_PER_HZ = 1000.0, 3 / 200
"""Slaney's scale: 15 mels up to 1 kHz, then 27 a factor of 6.4."""
MELS_PER_LOG = 27 / np.log(6.4)


def bands(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mono sound (frames,) at `SAMPLE_RATE` → (1 + frames // HOP_FRAMES, BANDS); step i is centred on frame 160·i."""
    padded = np.pad(samples, WINDOW_FRAMES // 2)
    steps = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_FRAMES)[::HOP_FRAMES]
    spectrum = np.fft.rfft(steps * _window(), axis=1)
    return ((np.abs(spectrum) ** 2) @ _filters().T).astype(np.float32)


@cache
def _window() -> NDArray[np.float64]:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_FRAMES) / WINDOW_FRAMES)


@cache
def _filters() -> NDArray[np.float64]:
    """(BANDS, bins): triangles between neighbours on the scale, 2 / width high."""
    top = LINEAR_HZ * MELS_PER_HZ + MELS_PER_LOG * np.log(SAMPLE_RATE / 2 / LINEAR_HZ)
    mels = np.linspace(0, top, BANDS + 2)
    knee = LINEAR_HZ * MELS_PER_HZ
    edges_hz = np.where(mels < knee, mels / MELS_PER_HZ, LINEAR_HZ * np.exp((mels - knee) / MELS_PER_LOG))
    bins_hz = np.arange(WINDOW_FRAMES // 2 + 1) * SAMPLE_RATE / WINDOW_FRAMES
    low, middle, high = (edges_hz[first : first + BANDS, None] for first in range(3))
    rising, falling = (bins_hz - low) / (middle - low), (high - bins_hz) / (high - middle)
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low))
