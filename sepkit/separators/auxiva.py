"""The member for as many microphones as voices: independent vector analysis, needs no training.

A voice's bins rise and fall together, and two voices' do not. With r_k(t) the strength of voice k in a step, over all
bins, W is what makes the voices independent by

    Laplace: weight = 1 / r_k,  r_k = √Σ_f |Y_k(f,t)|²       Gauss: weight = 1 / r_k,  r_k = mean_f |Y_k(f,t)|²

and iterative projection. Where the echoes of a room are long, `ilrma` does better.

Source: Ono, "Stable and fast update rules for independent vector analysis based on auxiliary function technique",
WASPAA 2011; Ono, "Auxiliary-function-based independent vector analysis with power of vector-norm type weighting
functions", APSIPA 2012 (Gauss). Code: MIT. No weights.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from sepkit.separators._unmixing import Matrices, Spectra, SpectralUnmixing, UnmixingOptions, apply, update

LEAST = 1e-5
"""Of the strongest step: what is quieter counts as so strong, or silence would outweigh all speech."""
TINY = 1e-20


class Options(UnmixingOptions):
    """speakers: how many voices. model: of a voice's strength. iterations: time grows with them.

    Gauss is the better of both here: `python -m scripts.bench microphones`.
    """

    model: Literal["laplace", "gauss"] = "gauss"
    iterations: Annotated[int, Field(ge=1, le=1000)] = 50


class Separator(SpectralUnmixing):
    """Every voice's image at every channel."""

    options: Options

    def demix(self, X: Spectra, W: Matrices, seed: int) -> None:
        """Bring W (bins, voices, voices) of whitened spectra (bins, voices, steps) from its beginning to its end."""
        for _ in range(self.options.iterations):
            for voice in range(X.shape[1]):
                Y = apply(W[:, voice : voice + 1], X)[:, 0]
                power = np.square(Y.real) + np.square(Y.imag)
                strength = np.sqrt(power.sum(axis=0)) if self.options.model == "laplace" else power.mean(axis=0)
                update(W, X, voice, 1 / np.maximum(strength, LEAST * strength.max() + TINY)[None])
