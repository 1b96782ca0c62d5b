"""The member `speakers`: each voice of a source of any rate and length, in no certain order.

A pair of channels is heard as a mean of both. The voices keep their own level: they and the rest, which is the mix
minus their sum, are the mix.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from sepkit import config
from sepkit.audio import resample
from sepkit.errors import ConfigError, WeightsError
from sepkit.models import exported, memory
from sepkit.models.weights import WeightFile, own_file, unlike, verify
from sepkit.separators.base import BaseSeparator, Estimates, Mix
from sepkit.separators.speakers.weights import weight_file

NATIVE_HZ = 16000
REMEDY = "give a file that sepkit train speakers made"


class Options(config.Options):
    """weights: a file that `sepkit train speakers` has made; null takes sepkit's own. speakers: how many voices its
    network gives; sepkit's own gives 2.
    """

    weights: Annotated[str, Field(min_length=1)] | None = None
    speakers: Literal[2, 3] = 2


def catalogue() -> tuple[WeightFile, ...]:
    """Every file of weights that this member can use."""
    return (weight_file(),)


class Separator(BaseSeparator):
    """The voices as its `sources`; wanted is their sum, and the rest what is in none of them."""

    sample_rate = None
    channels = None
    uses_device = True
    options: Options

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.sources = tuple(f"speaker_{number}" for number in range(1, options.speakers + 1))

    def weights(self) -> tuple[WeightFile, ...]:
        """The network's file."""
        own = self.options.weights
        return (weight_file() if own is None else own_file(own, "speakers", "sepkit train speakers", "MIT"),)

    def begin(self, sample_rate: int) -> None:
        """Remember the source's rate, and the grid on which both rates meet."""
        from sepkit.separators._voices.places import hop_frames

        self._sample_rate = sample_rate
        native_frames = math.lcm(self._network.grid_frames, hop_frames(NATIVE_HZ))
        self.grid_frames = resample.aligned_frames(native_frames, NATIVE_HZ, sample_rate)

    def load(self, device: str) -> None:
        """Build the network that the file names and read its weights."""
        from sepkit.separators._voices.spread import AROUND_S

        (file,) = self.weights()
        verify(file)
        self._kind, self._network = _read(file, self.options.speakers, device)
        self._device = device
        self.context_s = self._network.reach_frames / NATIVE_HZ + AROUND_S

    def describe(self) -> str:
        """Which kind of network, with how many voices."""
        return f"{self._kind}, {self.options.speakers} voices"

    def separate(self, mix: Mix) -> Estimates:
        """Estimate the voices in (1 or 2 channels, frames)."""
        import torch

        from sepkit.separators._voices.places import mean
        from sepkit.separators._voices.spread import spread

        low = resample.resample(mix.samples, self._sample_rate, NATIVE_HZ)
        with memory.kept(), torch.inference_mode():
            heard = mean(torch.from_numpy(low).to(self._device))[None]
            found = spread(self._network(heard)[0], low, mix.samples, NATIVE_HZ, self._sample_rate)
        named = dict(zip(self.sources, found, strict=True))
        return Estimates(np.sum(found, axis=0, dtype=np.float32), None, named)


def _read(file: WeightFile, speakers: int, device: str) -> tuple[str, Any]:
    """The kind of network that the file names, and it with the file's weights, ready to run."""
    from sepkit.separators.speakers import networks

    stored, tensors = exported.read(file.path, "speakers", dict, device)
    kind = stored.get("kind")
    if kind not in networks.KINDS:
        known = ", ".join(networks.KINDS)
        raise WeightsError(f"speakers: {file.path} names the network {kind!r}, none of {known}; {REMEDY}")
    shape: Any = networks.shape_of(kind).from_json(stored)
    if shape.speakers != speakers:
        raise ConfigError(
            f"options.speakers: {speakers}, but {file.path} tells {shape.speakers} voices apart; name that number, or "
            "other weights"
        )
    network = networks.build(kind, shape)
    if differs := unlike(network.state_dict(), tensors):
        raise WeightsError(f"speakers: {file.path} is not as its sizes say, {differs}; {REMEDY}")
    network.load_state_dict(tensors)
    return kind, network.to(device).eval()
