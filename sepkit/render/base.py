"""The contract of a task: which stems come out of a source, how a window is rendered, how each stem is finished.

A task is one file `sepkit/render/<name>.py` with a class `Task(BaseTask)`; the configuration's `task:` names it.
Reading, windows, seams, spools and writing stay outside (`sepkit.render.pipeline`), and so do batch, gate, report and
compare: they know stems by name only.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from numpy.typing import NDArray

from sepkit.audio.read import Source, SourceInfo
from sepkit.audio.samples import Samples
from sepkit.audio.spool import Spool
from sepkit.audio.windows import Span, Window
from sepkit.clock import Clock
from sepkit.config import Config, plugins
from sepkit.denoisers.base import BaseDenoiser
from sepkit.errors import ConfigError, SepkitError
from sepkit.models.weights import WeightFile
from sepkit.render import silence
from sepkit.render.ensemble import Estimate, Member
from sepkit.render.statistics import Statistics


@dataclass(frozen=True)
class Stem:
    """One named result.

    suffix: of its file's name, before the container's.
    title, about: what it is called where it is heard, and what it is.
    written: whether the user gets a file of it. asked_by: what in a configuration asks for one.
    inner: a step on the way, which nobody gets; other stems are made of it or measured against it.
    judged: whether metrics are measured on it and the gate holds it.
    against: the stem that it is measured against where no truth is known; "": none.
    rest_of: the stems that, taken from the mix, leave this one, none of them a rest; empty: `render_window` makes it.
    optional: no file is left of it where nothing is heard in it at all.
    """

    name: str
    suffix: str
    title: str
    about: str
    written: bool = True
    asked_by: str = ""
    inner: bool = False
    judged: bool = False
    against: str = ""
    rest_of: tuple[str, ...] = ()
    optional: bool = False


class Document(NamedTuple):
    """A text that comes out of a source beside its stems. suffix: of its file's name, with its ending."""

    name: str
    suffix: str


@dataclass(frozen=True)
class Part:
    """One window of one channel, or of a pair of channels, and what the members made of it.

    mix: (1 or 2 channels, window.stop − window.start). estimates: one a member, of the same shape. sample_rate: in Hz.
    statistics: of the whole source. watch: is to see the masks, where somebody looks at them. turn: which of the task's
    rounds it is.
    """

    mix: Samples
    estimates: Sequence[Estimate]
    window: Window
    sample_rate: int
    statistics: Statistics
    clock: Clock
    watch: Callable[[int, NDArray[Any]], None] | None = None
    turn: int = 0


class Round(NamedTuple):
    """One of the times that a source is gone over by a task that changes it in places.

    prompt: what the member is asked for. spans: where, in order and apart. All of them lie in the source.
    """

    prompt: str
    spans: tuple[Span, ...]


class Settled(NamedTuple):
    """A window whose stems are final. made: by stem, (channels, stop − start). mix: of its body."""

    made: Mapping[str, Samples]
    mix: Samples
    window: Window


class Finish(ABC):
    """Brings a stem to its final form where that needs the whole of it, as a loudness does."""

    @abstractmethod
    def hear(self, block: Samples, clock: Clock) -> None:
        """The first pass: the next block (channels, frames) of the stem."""

    @abstractmethod
    def blocks(self, spool: Spool, clock: Clock) -> Iterator[Samples]:
        """The second pass: the spooled stem in its final form, block by block."""

    def facts(self) -> dict[str, float]:
        """What was found and done, by name, for the record of the run."""
        return {}

    def notes(self) -> tuple[str, ...]:
        """What somebody should know of it, a plain sentence each."""
        return ()


