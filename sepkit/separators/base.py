"""The contract of a separator: given a mix at its own rate, estimate the wanted sound.

A separator is one file `sepkit/separators/<name>.py`, or a folder of that name, with a docstring (source, licence of
code and of weights), a frozen `Options(sepkit.config.Options)` and a class `Separator(BaseSeparator)`. Resampling,
channel layout, windows and caching stay outside: `sepkit.render.ensemble` brings the mix to the separator's rate and
channels and takes the estimate back.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio import resample
from sepkit.audio.samples import Samples
from sepkit.config import Options
from sepkit.errors import SepkitError
from sepkit.models.weights import WeightFile


class Place(NamedTuple):
    """Where a stretch lies in its source, in native frames.

    begin: its first frame, in the source. used: (start, stop) within the stretch of what will be used; around it the
    estimate may be left unfinished. again: how many frames at the end of these the next stretch will use once more.
    part: which channels of the source. last: whether nothing of the source comes after it.
    """

    begin: int
    used: tuple[int, int]
    again: int = 0
    part: int = 0
    last: bool = False

    def at_rate(self, from_hz: int, to_hz: int) -> Place:
        """The same at another rate; what is used, with all that it depends on. It begins on the grid of both."""
        if from_hz == to_hz:
            return self
        reach, ratio = resample.CONTEXT_S * to_hz, to_hz / from_hz
        used = max(0, math.floor(self.used[0] * ratio - reach)), math.ceil(self.used[1] * ratio + reach)
        again = math.ceil(self.again * ratio + 2 * reach)
        return self._replace(begin=self.begin * to_hz // from_hz, used=used, again=again)


@dataclass(frozen=True)
class Mix:
    """A stretch of the source as one member sees it.

    samples: (channels, frames) float32 at the member's own rate and channel count.
    mean, std: of the whole source's mono mix (not of this stretch), where the member asks for them; side_mean, side:
    the same of half the difference of its two channels; levels: of both in each second, (2, seconds), or none.
    seed: the run's seed; the same seed and samples give the same estimate.
    place: of a stretch that has context around it; None: all of it is used, and nothing comes after it.
    """

    samples: Samples
    mean: float = 0.0
    std: float = 1.0
    side_mean: float = 0.0
    side: float = 0.0
    levels: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 0)))
    seed: int = 0
    place: Place | None = None


class Estimates(NamedTuple):
    """What a member found, at its own rate: arrays of the mix's shape.

    rest: None means mix − wanted. sources: each that `BaseSeparator.sources` names, by name.
    """

    wanted: Samples
    rest: Samples | None = None
    sources: Mapping[str, Samples] = MappingProxyType({})


def check(found: Estimates, mix: Samples, name: str, sources: Iterable[str]) -> None:
    """Raise where a separator did not keep the contract: every declared source is there, of the mix's shape, finite.

    mix: what it was given. name: of the separator, for the error.
    """
    front = f"member '{name}'"
    if not isinstance(found, Estimates):
        raise SepkitError(f"{front}: its separate gave a {type(found).__name__}; it must give Estimates")
    given: dict[str, Samples | None] = {"wanted": found.wanted, **({} if found.rest is None else {"rest": found.rest})}
    given |= {f"source '{source}'": found.sources.get(source) for source in sources}
    for what, samples in given.items():
        if samples is None:
            raise SepkitError(f"{front}: its separate did not give {what}; it must give every source that it declares")
        if not isinstance(samples, np.ndarray) or samples.dtype.kind != "f" or samples.shape != mix.shape:
            form = f"{samples.dtype} {samples.shape}" if isinstance(samples, np.ndarray) else type(samples).__name__
            raise SepkitError(f"{front}: its {what} came as {form}; it must be float32 {mix.shape}, as the mix it got")
        if not np.isfinite(samples).all():
            raise SepkitError(
                f"{front}: its {what} holds NaN or Inf; check its weights with `sepkit models verify`, or try "
                "'device: cpu'"
            )


Passes = dict[Hashable, int]
"""What `separate` runs its network on: each pass, named so that the next stretch's same one has its name, and its
native frames."""


class BaseSeparator(ABC):
    """One member. Class or instance attributes describe it; `load` is called once a run, before `separate`."""

    sample_rate: int | None = None
    """Native rate in Hz; None: that of the source, which `begin` tells."""
    channels: ClassVar[int | None] = None
    """1: each channel is handed over alone; 2: always stereo (a mono source is doubled); None: as the source is."""
    context_s: float = 0.0
    """How far a sample of the estimate can depend on samples of the mix, to either side; see `remembers`."""
    grid_frames: int = 1
    """A stretch must begin at a multiple of this many native frames for windowed to equal whole."""
    uses_device: ClassVar[bool] = False
    """Whether it runs on torch, and so on the configuration's device; torch is not imported for those that do not."""
    sources: tuple[str, ...] = ()
    """Where it tells several sounds apart (two voices, four instruments): their names. With one target, leave it."""
    steady: bool = False
    """Of voices: whether each source is one person throughout a stretch. Hardly a network is sure of that over a pause
    in which nobody speaks."""
    remembers: ClassVar[bool] = False
    """Whether a sample can depend on all that came before it: then what the next stretch needs is kept from one to the
    next, which come in order and with their `Place`; where one does not follow on the last, it begins afresh."""
    needs_statistics: ClassVar[bool] = False
    """Whether `Mix.mean`, `std` and `side` are used; they cost a streamed pass over the source."""
    learns_s: ClassVar[float] = 0.0
    """At most so many seconds of a source, all its channels, are given to `learn` between `begin` and the first
    stretch. Then `separate` too sees all channels at once, and each of its `sources` is the same throughout. 0: none.
    """
    prompted: ClassVar[bool] = False
    """Whether it separates what a prompt names; `ask` says which."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def weights(self) -> tuple[WeightFile, ...]:
        """The files this member reads, embedded or downloaded."""
        return ()

    def begin(self, sample_rate: int) -> None:  # noqa: B027  most separators have one rate and no memory
        """Called before each source, with its rate."""

    def give(self, sources: tuple[str, ...]) -> None:  # noqa: B027  most separators find all at once
        """Told before `load` which of its sources the task names; none where the wanted sound is enough. What is not
        asked for may be left out.
        """

    def learn(self, samples: Samples, seed: int) -> None:
        """From what is heard of a source, (channels, frames) at the member's own rate, what holds for all of it."""
        raise NotImplementedError(f"{type(self).__module__} learns nothing of a source")

    def load(self, device: str) -> None:  # noqa: B027  the classic methods have nothing to load
        """Bring the weights to `device` ("cpu", "cuda:0", "mps"). Called once, before the first `separate`."""

    def ask(self, prompt: str) -> None:
        """From the next `separate` on, the wanted sound is what `prompt` names. Called once loaded, as often as
        wanted, and only where `prompted`; each twin has its own prompt.
        """
        raise NotImplementedError(f"{type(self).__module__} takes no prompts")

    def understood(self, prompt: str) -> str:
        """How a prompt is understood, a sentence as `Understood.line` of `sepkit.models.prompts` has it.

        Empty where its words are taken as they are. Called once loaded.
        """
        return ""

    def twin(self) -> BaseSeparator:
        """Another over the same loaded model, for another source at the same time; what belongs to a source is its
        own from `begin` on.
        """
        return copy.copy(self)

    def describe(self) -> str:
        """For a plan: which model, how often; known once loaded. Empty: the member's name says it."""
        return ""

    def passes(self, frames: int, place: Place) -> Passes:
        """What `separate` would do with a stretch of so many frames, once loaded."""
        return {place: frames}

    @abstractmethod
    def separate(self, mix: Mix) -> Estimates:
        """Estimate the wanted sound (and, if better known than by subtraction, the rest) in `mix.samples`."""
