"""The member `bandit`: one checkpoint, in segments. The package says where it is from."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from sepkit import config
from sepkit.errors import WeightsError
from sepkit.files.naming import clipped
from sepkit.models.weights import WeightFile, own_file, verify
from sepkit.separators import _segments
from sepkit.separators._batches import Batches
from sepkit.separators._precision import fastest
from sepkit.separators._segments import Expert, Kept, Run
from sepkit.separators.bandit import published
from sepkit.separators.base import BaseSeparator, Estimates, Mix, Passes, Place

SOURCE = "Bandit, https://github.com/kwatcharasupat/bandit-v2"


class Options(config.Options):
    """Which model, and how finely it is run.

    model: a published one, by its name in `sepkit models list`. weights: a checkpoint of your own in its place, of
    Bandit v2 or BandIt Plus; sha256: of it, whole or its first digits; null trusts the file. segment_s: what the
    network hears at once; null is what it was trained on, 8 s (v2) or 6 s (Plus). overlap: of neighbouring segments, as
    a part of one.
    """

    model: str | None = None
    weights: Annotated[str, Field(min_length=1)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8,64}$")] | None = None
    segment_s: Annotated[int, Field(ge=1, le=60)] | None = None
    overlap: Annotated[float, Field(ge=0, le=0.9)] = 0.5

    @model_validator(mode="after")
    def _one_model(self) -> Options:
        known = ", ".join(published.MODELS)
        if self.model is None and self.weights is None:
            raise ValueError(f"give model: one of {known}, or weights: a checkpoint of your own")
        if self.model is not None and self.model not in published.MODELS:
            raise ValueError(f"unknown model '{clipped(self.model)}'; choose one of {known}")
        if self.model is not None and (self.weights, self.sha256) != (None, None):
            raise ValueError("model names a published one; leave out weights and sha256, or leave out model")
        return self


class Separator(BaseSeparator):
    """Speech, music and effects; the speech is what is wanted."""

    channels = None
    uses_device = True
    sources: tuple[str, ...] = published.SOURCES

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._settings = options
        self._expert: Expert | None = None
        self._kept = Kept()

    def weights(self) -> tuple[WeightFile, ...]:
        """The checkpoint."""
        settings = self._settings
        if settings.model is not None:
            return (published.file(settings.model),)
        assert settings.weights is not None
        return (own_file(settings.weights, "bandit", SOURCE, "Apache-2.0", settings.sha256),)

    def give(self, sources: tuple[str, ...]) -> None:
        """All are found at once; what no task uses is not handed out."""
        self.sources = sources and published.SOURCES

    def load(self, device: str) -> None:
        """Check and read the checkpoint; then rate, context and grid are known."""
        from sepkit.separators.bandit import checkpoint

        (file,) = self.weights()
        verify(file)
        network = checkpoint.read(file)
        kind = network.shape.kind
        length = (self._settings.segment_s or kind.segment_s) * kind.sample_rate
        forward = fastest(network.to(device), device, file.model)
        self._expert = Expert(0, 1.0, 0, forward, length, lambda _: length)
        self._batches = Batches(device, grows=device != "cpu")
        self.sample_rate = kind.sample_rate
        self.grid_frames = int((1 - self._settings.overlap) * length)
        self.context_s = float(length // kind.sample_rate)

    def describe(self) -> str:
        """The checkpoint, and what it hears at once."""
        assert self._expert is not None and self.sample_rate, "load() comes before describe()"
        return f"{self.weights()[0].path.name}: segments of {self._expert.length / self.sample_rate:g} s"

    def begin(self, sample_rate: int) -> None:
        """Forget what was kept of the source before."""
        self._kept = Kept()

    def passes(self, frames: int, place: Place) -> Passes:
        """The network's segments."""
        assert self._expert is not None, "load() comes before passes()"
        return _segments.passes([Run(self._expert, 0, 1.0)], frames, self._settings.overlap, place)

    def separate(self, mix: Mix) -> Estimates:
        """Estimate the three in (channels, frames) at the model's rate."""
        import torch

        assert self._expert is not None, "load() comes before separate()"
        rows = len(published.SOURCES) * len(mix.samples)
        with torch.inference_mode():
            samples, run, overlap = torch.from_numpy(mix.samples), Run(self._expert, 0, 1.0), self._settings.overlap
            found = _segments.estimate(samples, [run], overlap, self._batches, mix.place, self._kept, rows)
        stems = np.asarray(found, np.float32).reshape(-1, *mix.samples.shape)
        if not np.isfinite(stems).all():
            raise WeightsError(f"bandit: the network gave NaN or Inf; check {self.weights()[0].path}")
        return Estimates(stems[0], None, dict(zip(self.sources, stems, strict=False)))