class BaseTask(ABC):
    """A task of one configuration. Constructed without loading anything; `load` is called once, before any window."""

    sources: ClassVar[tuple[str, ...]] = ()
    """What every member has to tell apart for this task, by name; empty: one wanted sound is enough."""
    members: ClassVar[int | None] = None
    """How many members it takes; None: one or more, whose estimates it fuses."""
    in_place: ClassVar[bool] = False
    """Whether it changes a source in places, by `rounds`, and all else comes through bit for bit; it makes no masks."""
    any_order: ClassVar[bool] = False
    """Whether which judged stem is which is known only after the event, as of voices."""
    denoiser: BaseDenoiser | None = None
    """Among the task's stages, where it has one; what it costs is foreseen apart."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def require(self, members: Sequence[Member]) -> None:
        """Raise where the members are not as many as the task takes, or do not tell apart all that it works on."""
        named = f"the task '{self.config.task}'"
        if self.members not in (None, len(members)):
            raise ConfigError(f"members: {named} takes {self.members}, found {len(members)}; give as many as it takes")
        for index, member in enumerate(members):
            if member.separator.learns_s and len(members) > 1:
                raise ConfigError(
                    f"members.{index}.separator: '{member.name}' hears all channels at once, and stands alone; take it "
                    "out, or the others"
                )
            if absent := [name for name in self.sources if name not in member.separator.sources]:
                raise ConfigError(
                    f"members.{index}.separator: '{member.name}' does not tell {', '.join(absent)} apart, which "
                    f"{named} needs; choose a separator that does"
                )
            member.separator.give(self.sources)

    @abstractmethod
    def stems(self, info: SourceInfo | None = None) -> tuple[Stem, ...]:
        """What comes out of a source: first the one that a video or a single file gets; the judged ones in their order.

        info: of the source; None: what every source has.
        """

    @abstractmethod
    def render_window(self, part: Part) -> dict[str, Samples]:
        """All stages on one window: every stem but the rests, each of the shape of `part.mix`."""

    @abstractmethod
    def skipped(self, mix: Samples) -> dict[str, Samples]:
        """What a window comes out as that nothing was run on: the same stems as of `render_window`."""

    @abstractmethod
    def stages(self) -> list[str]:
        """For a plan: the stages after the members, in their order."""

    def settle(self, rendered: Settled, last: bool) -> Iterable[Settled]:
        """The windows that are final once this one is rendered, in order: itself, unless the task has to hear more.

        rendered: its `made` holds all channels of what `render_window` or `skipped` gave. last: none comes after it.
        """
        return (rendered,)

    def finish(self, stem: str, source: Source) -> Finish | None:
        """What brings a stem to its final form; None: its windows, joined, are final, sample by sample."""
        return None

    def spans(self, source: Source, context_s: float, clock: Clock) -> list[Span]:
        """The parts of the source that are rendered, and those that are skipped, in turn, from end to end.

        context_s: the members' reach.
        """
        if self.config.skip_silence is None:
            return [Span(0, source.info.frames)]
        with clock("silence"):
            return silence.spans(source, self.config.skip_silence, context_s)

    def rounds(self, info: SourceInfo) -> tuple[Round, ...]:
        """Of a task that is `in_place`: each round works on what the one before has left."""
        return ()

    def context_frames(self, sample_rate: int) -> int:
        """How far a sample of a stem can depend on samples of the fused estimate, to either side."""
        return 0

    def weights(self) -> tuple[WeightFile, ...]:
        """The files that the stages read, the members apart."""
        with self.blamed():
            return self.denoiser.weights() if self.denoiser else ()

    @property
    def prompts(self) -> tuple[str, ...]:
        """What members will be asked for: each is heard once they are loaded, before any sound is read."""
        return ()

    @property
    def uses_device(self) -> bool:
        """Whether any stage runs on torch."""
        return bool(self.denoiser and self.denoiser.uses_device)

    @property
    def needs_statistics(self) -> bool:
        """Whether `Part.statistics` are used; they cost a streamed pass over the source."""
        return bool(self.denoiser and self.denoiser.needs_statistics)

    def load(self, device: str) -> None:
        """Bring the models of the stages to `device`."""
        if self.denoiser:
            with self.blamed():
                self.denoiser.load(device)

    def blamed(self) -> AbstractContextManager[None]:
        """What the denoiser's own code raises names its file."""
        return plugins.blamed("denoisers", self.config.denoise.denoiser if self.config.denoise else "", "run")

    def begin(self, info: SourceInfo) -> None:  # noqa: B027  most tasks remember nothing of a source
        """Called before each source."""

    def notes(self, info: SourceInfo) -> tuple[str, ...]:
        """What somebody should know of what was asked for, of this source, a plain sentence each."""
        return ()

    def found(self) -> tuple[str, ...]:
        """What somebody should know of what was heard, once the source is rendered, a plain sentence each."""
        return ()

    def documents(self) -> tuple[Document, ...]:
        """The texts that come out of a source."""
        return ()

    def document(self, name: str, source: Path) -> str:
        """One of them, once the source is rendered."""
        raise NotImplementedError(f"{type(self).__module__} writes no {name}")

    def twin(self, config: Config) -> BaseTask:
        """Another over the same loaded models. config: differs at most in what loads nothing else."""
        other = copy.copy(self)
        other.config = config
        return other


def make_task(config: Config) -> BaseTask:
    """The task that a configuration names."""
    task: BaseTask = plugins.make("render", config.task, config)
    return task


def all_suffixes(config: Config) -> tuple[str, ...]:
    """What the stems of every task add to a name: what this configuration does not write, another may have written."""
    found: list[Stem] = []
    for name in plugins.names("render"):
        with suppress(SepkitError):  # a task that needs a section of its own
            found += make_task(config.model_copy(update={"task": name})).stems()
    return tuple(dict.fromkeys(stem.suffix for stem in found if stem.suffix and not stem.inner))


def judged(stems: Sequence[Stem], outputs: Mapping[str, Path] | None = None) -> list[Stem]:
    """Those that metrics and gate look at, the main one first.

    outputs: of a source that was rendered, for which optional stems count where there is a file of them.
    """
    there = {name for name, path in (outputs or {}).items() if path.is_file()}
    return [stem for stem in stems if stem.judged and (outputs is None or not stem.optional or stem.name in there)]


def main_stem(config: Config) -> Stem:
    """The stem that stands first where something is measured or shown."""
    return judged(make_task(config).stems())[0]


def sounding(stems: Sequence[Stem], outputs: Mapping[str, Path]) -> list[tuple[Stem, Path]]:
    """Each stem that has a file among `outputs`, with it."""
    return [(stem, outputs[stem.name]) for stem in stems if stem.name in outputs]
