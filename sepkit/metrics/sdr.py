"""Signal-to-distortion ratio of BSS Eval, in dB: a short filter between reference and estimate is free.

    SDR = 10·log10( |s_target|² / |ŝ − s_target|² ),   s_target = Σ_k h_k · s(t − k),   k = 0 … 511

h is the least-squares filter of 512 taps from the reference s to the mix or clean file ŝ, one for each
channel; the energies are summed over the channels. An equaliser or a change of level therefore costs nothing,
leaks and artefacts do. h solves the normal equations R h = b with the Toeplitz matrix R of the reference's
autocorrelation. Source: Vincent, Gribonval, Févotte, "Performance measurement in blind audio source
separation", IEEE Trans. Audio, Speech and Language Processing 14(4), 2006; taps and zero-padding as in BSS
Eval 3 (`bss_eval_sources`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sepkit import config
from sepkit.audio.samples import Audio
from sepkit.metrics.base import BaseMetric, Pair, Score, against_reference, energy, ratio_db

TAPS = 512
BLOCK_FRAMES = 2**16
"""Correlations are summed over blocks, so that a long excerpt needs no transform of its own size."""

Channel = NDArray[np.float64]


class Options(config.Options):
    """Nothing to choose."""


class Metric(BaseMetric):
    """SDR of mix and of clean against the reference."""

    about = (
        "How much stronger the true speech is than all that differs from it; what a filter changes evenly is forgiven."
    )

    def rows(self) -> tuple[Score, ...]:
        """One row."""
        return (Score("sdr", "SDR (BSS Eval)", "dB", "higher"),)

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Filter by filter, then over all channels together."""
        return tuple(against_reference(row, pair, sdr_db) for row in self.rows())


def sdr_db(reference: Audio, estimate: Audio) -> float:
    """The equation above on two signals of one shape."""
    target_energy = error_energy = 0.0
    for s, s_hat in zip(reference.samples, estimate.samples, strict=True):
        target, padded = _project(np.pad(s, (0, TAPS - 1)), np.pad(s_hat, (0, TAPS - 1)))
        target_energy += energy(target)
        error_energy += energy(padded - target)
    return ratio_db(target_energy, error_energy)


def _project(s: NDArray[np.float32], s_hat: NDArray[np.float32]) -> tuple[Channel, Channel]:
    """The part of ŝ that a filtered s explains, beside ŝ; both (frames,)."""
    from scipy.linalg import lstsq, toeplitz
    from scipy.signal import oaconvolve

    autocorrelation, correlation = _correlate(s, s), _correlate(s, s_hat)
    # Least squares rather than a solver: speech has empty bands, and there R is singular in float64.
    h = lstsq(toeplitz(autocorrelation), correlation)[0]
    return oaconvolve(s.astype(np.float64), h)[: s.size], s_hat.astype(np.float64)


def _correlate(s: NDArray[np.float32], other: NDArray[np.float32]) -> Channel:
    """Σ_t s(t)·other(t + k) for k = 0 … 511."""
    from scipy.signal import correlate

    ahead = np.pad(other.astype(np.float64), (0, TAPS - 1))
    total = np.zeros(TAPS)
    for start in range(0, s.size, BLOCK_FRAMES):
        block = s[start : start + BLOCK_FRAMES].astype(np.float64)
        total += correlate(ahead[start : start + block.size + TAPS - 1], block, mode="valid", method="fft")
    return total
