"""A published network that parts the voices of a segment, as a member for sources of any rate, channels and length.

Place: the base of `conv_tasnet`, `sepformer` and `mossformer2_ss`, which read their files and build their networks. A
segment begins at the same frames of a source whichever stretch it is met in, and is run once. Neighbours share a
quarter, over which their order is found and one fades into the other.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from sepkit import config
from sepkit.audio import resample
from sepkit.errors import ConfigError, WeightsError
from sepkit.files.naming import clipped
from sepkit.models.weights import verify
from sepkit.separators import _segments
from sepkit.separators._batches import Batches
from sepkit.separators._precision import fastest
from sepkit.separators._segments import Expert, Kept, Run
from sepkit.separators.base import BaseSeparator, Estimates, Mix, Passes, Place

if TYPE_CHECKING:
    from torch import Tensor, nn

OVERLAP = 0.25
LEAST_S = 0.1
"""A shorter source is filled up with zeros."""
COST_FROM = "python -m scripts.golden_parted, and a third more, since segments share a quarter"
"""Where the catalogue's seconds are from."""


class Options(config.Options):
    """Which weights, and how much is heard at once.

    model: a published one, by its name in `sepkit models list`; null takes the first, where there are no weights.
    weights: of your own, in the published form. sha256: of your own, whole or its first digits; null trusts the file.
    speakers: how many voices your own weights give; null means 2, and of a published model what it gives. segment_s:
    what the network hears at once, in seconds.
    """

    model: str | None = None
    weights: Annotated[str, Field(min_length=1)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8,64}$")] | None = None
    speakers: Literal[2, 3] | None = None
    segment_s: Annotated[int, Field(ge=2, le=30)] = 10

    published: ClassVar[Mapping[str, int]] = {}
    """The published models by name, and how many voices each gives."""

    @model_validator(mode="after")
    def _one_model(self) -> Options:
        if self.weights is None and self.sha256 is not None:
            raise ValueError("sha256 is for weights of your own; name them in 'weights', or leave it out")
        if self.weights is not None and self.model is not None:
            raise ValueError("model names a published one; leave out weights, or leave out model")
        if self.weights is None and self.named not in self.published:
            raise ValueError(f"unknown model '{clipped(self.named)}'; choose one of {', '.join(self.published)}")
        if self.weights is None and self.speakers not in (None, self.published[self.named]):
            fitting = [name for name, voices in self.published.items() if voices == self.speakers]
            raise ValueError(
                f"speakers: {self.speakers}, but {self.named} gives {self.published[self.named]} voices; "
                f"{'choose one of ' + ', '.join(fitting) + ', or ' if fitting else ''}leave speakers out"
            )
        return self

    @property
    def named(self) -> str:
        """The published model that is meant where there are no weights of the user's own."""
        return self.model or next(iter(self.published))

    @property
    def voices(self) -> int:
        """How many voices come out."""
        return (self.speakers or 2) if self.weights is not None else self.published[self.named]


class Heard(NamedTuple):
    """A network with its weights. network: (batch, frames) at `native_hz` → (batch, voices, frames)."""

    network: nn.Module
    native_hz: int
    voices: int


