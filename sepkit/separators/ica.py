"""The classic baseline for as many microphones as voices: independent component analysis of the waveforms.

    X(t) = A·S(t)     one matrix A: every voice reaches all microphones at the same time, and no wall returns it

That holds for a mixing desk, not for a room, where it does not part voices; it is there to be compared with. `auxiva`
and `ilrma` are for rooms. One channel, or two that are equal, are one observation, which nothing can unmix.

Source: Hyvärinen, "Fast and robust fixed-point algorithms for independent component analysis", IEEE TNN 10(3), 1999;
scikit-learn's FastICA (BSD), https://scikit-learn.org. Code: MIT. No weights.
"""

from __future__ import annotations

import warnings
from typing import Annotated

import numpy as np
from pydantic import Field

from sepkit.audio.samples import Samples
from sepkit.separators._unmixing import Unmixing, UnmixingOptions


class Options(UnmixingOptions):
    """speakers: how many voices. iterations: at most so many."""

    iterations: Annotated[int, Field(ge=1, le=10_000)] = 200


class Separator(Unmixing):
    """Every voice's image at every channel."""

    options: Options

    def unmix(self, samples: Samples, seed: int) -> None:
        """a_k·w_k of each voice, (voices, channels, channels)."""
        from sklearn.decomposition import FastICA
        from sklearn.exceptions import ConvergenceWarning

        voices, channels = self.options.speakers, len(samples)
        self._images = np.tile(np.eye(channels, dtype=np.float32) / voices, (voices, 1, 1))
        if samples.shape[1] <= channels or not samples.any():
            return
        found = FastICA(voices, whiten="unit-variance", max_iter=self.options.iterations, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # so many iterations are what is asked for
            found.fit(samples.T.astype(np.float64))
        images = found.mixing_.T[:, :, None] * found.components_[:, None]
        levels = np.square(images @ samples[:, :: max(1, samples.shape[1] // 100_000)]).sum(axis=(1, 2))
        self._images = images[np.argsort(-levels, kind="stable")].astype(np.float32)

    def images(self, samples: Samples) -> list[Samples]:
        """By the matrices."""
        return [np.asarray(matrix @ samples) for matrix in self._images]
