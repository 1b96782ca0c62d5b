"""The member for as many microphones as voices: independent low-rank matrix analysis, needs no training.

As `auxiva`, but a voice's power has a shape of its own in every bin: that of a few spectra T_k which come and go as V_k
says, |Y_k|² ≈ T_k·V_k, by the Itakura-Saito divergence. In turn:

    T ← T·√( (|Y|²/R²)·Vᵀ / (1/R)·Vᵀ ),  R = T·V;   V likewise;   W by iterative projection with weight 1 / R

T and V begin at random, by the run's seed.

Source: Kitamura, Ono, Sawada, Kameoka & Saruwatari, "Determined blind source separation unifying independent vector
analysis and nonnegative matrix factorization", IEEE/ACM TASLP 24(9), 2016. Code: MIT. No weights.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sepkit.separators._unmixing import Matrices, Spectra, SpectralUnmixing, UnmixingOptions, apply, update

LEAST = 1e-4
"""Of a voice's mean power, −40 dB, in the model and in its factors: what is quieter counts as so strong, or a moment
without a voice, as where one microphone is cut off, would outweigh all speech."""

Factor = NDArray[np.float32]


class Options(UnmixingOptions):
    """speakers: how many voices. components: spectra of a voice. iterations: time grows with them."""

    components: Annotated[int, Field(ge=1, le=64)] = 2
    iterations: Annotated[int, Field(ge=1, le=1000)] = 100


class Separator(SpectralUnmixing):
    """Every voice's image at every channel."""

    options: Options

    def demix(self, X: Spectra, W: Matrices, seed: int) -> None:
        """Bring W (bins, voices, voices) of whitened spectra (bins, voices, steps) from its beginning to its end."""
        bins, voices, steps = X.shape
        random = np.random.default_rng(seed)
        T = random.uniform(0.1, 1, (voices, bins, self.options.components)).astype(np.float32)
        V = random.uniform(0.1, 1, (voices, self.options.components, steps)).astype(np.float32)
        for _ in range(self.options.iterations):
            for voice in range(voices):
                Y = apply(W[:, voice : voice + 1], X)[:, 0]
                power = np.square(Y.real) + np.square(Y.imag)
                mean = power.mean()
                W[:, voice] /= np.sqrt(mean)  # the scale between W and T is free: mean power 1
                T[voice] /= mean
                T[voice], V[voice] = factors(power / mean, T[voice], V[voice])
                update(W, X, voice, 1 / model(T[voice], V[voice]))


def model(T: Factor, V: Factor) -> Factor:
    """R = T·V, (bins, steps)."""
    return np.asarray(T @ V + np.float32(LEAST))


def factors(power: Factor, T: Factor, V: Factor) -> tuple[Factor, Factor]:
    """T and V after one step towards (bins, steps); the divergence never grows."""
    R = model(T, V)
    T = np.maximum(T * np.sqrt((power / R**2) @ V.T / ((1 / R) @ V.T)), np.float32(LEAST))
    R = model(T, V)
    return T, np.maximum(V * np.sqrt(T.T @ (power / R**2) / (T.T @ (1 / R))), np.float32(LEAST))
