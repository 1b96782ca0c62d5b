"""What the members for several microphones share: what they learn of a source, and how voices come back into it.

    X(f) = A(f)·S(f)          as many voices S as are asked for, in as many channels X, or more
    Y(f) = W(f)·Q(f)·X(f)     Q whitens the channels, and W is what a member learns
    V_k(f) = a_k(f)·Y_k(f)    a_k the k-th column of the inverse of W·Q: the image of voice k at every channel

A voice has no scale of its own in Y; its image has that of the mix, and where there are as many channels as voices,
the images sum to the mix (the principle of minimal distortion). W is learned once, of at most `LEARNS_S` of the source,
and holds throughout: where people change their places later on, their voices are parted less well.

Sources: Matsuoka, "Minimal distortion principle for blind source separation", SICE 2002; Murata, Ikeda & Ziehe, "An
approach to blind source separation based on temporal structure of speech signals", Neurocomputing 41, 2001; the update
of W: Ono, "Stable and fast update rules for independent vector analysis based on auxiliary function technique",
WASPAA 2011.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sepkit import config
from sepkit.audio.samples import Samples
from sepkit.audio.stft import Spectrum, Stft
from sepkit.errors import UnsuitableError
from sepkit.separators.base import BaseSeparator, Estimates, Mix

LEARNS_S = 60.0
WINDOW_S, OVERLAP = 4096 / 16_000, 4
"""Longer than a small room's echoes by far: what a window does not hold of them cannot be unmixed."""
ONE_OBSERVATION = 1e-6
"""Least share of the weakest direction among the channels' powers, −60 dB. Rounding to 16 bits leaves about −90 dB
between equal channels, and two microphones 5 cm apart above −40 dB."""
SILENT = 1e-9
"""A bin with less of the loudest one's power says nothing."""
TINY = 1e-30

Spectra = NDArray[np.complex64]
"""An array (bins, channels or voices, steps)."""
Matrices = NDArray[np.complex128]
"""An array (bins, voices, channels), or its inverse's shape."""


class UnmixingOptions(config.Options):
    """speakers: how many voices there are; the source needs as many channels, or more."""

    speakers: Annotated[int, Field(ge=2, le=8)] = 2


class Unmixing(BaseSeparator):
    """The voices as its `sources`, the loudest first; wanted is their sum."""

    learns_s = LEARNS_S
    options: UnmixingOptions

    def __init__(self, options: UnmixingOptions) -> None:
        super().__init__(options)
        self.sources = tuple(f"speaker_{number}" for number in range(1, options.speakers + 1))

    def learn(self, samples: Samples, seed: int) -> None:
        """From (channels, frames) of the source, how its voices are mixed."""
        from threadpoolctl import threadpool_limits

        require_observations(samples, self.options.speakers)
        with threadpool_limits(1):  # the products are small: several threads mostly wait for each other
            self.unmix(samples, seed)

    def separate(self, mix: Mix) -> Estimates:
        """Every voice's image in (channels, frames)."""
        images = self.images(mix.samples)
        return Estimates(np.sum(images, axis=0), None, dict(zip(self.sources, images, strict=True)))

    @abstractmethod
    def unmix(self, samples: Samples, seed: int) -> None:
        """Learn from samples that hold enough observations."""

    @abstractmethod
    def images(self, samples: Samples) -> list[Samples]:
        """Of each voice, at every channel, by what was learned."""


class SpectralUnmixing(Unmixing):
    """Unmixing bin by bin; `demix` says how W is found."""

    def begin(self, sample_rate: int) -> None:
        """Fit the transform to the rate; grid and context follow from it."""
        from scipy import fft

        hop_frames = int(fft.next_fast_len(round(WINDOW_S * sample_rate / OVERLAP)))
        self._stft = Stft(OVERLAP * hop_frames, hop_frames)
        self.grid_frames = hop_frames
        self.context_s = self._stft.context_frames / sample_rate

    @abstractmethod
    def demix(self, X: Spectra, W: Matrices, seed: int) -> None:
        """Bring W (bins, voices, voices) of whitened spectra (bins, voices, steps) from its beginning to its end."""

    def unmix(self, samples: Samples, seed: int) -> None:
        """W, and from it the filters from every channel to each voice's image: (voices, bins, channels, channels)."""
        X = _all_sounding(np.ascontiguousarray(self._stft.forward(samples).transpose(2, 0, 1)))
        voices, (bins, channels, _) = self.options.speakers, X.shape
        filters = np.zeros((voices, bins, channels, channels), np.complex64)
        filters[:] = np.eye(channels) / voices  # where there is nothing, it does not matter
        power = np.square(np.abs(X)).mean(axis=(1, 2))
        heard = power > SILENT * power.max(initial=0)
        heard[0] = False  # an offset is no voice
        if heard.any():
            Q = whitening(X[heard], voices)
            W = beginning(Q) / np.sqrt(power.mean())
            self.demix(apply(Q, X[heard]), W, seed)
            filters[:, heard] = _image_filters(W @ Q, X[heard])
        self._filters = filters[np.argsort(-_levels(filters, X), kind="stable")]

    def images(self, samples: Samples) -> list[Samples]:
        """By the filters, a few steps at a time. Where a channel is silent, as where a recorder ended, nothing of it
        cancels a voice in the others: each voice has its share of them.
        """
        rows = [samples[channel : channel + 1] for channel in range(len(samples))]

        def image(gains: Spectra, own: int) -> Samples:
            def filtered(spectra: list[Spectrum]) -> Spectrum:
                X = np.stack(spectra)
                share = X[own] / np.float32(self.options.speakers)
                return np.asarray(np.where(_all_heard(X)[:, None], np.einsum("cb,csb->sb", gains, X), share))

            return self._stft.filter(rows, filtered)

        return [
            np.concatenate([image(gains.T, own) for own, gains in enumerate(voice.swapaxes(0, 1))])
            for voice in self._filters
        ]


