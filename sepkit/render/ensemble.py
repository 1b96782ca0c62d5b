"""The members of a configuration, brought to one rate and layout: mix in, one estimate a member out.

A separator sees only its native rate and channel count and a stretch that begins on its own grid; everything between
that and the source (resampling, mono and stereo, context) is here.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sepkit.audio import resample
from sepkit.audio.read import Source, SourceInfo
from sepkit.audio.samples import Samples
from sepkit.audio.windows import Span, Window, channels_at_once, read_around, runs
from sepkit.clock import Clock
from sepkit.config import Config, plugins
from sepkit.config.sections import MemberConfig
from sepkit.render.excerpt import excerpt
from sepkit.render.statistics import Statistics
from sepkit.separators.base import BaseSeparator, Mix, Passes, Place, check

if TYPE_CHECKING:
    from sepkit.models.weights import WeightFile


class Estimate(NamedTuple):
    """One member's answer at the source's rate, each of (channels, frames), and its weight in the fusion.

    sources: by name, where the member tells several sounds apart.
    """

    wanted: Samples
    rest: Samples | None
    weight: float
    sources: dict[str, Samples]

    def part(self, start: int, stop: int) -> Estimate:
        """These frames of it, copied so that the rest is not held."""
        wanted, rest = self.wanted[:, start:stop].copy(), None if self.rest is None else self.rest[:, start:stop].copy()
        sources = {name: samples[:, start:stop].copy() for name, samples in self.sources.items()}
        return Estimate(wanted, rest, self.weight, sources)


class Member:
    """A separator, its weight, and the way from the source's rate and channels to its own and back."""

    def __init__(self, config: MemberConfig, seed: int) -> None:
        self.name = config.separator
        self.weight = config.weight
        self.separator: BaseSeparator = plugins.make("separators", config.separator, config.options)
        self._seed = seed

    def twin(self) -> Member:
        """Another over the same loaded model."""
        other = copy.copy(self)
        other.separator = self.separator.twin()
        return other

    def weights(self) -> tuple[WeightFile, ...]:
        """The files that it reads."""
        with self._blamed():
            return self.separator.weights()

    def load(self, device: str) -> None:
        """Load its model to `device`."""
        with self._blamed():
            self.separator.load(device)

    def begin(self, sample_rate: int) -> None:
        """Another source comes."""
        with self._blamed():
            self.separator.begin(sample_rate)

    def learn(self, samples: Samples, sample_rate: int) -> None:
        """Let it hear (channels, frames) of the source, where it asks for that."""
        if self.separator.learns_s:
            with self._blamed():
                native_hz = self.separator.sample_rate or sample_rate
                self.separator.learn(resample.resample(samples, sample_rate, native_hz), self._seed)

    @property
    def context_s(self) -> float:
        """How far it reaches at its own rate; known once loaded."""
        with self._blamed():
            return self.separator.context_s

    def _blamed(self) -> AbstractContextManager[None]:
        return plugins.blamed("separators", self.name, "run")

    def reach(self, sample_rate: int) -> tuple[int, int]:
        """(context, grid) in frames of the source."""
        native_hz = self.separator.sample_rate or sample_rate
        context_s = self.context_s + (0 if native_hz == sample_rate else resample.CONTEXT_S)
        grid_frames = resample.aligned_frames(self.separator.grid_frames, native_hz, sample_rate)
        return math.ceil(context_s * sample_rate), grid_frames

    def estimate(
        self,
        stretch: Samples,
        sample_rate: int,
        statistics: Statistics,
        clock: Clock,
        place: Place | None = None,
    ) -> Estimate:
        """Separate a stretch (1 or 2 channels, or all, frames) of the source at `sample_rate`; the shape is kept.

        place: of the stretch, in frames of the source; None: it is all there is.
        """
        native_hz = self.separator.sample_rate or sample_rate
        native_place = place and place.at_rate(sample_rate, native_hz)
        with clock("resample"):
            native = resample.resample(stretch, sample_rate, native_hz)
        groups = _layout(native, self.separator.channels)
        with clock(f"member {self.name}"), self._blamed():
            found = [
                self.separator.separate(Mix(group, *statistics, self._seed, _part(native_place, index)))
                for index, group in enumerate(groups)
            ]
        for each, group in zip(found, groups, strict=True):
            check(each, group, self.name, self.separator.sources)
        rests = [each.rest for each in found if each.rest is not None]
        with clock("resample"):
            wanted = self._return([each.wanted for each in found], stretch, sample_rate, native_hz)
            rest = self._return(rests, stretch, sample_rate, native_hz) if len(rests) == len(found) else None
            sources = {
                name: self._return([each.sources[name] for each in found], stretch, sample_rate, native_hz)
                for name in self.separator.sources
            }
        return Estimate(wanted, rest, self.weight, sources)

    def passes(self, frames: int, channels: int, sample_rate: int, place: Place) -> Passes:
        """What `estimate` would run on a stretch (channels, frames)."""
        native_hz = self.separator.sample_rate or sample_rate
        native_frames = resample.converted_frames(frames, sample_rate, native_hz)
        native_place = place.at_rate(sample_rate, native_hz)
        found: Passes = {}
        for index in range(channels if self.separator.channels == 1 else 1):
            with self._blamed():
                found |= self.separator.passes(native_frames, native_place._replace(part=place.part + index))
        return found

    def _return(self, parts: list[Samples], stretch: Samples, sample_rate: int, native_hz: int) -> Samples:
        joined = np.concatenate(parts)
        if joined.shape[0] > stretch.shape[0]:  # a mono source that a stereo member saw doubled
            joined = joined.mean(axis=0, keepdims=True)
        return resample.resample(joined, native_hz, sample_rate, stretch.shape[1])


