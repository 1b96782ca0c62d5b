"""Short-time Fourier transform and back, and the loop in which masks are made, a few steps at a time.

Place in the flow: `stages.fuse` and `stages.post_mask` make their masks on it.

Step i is centred on frame i·hop; beyond both ends the signal is zero. Analysis and synthesis use the same
periodic Hann window w, and the overlap-added steps are divided by Σ w² over the steps that really cover a
frame, so that `inverse(forward(x))` is x at the ends too, and a changed spectrum gives the signal whose STFT
is nearest to it.

Source: Griffin & Lim, "Signal estimation from modified short-time Fourier transform", IEEE TASSP 32(2), 1984.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.samples import Samples

Spectrum = NDArray[np.complex64]
"""An array (channels, steps, bins) of complex64, the bins from 0 Hz to half the sample rate."""

GROUP_BYTES = 512 * 1024
"""Size of one spectrum held at a time, so that the few arrays a mask is made of stay in a core's cache."""


def power(spectrum: Spectrum) -> NDArray[np.float32]:
    """|V|², without the square root that `abs` would take and, on some machines, take slowly."""
    squared: NDArray[np.float32] = spectrum.real**2
    squared += spectrum.imag**2
    return squared


class Stft:
    """The transform by windows of `fft_frames` (even), `hop_frames` (a whole fraction of them) apart."""

    def __init__(self, fft_frames: int, hop_frames: int) -> None:
        assert fft_frames % 2 == 0, f"fft_frames must be even, not {fft_frames}"
        self.overlap = fft_frames // hop_frames
        assert self.overlap >= 2, f"{hop_frames} frames of hop leave gaps between windows of {fft_frames}"
        assert fft_frames == self.overlap * hop_frames, f"{fft_frames} is no multiple of the hop {hop_frames}"
        self.fft_frames = fft_frames
        self.hop_frames = hop_frames
        self.bins = fft_frames // 2 + 1
        phase = 2 * np.pi * np.arange(fft_frames) / fft_frames
        self._window = (0.5 - 0.5 * np.cos(phase)).astype(np.float32)

    @property
    def context_frames(self) -> int:
        """How far a frame of `filter`'s result depends on its input: half a window there and half back."""
        return self.fft_frames

    def steps(self, frames: int) -> int:
        """How many steps cover that many frames: every frame lies on a step's centre or between two."""
        return 1 + -(-(frames - 1) // self.hop_frames) if frames else 0

    def forward(self, samples: Samples) -> Spectrum:
        """(channels, frames) → (channels, steps, bins)."""
        channels, frames = samples.shape
        spectrum = np.empty((channels, self.steps(frames), self.bins), np.complex64)
        for group in self._groups(frames):
            for channel in range(channels):
                spectrum[channel, group] = self._analyse(samples[channel], group)
        return spectrum

    def inverse(self, spectrum: Spectrum, frames: int) -> Samples:
        """(channels, steps, bins) → (channels, frames)."""
        assert spectrum.shape[1] == self.steps(frames), f"{spectrum.shape[1]} steps do not make {frames} frames"
        samples = np.empty((spectrum.shape[0], frames), np.float32)
        for channel, rows in enumerate(spectrum):
            samples[channel] = self._synthesise((rows[group] for group in self._groups(frames)), frames)
        return samples

    def filter(self, signals: Sequence[Samples], combine: Callable[[list[Spectrum]], Spectrum]) -> Samples:
        """What `inverse(combine([forward(s) for s in signals]), frames)` gives, a group of steps at a time.

        signals: arrays of one shape (channels, frames). combine: takes one (steps, bins) spectrum per signal,
        of one channel and a group of neighbouring steps, and gives one back; it must treat each step on its
        own, and may overwrite what it gets.
        """
        channels, frames = signals[0].shape
        assert all(signal.shape == (channels, frames) for signal in signals), "signals must be of one shape"
        filtered = np.empty((channels, frames), np.float32)
        for channel in range(channels):
            rows = [np.ascontiguousarray(signal[channel]) for signal in signals]
            spectra = (combine([self._analyse(row, group) for row in rows]) for group in self._groups(frames))
            filtered[channel] = self._synthesise(spectra, frames)
        return filtered

    def _groups(self, frames: int) -> Iterator[slice]:
        """The steps, cut into groups of about `GROUP_BYTES`."""
        steps = self.steps(frames)
        size = max(1, GROUP_BYTES // (self.bins * np.dtype(np.complex64).itemsize))
        return (slice(first, min(first + size, steps)) for first in range(0, steps, size))

    def _analyse(self, row: Samples, group: slice) -> Spectrum:
        """The spectra (steps, bins) of a group of steps of one channel (frames,)."""
        from scipy import fft

        start = group.start * self.hop_frames - self.fft_frames // 2
        stop = (group.stop - 1) * self.hop_frames + self.fft_frames // 2
        stretch = row[max(start, 0) : stop]
        if start < 0 or stop > row.size:
            stretch = np.pad(stretch, (max(-start, 0), max(stop - row.size, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(stretch, self.fft_frames)[:: self.hop_frames]
        spectra: Spectrum = fft.rfft(windows * self._window, axis=-1, overwrite_x=True)
        return spectra

    def _synthesise(self, spectra: Iterator[Spectrum], frames: int) -> Samples:
        """One channel (frames,) from its groups of spectra (steps, bins)."""
        from scipy import fft

        pieces = (
            np.multiply(piece, self._window, out=piece)
            for piece in (fft.irfft(group, self.fft_frames, axis=-1, overwrite_x=True) for group in spectra)
        )
        steps = self.steps(frames)
        inside = slice(self.fft_frames // 2, self.fft_frames // 2 + frames)
        samples = self._overlap_add(pieces, steps)[inside]
        squares = np.broadcast_to(self._window**2, (steps, self.fft_frames))
        samples /= self._overlap_add(iter([squares]), steps)[inside]
        return samples

    def _overlap_add(self, groups: Iterator[Samples], steps: int) -> Samples:
        """Add windows (steps, fft_frames) where they belong, the first from the sum's frame 0 on.

        A window is `overlap` pieces of one hop, so one addition per piece places a whole group of steps.
        """
        added = np.zeros((steps + self.overlap - 1, self.hop_frames), np.float32)
        first = 0
        for group in groups:
            count = len(group)
            pieces = group.reshape(count, self.overlap, self.hop_frames)
            for shift in range(self.overlap):
                added[first + shift : first + shift + count] += pieces[:, shift]
            first += count
        return added.reshape(-1)