def require_observations(samples: Samples, voices: int) -> None:
    """Raise where the channels (channels, frames) are fewer than the voices, or hold the same."""
    channels = len(samples)
    if channels == 1:
        raise UnsuitableError(
            "the source has 1 channel: one observation cannot be unmixed; give a recording of several microphones, or "
            "choose the member speakers"
        )
    if channels < voices:
        raise UnsuitableError(
            f"the source has {channels} channels, and {voices} voices need as many or more; give fewer speakers, or a "
            "recording of more microphones"
        )
    power = np.square(samples, dtype=np.float64).mean(axis=1)
    if not power.any():
        return
    covariance = samples.astype(np.float64) @ samples.T / samples.shape[1] / power.max()
    largest = np.linalg.eigvalsh(covariance)[::-1]
    told = int(np.count_nonzero(largest > ONE_OBSERVATION * largest[0]))
    if told < voices:
        count = "one observation" if told == 1 else f"{told} observations"
        raise UnsuitableError(
            f"the source's {channels} channels hold the same sound, or none (left = right): {count} cannot be unmixed "
            f"into {voices} voices; give a recording of several microphones, or choose the member speakers"
        )


def _all_sounding(X: Spectra) -> Spectra:
    """Without the steps in which a channel is silent, as where one recorder ends before another: they hold fewer
    observations, and W would be what leaves nothing of them.
    """
    power = np.square(np.abs(X)).sum(axis=0)
    sounding = (power > SILENT * power.max(axis=1, keepdims=True)).all(axis=0)
    return X[:, :, sounding] if sounding.any() else X


def _all_heard(X: Spectra) -> NDArray[np.bool_]:
    """In which steps no channel of (channels, steps, bins) is silent."""
    power = np.square(np.abs(X)).sum(axis=2)
    return np.asarray((power > SILENT * power.max(axis=0)).all(axis=0))


def apply(matrices: Matrices, X: Spectra) -> Spectra:
    """(bins, rows, columns) times (bins, columns, steps)."""
    return np.asarray(matrices.astype(np.complex64) @ X)


def adjoint(matrices: NDArray[np.complexfloating]) -> NDArray[np.complexfloating]:
    """The conjugate transpose of each."""
    adjoints: NDArray[np.complexfloating] = matrices.conj().swapaxes(-1, -2)
    return adjoints


def whitening(X: Spectra, voices: int) -> Matrices:
    """Q (bins, voices, channels), by which the strongest directions of (bins, channels, steps) have power 1 each."""
    powers, directions = np.linalg.eigh(_covariance(X))
    powers, directions = powers[:, : -voices - 1 : -1], directions[:, :, : -voices - 1 : -1]
    return np.asarray(directions.conj().swapaxes(1, 2) / np.sqrt(powers)[:, :, None], np.complex128)


def beginning(Q: Matrices) -> Matrices:
    """Where W begins: with as many channels as voices, so that W·Q are the channels themselves.

    What is loud in them ties the bins together in the first steps. Begun at the whitened spectra, AuxIVA by Laplace
    more often finds the voices in one order in some bins, and in the other in the rest.
    """
    _, voices, channels = Q.shape
    W = np.linalg.inv(Q) if voices == channels else np.tile(np.eye(voices), (len(Q), 1, 1))
    return np.asarray(W, np.complex128)


def update(W: Matrices, X: Spectra, voice: int, weights: NDArray[np.floating]) -> None:
    """The step of iterative projection for one row of W, in place. weights: 1 over its model's power, (1 or bins,
    steps).

    V = E[x·xᴴ·weight];   w = (W·V)⁻¹·e;   w ← w / √(wᴴ·V·w)
    """
    V = _covariance(X, weights)
    e = np.zeros((len(V), V.shape[1], 1))
    e[:, voice] = 1
    w = np.linalg.solve(W @ V, e)
    length = (adjoint(w) @ V @ w).real
    sound = (length > 0) & np.isfinite(length)  # else rounding has the better of a bin, whose row stays as it is
    row = (w / np.sqrt(np.where(sound, length, 1)))[:, :, 0].conj()
    W[:, voice] = np.where(sound[:, :, 0], row, W[:, voice])


def _covariance(X: Spectra, weights: NDArray[np.floating] | None = None) -> Matrices:
    """E[x·xᴴ·weight] over the steps; a little is added to its diagonal, −60 dB, that rounding leaves it an inverse."""
    weighed = X if weights is None else X * np.sqrt(weights)[:, None]
    V = np.asarray(weighed @ adjoint(weighed) / X.shape[2], np.complex128)
    least = 1e-6 * np.trace(V, axis1=1, axis2=2).real / V.shape[1] + TINY
    return np.asarray(V + least[:, None, None] * np.eye(V.shape[1]), np.complex128)


def _image_filters(demixing: Matrices, X: Spectra) -> Spectra:
    """a_k·w_k for each voice, (voices, bins, channels, channels); A by least squares, A = R·Dᴴ·(D·R·Dᴴ)⁻¹."""
    R = _covariance(X)
    A = R @ adjoint(demixing) @ np.linalg.inv(demixing @ R @ adjoint(demixing))
    return np.asarray(A.transpose(2, 0, 1)[..., None] * demixing.transpose(1, 0, 2)[:, :, None], np.complex64)


def _levels(filters: Spectra, X: Spectra) -> NDArray[np.float64]:
    """The power of each voice's image."""
    R = _covariance(X)
    return np.asarray([np.einsum("bij,bjk,bik->", each, R, each.conj()).real for each in filters])