class Ensemble:
    """All members of a configuration; loaded once a run."""

    def __init__(self, config: Config) -> None:
        self.members = [Member(member, config.seed) for member in config.members]

    def twin(self) -> Ensemble:
        """Another over the same loaded models."""
        other = copy.copy(self)
        other.members = [member.twin() for member in self.members]
        return other

    def weights(self) -> tuple[WeightFile, ...]:
        """Every file of weights that the members read."""
        return tuple(file for member in self.members for file in member.weights())

    @property
    def uses_device(self) -> bool:
        """Whether any member runs on torch."""
        return any(member.separator.uses_device for member in self.members)

    @property
    def needs_statistics(self) -> bool:
        """Whether any member normalises by the whole source."""
        return any(member.separator.needs_statistics for member in self.members)

    @property
    def learns_s(self) -> float:
        """How many seconds of a source the members are given before the first window; 0: none asks for them."""
        return max(member.separator.learns_s for member in self.members)

    def learn(self, source: Source) -> None:
        """Let the members that ask for it hear so much of the source."""
        heard = excerpt(source, self.learns_s)
        for member in self.members:
            member.learn(heard, source.info.sample_rate)

    @property
    def context_s(self) -> float:
        """How far the widest member reaches; known once loaded."""
        return max(member.context_s for member in self.members)

    def groups(self, info: SourceInfo) -> Iterator[tuple[range, list[range]]]:
        """The channels that are read at a time, and those of them that are handed to the members together: pairs, or
        all of a source's, where a member learns from all.
        """
        together = info.channels if self.learns_s else 2
        whole = [range(info.channels)] if self.learns_s else channels_at_once(info.sample_rate, info.channels)
        for read in whole:
            yield read, [range(first, min(first + together, read.stop)) for first in read[::together]]

    def runs(self, spans: Iterable[Span], sample_rate: int) -> list[Span]:
        """Spans as they are rendered: as one where what lies between is context of both. Known once loaded."""
        return runs(spans, round(2 * self.context_s * sample_rate))

    def grid_frames(self, sample_rate: int) -> int:
        """The widest grid, in frames of the source, on which a member's stretches begin; known once loaded."""
        return max(member.reach(sample_rate)[1] for member in self.members)

    def load(self, device: str) -> None:
        """Load every member's model to `device`."""
        for member in self.members:
            member.load(device)

    def begin(self, sample_rate: int) -> None:
        """Tell the members that another source comes, and its rate."""
        for member in self.members:
            member.begin(sample_rate)

    def ask(self, *prompts: str) -> None:
        """Tell the members that are told by a prompt which sound is wanted; of several the last one holds."""
        for member in self.members:
            for prompt in prompts if member.separator.prompted else ():
                member.separator.ask(prompt)

    def span(self, window: Window, frames: int, sample_rate: int) -> tuple[int, int]:
        """The frames (start, stop) of the source that rendering `window` needs: the widest of the members'."""
        spans = [read_around(window, frames, *member.reach(sample_rate)) for member in self.members]
        return min(start for start, _ in spans), max(stop for _, stop in spans)

    def estimate(
        self,
        read: Samples,
        read_start: int,
        window: Window,
        info: SourceInfo,
        statistics: Statistics,
        clock: Clock,
        part: int,
    ) -> list[Estimate]:
        """Each member's estimate for `window`, from `read` (channels, …), the source from frame `read_start` on.

        part: the first of these channels, in the source.
        """
        found, rate = [], info.sample_rate
        for member in self.members:
            start, stop = read_around(window, info.frames, *member.reach(rate))
            place = _place(window, start, info.frames, rate, part)
            stretch = read[:, start - read_start : stop - read_start]
            found.append(member.estimate(stretch, rate, statistics, clock, place).part(*place.used))
        return found


def window_passes(member: Member, window: Window, frames: int, channels: range, sample_rate: int) -> Passes:
    """What `estimate` would run on one or two channels of the source."""
    start, stop = read_around(window, frames, *member.reach(sample_rate))
    place = _place(window, start, frames, sample_rate, channels.start)
    return member.passes(stop - start, len(channels), sample_rate, place)


def _place(window: Window, start: int, frames: int, sample_rate: int, part: int) -> Place:
    """Of the stretch that begins at `start`, in frames of the source, which has `frames`."""
    again = 2 * (window.stop - window.body_stop) + sample_rate  # the next window's context, as wide as this one's
    return Place(start, (window.start - start, window.stop - start), again, part, last=window.body_stop == frames)


def _part(place: Place | None, index: int) -> Place | None:
    """The place of one of several groups of channels."""
    return place and place._replace(part=place.part + index)


def _layout(samples: Samples, channels: int | None) -> list[Samples]:
    """Hand over one or two channels as a member wants them: each alone, always as a pair, or as they are."""
    if channels == 1:
        return [samples[index : index + 1] for index in range(samples.shape[0])]
    if channels == 2 and samples.shape[0] == 1:
        return [np.repeat(samples, 2, axis=0)]
    return [samples]