class Parter(BaseSeparator):
    """The voices as its `sources`; wanted is their sum, and the rest what is in none of them."""

    sample_rate = None
    channels = None
    uses_device = True
    options: Options

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.sources = tuple(f"speaker_{number}" for number in range(1, options.voices + 1))
        self._expert: Expert | None = None
        self._kept = Kept()

    @abstractmethod
    def read(self) -> Heard:
        """The network with the tensors of `weights()`, each of which was verified."""

    def load(self, device: str) -> None:
        """Check and read the weights."""
        from sepkit.separators._voices.spread import AROUND_S

        for each in self.weights():
            verify(each)
        network, self._native_hz, voices = self.read()
        file = self.weights()[0]
        if voices != len(self.sources):
            raise ConfigError(
                f"options.speakers: {len(self.sources)}, but {file.path} gives {voices} voices; name that number, or "
                "other weights"
            )
        forward = fastest(self._heard(network.to(device)), device, file.model)
        length = self.options.segment_s * self._native_hz
        self._expert = Expert(0, 1.0, 0, forward, length, lambda frames: frames, spared=round(OVERLAP * length))
        self._batches = Batches(device, grows=device != "cpu")
        self._around_s = AROUND_S
        self.context_s = self.options.segment_s + AROUND_S + 2 * resample.CONTEXT_S

    def _heard(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        """The network on segments (batch, channels, frames) of any length → (batch, channels, voices, frames).

        Silence stays silence: what a network would make of it is never sound that was there.
        """
        import torch

        least, voices = round(LEAST_S * self._native_hz), len(self.sources)

        def heard(x: Tensor) -> Tensor:
            rows = torch.nn.functional.pad(x, (0, max(0, least - x.shape[-1]))).flatten(0, 1)
            found, sounding = rows.new_zeros(len(rows), voices, rows.shape[1]), rows.abs().amax(1) > 0
            if sounding.any():
                found[sounding] = network(rows[sounding]).to(found.dtype)
            return torch.unflatten(found[..., : x.shape[-1]], 0, x.shape[:2])

        return heard

    def begin(self, sample_rate: int) -> None:
        """Remember the source's rate, and forget what was kept of the one before."""
        from sepkit.separators._voices.places import hop_frames

        self._sample_rate = sample_rate
        self._kept = Kept()
        stride_frames = round((1 - OVERLAP) * self.options.segment_s * self._native_hz)
        native_frames = math.lcm(stride_frames, hop_frames(self._native_hz))
        self.grid_frames = resample.aligned_frames(native_frames, self._native_hz, sample_rate)

    def describe(self) -> str:
        """Which weights, how many voices, and what is heard at once."""
        return f"{self.weights()[0].model}, {len(self.sources)} voices: segments of {self.options.segment_s} s"

    def _native(self, place: Place) -> Place:
        """At the network's rate, with all that the voices' places and upper bands depend on."""
        native, reach = place.at_rate(self._sample_rate, self._native_hz), round(self._around_s * self._native_hz)
        used = max(0, native.used[0] - reach), native.used[1] + reach
        return native._replace(used=used, again=native.again + 2 * reach)

    def passes(self, frames: int, place: Place) -> Passes:
        """The network's segments."""
        assert self._expert is not None, "load() comes before passes()"
        native_frames = resample.converted_frames(frames, self._sample_rate, self._native_hz)
        found = _segments.passes([Run(self._expert, 0, 1.0)], native_frames, OVERLAP, self._native(place))
        return {name: resample.converted_frames(n, self._native_hz, self._sample_rate) for name, n in found.items()}

    def separate(self, mix: Mix) -> Estimates:
        """Estimate the voices in (1 or 2 channels, frames) at the source's rate."""
        import torch

        from sepkit.separators._voices import segments
        from sepkit.separators._voices.spread import spread

        assert self._expert is not None, "load() comes before separate()"
        low = resample.resample(mix.samples, self._sample_rate, self._native_hz)
        place = mix.place and self._native(mix.place)
        with torch.inference_mode():
            heard, run = torch.from_numpy(low.mean(0, keepdims=True)), Run(self._expert, 0, 1.0)
            voices = segments.estimate(heard, run, OVERLAP, self._batches, place, self._kept)
            if not voices.isfinite().all():
                file = self.weights()[0]
                raise WeightsError(f"{file.model}: the network gave NaN or Inf; check {file.path}")
            found = spread(voices, low, mix.samples, self._native_hz, self._sample_rate)
        named = dict(zip(self.sources, found, strict=True))
        return Estimates(np.sum(found, axis=0, dtype=np.float32), None, named)
