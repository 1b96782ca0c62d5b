"""Integrated loudness in LUFS and true peak in dBTP, before and after: how loud the file is, not how good.

Source: ITU-R BS.1770-4 (K-weighting, 400 ms blocks, gates at −70 LUFS and −10 LU; annex 2 for the true peak).
The loudness is pyloudnorm's (MIT, https://github.com/csteinmetz1/pyloudnorm), which knows at most five
channels; the true peak is the largest sample after band-limited oversampling by scipy.
"""

from __future__ import annotations

import math

import numpy as np

from sepkit import config
from sepkit.audio.samples import Audio
from sepkit.metrics.base import BaseMetric, Pair, Score, measured, not_measured

OVERSAMPLING = 8
"""At 8× a tone at 0.45 of the rate is read at most 0.14 dB too low: 20·log10 cos(0.45·π/8)."""
BLOCK_FRAMES = 2**18
PIECE_FRAMES = 64
"""Oversampled together, if at all: between samples the curve cannot rise above those around it by more than the
filter's taps add up to, which leaves out nine pieces of ten."""
REACH_FRAMES = 10
"""Of the filter, to either side; it is `resample_poly`'s own."""


class Options(config.Options):
    """Nothing to choose."""


class Metric(BaseMetric):
    """Two rows: integrated loudness and true peak."""

    about = "How loud the whole is (LUFS; podcasts ask for −16), and its highest peak between samples."

    def rows(self) -> tuple[Score, ...]:
        """Loudness, then true peak."""
        return (
            Score("loudness", "Integrated loudness", "LUFS", "neither"),
            Score("true_peak", "True peak", "dBTP", "neither"),
        )

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Both of both files."""
        loudness, peak = self.rows()
        peak = measured(peak, true_peak_dbtp(pair.mix), true_peak_dbtp(pair.clean))
        try:
            return measured(loudness, loudness_lufs(pair.mix), loudness_lufs(pair.clean)), peak
        except ValueError as error:  # pyloudnorm's own: shorter than one block, or more than five channels
            return not_measured(loudness, str(error)), peak


def loudness_lufs(audio: Audio) -> float:
    """Integrated loudness; −inf where nothing passes the gate."""
    from pyloudnorm import Meter

    return float(Meter(audio.sample_rate).integrated_loudness(audio.samples.T))


def true_peak_dbtp(audio: Audio) -> float:
    """The largest oversampled magnitude of any channel in dB of full scale; −inf in silence."""
    from scipy.signal import firwin, resample_poly

    taps = firwin(2 * REACH_FRAMES * OVERSAMPLING + 1, 1 / OVERSAMPLING, window=("kaiser", 5.0))
    rise = OVERSAMPLING * max(np.abs(taps[phase::OVERSAMPLING]).sum() for phase in range(OVERSAMPLING))
    body = slice(REACH_FRAMES * OVERSAMPLING, (REACH_FRAMES + PIECE_FRAMES) * OVERSAMPLING)
    peak = float(np.abs(audio.samples).max(initial=0))
    for start in range(0, audio.frames, BLOCK_FRAMES):
        frames = min(BLOCK_FRAMES, audio.frames - start)
        before, after = min(start, REACH_FRAMES), min(audio.frames - start - frames, REACH_FRAMES)
        missing = REACH_FRAMES - before, REACH_FRAMES - after + -frames % PIECE_FRAMES
        around = np.pad(audio.samples[:, start - before : start + frames + after], ((0, 0), missing))
        pieces = np.lib.stride_tricks.sliding_window_view(around, PIECE_FRAMES + 2 * REACH_FRAMES, axis=1)
        pieces = pieces[:, ::PIECE_FRAMES]
        hot = pieces[np.abs(pieces).max(axis=2) * rise > peak]
        dense = resample_poly(hot, OVERSAMPLING, 1, axis=1, window=taps.astype(hot.dtype))
        peak = max(peak, float(np.abs(dense[:, body]).max(initial=0)))
    return 20 * math.log10(peak) if peak else -math.inf
