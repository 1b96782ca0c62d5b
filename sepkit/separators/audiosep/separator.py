"""The member `audiosep`: the sound that a prompt names, at any rate. The package says where it is from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from sepkit.audio import resample
from sepkit.audio.samples import Samples
from sepkit.errors import WeightsError
from sepkit.models import memory
from sepkit.models.clap import Weights, published
from sepkit.models.clap.files import SOURCE
from sepkit.models.weights import WeightFile, verify
from sepkit.separators import _upper_band
from sepkit.separators.base import BaseSeparator, Estimates, Mix

if TYPE_CHECKING:
    from torch import Tensor

NATIVE_HZ = 32000
GRID_NATIVE_FRAMES = 32 * 320
"""A stretch must begin on a multiple of this for windowed to equal whole: 0.32 s, the coarsest level's step."""
CONTEXT_S = 11 * GRID_NATIVE_FRAMES / NATIVE_HZ + 2 * resample.CONTEXT_S
"""3.37 s of the network, rounded up to its grid, and the way there and back."""
EDGE = (0.8, 0.97)
"""The highest part of the network's band, of half its rate: what lies above it follows this."""


class Options(Weights):
    """What is wanted, and by which weights.

    prompt: the sound in words, English ("a dog barks"). weights: a checkpoint of your own with AudioSep's layers, one
    that was trained further or AudioSep-DP's; null takes the published one. sha256: of your own, whole or its first
    digits; null trusts the file.
    """

    prompt: Annotated[str, Field(pattern=r"\S")]


class Separator(BaseSeparator):
    """What the prompt names; the rest is the mix minus it."""

    sample_rate = None
    channels = None
    context_s = CONTEXT_S
    uses_device = True
    prompted = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._settings = options
        self._vectors: dict[str, Tensor] = {}

    def weights(self) -> tuple[WeightFile, ...]:
        """The checkpoint, and the tokenizer."""
        checkpoint, tokenizer = catalogue()
        return self._settings.file(checkpoint, "audiosep", SOURCE), tokenizer

    def begin(self, sample_rate: int) -> None:
        """Remember the source's rate, and the grid on which both rates meet."""
        self._sample_rate = sample_rate
        self.grid_frames = resample.aligned_frames(GRID_NATIVE_FRAMES, NATIVE_HZ, sample_rate)

    def load(self, device: str) -> None:
        """Check and read the weights, and ask for what the options name."""
        from sepkit.models.clap import tokens
        from sepkit.separators.audiosep import checkpoint

        weights, words = self.weights()
        verify(weights)
        verify(words)
        network, self._tower = checkpoint.read(weights)
        self._tokenizer = tokens.read_tokenizer(words.path, self._tower)
        self._network, self._device = network.to(device), device
        self._vectors.clear()
        self.ask(self._settings.prompt)

    def describe(self) -> str:
        """What is asked for."""
        return f'"{self._prompt}"'

    def ask(self, prompt: str) -> None:
        """Each prompt goes through the text tower once."""
        import torch

        from sepkit.models.clap import tokens

        with torch.inference_mode():
            if prompt not in self._vectors:
                asked = tokens.tokens_of(prompt, self._tokenizer)
                self._vectors[prompt] = self._tower(torch.tensor(asked))
            self._told = self._network.told(self._vectors[prompt].to(self._device))
        self._prompt = prompt

    def separate(self, mix: Mix) -> Estimates:
        """Estimate what is asked for in (1 or 2 channels, frames)."""
        import torch

        frames, native_hz = mix.samples.shape[1], self._network.shape.sample_rate
        low = resample.resample(mix.samples, self._sample_rate, native_hz)
        with memory.kept(), torch.inference_mode():
            X = self._network.analyse(torch.from_numpy(low).to(self._device))
            V = X * self._network.mask(X, self._told)
            found = self._network.synthesise(V, low.shape[1]).cpu().numpy()
            gains = _edge(V, X).cpu().numpy()
        if not np.isfinite(found).all():
            raise WeightsError(f"audiosep: the network gave NaN or Inf; check {self.weights()[0].path}")
        wanted = self._back(found, native_hz, frames)
        if self._sample_rate > native_hz:
            above = mix.samples - self._back(low, native_hz, frames)
            wanted += _upper_band.follow(above, gains, self._network.shape.hop_frames * self._sample_rate / native_hz)
        return Estimates(wanted)

    def _back(self, low: Samples, native_hz: int, frames: int) -> Samples:
        return resample.resample(low, native_hz, self._sample_rate, frames)


def _edge(V: Tensor, X: Tensor) -> Tensor:
    """The gain of each step at the band's edge, √(P_V / P_X), (steps,); of spectra (channels, bins, steps)."""
    first, last = (round(share * X.shape[1]) for share in EDGE)
    kept, whole = (each[:, first:last].abs().square().sum((0, 1)) for each in (V, X))
    gain: Tensor = (kept / whole.clamp_min(1e-20)).sqrt()
    return gain


def catalogue() -> tuple[WeightFile, ...]:
    """The published checkpoint, and RoBERTa's tokenizer."""
    return published()
