"""The frame that all tasks share: from a source to its stems, in bounded memory.

    source ─ windows ─ members ─ the task's stages ─ join ─┬ stem that is final ──────────────────────── encode
                                                           ├ stem to be finished ─ spool ─ finish ────── encode
                                                           └ the rest: mix − stems ───────────────────── encode

What a task is stands in `sepkit.render.base`; the tasks are files beside this one.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from sepkit.audio.read import Source, SourceInfo, Spool, beginning, open_source
from sepkit.audio.samples import Audio, Samples
from sepkit.audio.stft import Stft
from sepkit.audio.windows import Span, Window, cut, inside, stretch_frames
from sepkit.audio.write import output_format
from sepkit.clock import Clock
from sepkit.config import Config
from sepkit.config.edits import Edit
from sepkit.files import naming
from sepkit.models import voice_activity, weights
from sepkit.models.device import resolve
from sepkit.models.weights import WeightFile
from sepkit.render.base import Part, Round, Settled, all_suffixes, make_task
from sepkit.render.ensemble import Ensemble
from sepkit.render.in_place import Block, InPlace
from sepkit.render.join import Join
from sepkit.render.mask_picture import MaskPicture
from sepkit.render.result import Outputs, Rendered, RenderReport, paths_by_stem
from sepkit.render.statistics import Statistics, measured
from sepkit.render.writing import writing

Progress = Callable[[float], None]
"""Called with the part done, 0 … 1."""
FINISHING = 0.05
"""Part of the whole that the progress leaves for finishing the spooled stems."""


class Pipeline:
    """A configuration made ready to run. Models are loaded once, by the first `load`, `render` or `run`."""

    def __init__(self, config: Config, threads: int | None = None) -> None:
        self.config = config
        self.ensemble = Ensemble(config)
        self.task = make_task(config)
        self.task.require(self.ensemble.members)
        self._stft = Stft(config.stft.fft_frames, config.stft.hop_frames)
        self._threads = threads
        self._loaded = False
        self._clock = Clock()
        self._masks: MaskPicture | None = None

    def weights(self) -> tuple[WeightFile, ...]:
        """Every file of weights that this configuration reads."""
        detector = (voice_activity.weight_file(),) if self.config.skip_silence else ()
        return self.ensemble.weights() + self.task.weights() + detector

    @cached_property
    def suffixes(self) -> tuple[str, ...]:
        """What the stems of every task add to a name."""
        return all_suffixes(self.config)

    @property
    def uses_device(self) -> bool:
        """Whether any model runs on torch."""
        return self.ensemble.uses_device or self.task.uses_device

    @property
    def device(self) -> str:
        """Where the models run: the configuration's, and the processor where none of them asks for more."""
        return resolve(self.config.device) if self.uses_device or self.config.device != "auto" else "cpu"

    def load(self) -> None:
        """Check that all weights are here and whole, then load the models. Raises before any audio is read."""
        if self._loaded:
            return
        weights.require(self.weights(), self.config.task)
        device = self.device
        if self._threads and self.uses_device:
            import torch

            torch.set_num_threads(self._threads)
        self.ensemble.load(device)
        self.task.load(device)
        self.ensemble.ask(*self.task.prompts)
        self._loaded = True

    def twin(self, config: Config | None = None) -> Pipeline:
        """Another over the same loaded models, to render another source in another thread at the same time.

        config: one that differs in nothing that would load other models.
        """
        self.load()
        other = copy.copy(self)
        other.config = config or self.config
        other.ensemble, other.task, other._clock = self.ensemble.twin(), self.task.twin(other.config), Clock()
        return other

    def editing(self, edits: tuple[Edit, ...]) -> Pipeline:
        """The twin for a source that has edits of its own."""
        return self.twin(self.config.model_copy(update={"edits": edits}))

    def outputs(self, source: Path | str, folder: Path | str, name: str | None = None) -> Outputs:
        """The names under `folder` that the stems of `source` get, whose beginning is read. name: how theirs begin."""
        return self.named(beginning(Path(source), self.config.source), folder, name or Path(source).stem)

    def named(self, info: SourceInfo, folder: Path | str, name: str) -> Outputs:
        """The same of a source that `info` describes, but for its length."""
        suffix, _, _ = output_format(info, self.config.output.format, self.config.output.bit_depth)
        endings = {stem.name: stem.suffix + suffix for stem in self.task.stems(info) if stem.written}
        endings |= dict(self.task.documents())
        return {key: Path(folder) / naming.fitted_name(name, ending) for key, ending in endings.items()}

    def with_evidence(self, outputs: Outputs, folder: Path | None = None) -> Outputs:
        """With the stems too that others are measured against, in `folder`, or where the first output is."""
        first = next(iter(outputs.values()))
        names = {stem.against for stem in self.task.stems()} - {"", *outputs}
        return outputs | {name: (folder or first.parent) / f".{name}{first.suffix}" for name in sorted(names)}

    def spans(self, source: Source) -> list[Span]:
        """The parts of the source that are rendered and those that are skipped."""
        return self.task.spans(source, self.ensemble.context_s, self._clock)

    def windows(self, info: SourceInfo, spans: Sequence[Span]) -> Iterator[tuple[Window, bool]]:
        """Windows wide enough for every stage after the members, on the grid of the STFT; whether each is rendered."""
        rate, config = info.sample_rate, self.config.windows
        reach_frames = self.task.context_frames(rate)
        body_frames, fade_frames = stretch_frames(config.body_s, rate, info.channels), round(config.crossfade_s * rate)
        widest = self.ensemble.grid_frames(rate)
        for span in spans:
            context, grid = (reach_frames, self._stft.hop_frames) if span.active else (0, 1)
            for window in cut(info.frames, body_frames, context, grid, fade_frames, span, widest):
                yield window, span.active

    def render(
        self,
        source: Path | str,
        outputs: Mapping[str, Path | str],
        progress: Progress | None = None,
        masks: MaskPicture | None = None,
    ) -> RenderReport:
        """Render a file to files, in bounded memory; the outputs appear whole or not at all.

        outputs: where each stem goes, by its name; `outputs` gives all of them. masks: to be filled.
        """
        self.load()
        self._masks = masks
        with open_source(source, self.config.source) as opened:
            stems = self.task.stems(opened.info)
            paths = paths_by_stem(outputs, [*(stem.name for stem in stems), *dict(self.task.documents())], source)
            text = partial(self.task.document, source=Path(source))
            with writing(paths, stems, opened.info, self.config.output, text) as files:
                report = self._stream(opened, files.sinks, min(paths.values()).parent, progress)
                return report.with_notes(files.notes())

    def run(self, source: Path | str | Audio) -> Rendered:
        """Render a file or a piece of sound to memory, whether a stem's file would be written or not."""
        self.load()
        self._masks = None
        with open_source(source, self.config.source) as opened:
            rate, stems = opened.info.sample_rate, self.task.stems(opened.info)
            found: dict[str, list[Samples]] = {stem.name: [] for stem in stems if not stem.inner}
            report = self._stream(opened, {name: parts.append for name, parts in found.items()})
        return Rendered({name: Audio(np.concatenate(parts, axis=1), rate) for name, parts in found.items()}, report)

    def _stream(
        self,
        source: Source,
        sinks: Mapping[str, Callable[[Block], None]],
        folder: Path | None = None,
        progress: Progress | None = None,
    ) -> RenderReport:
        """Render a source; each stem goes to its sink, block by block. folder: for what is spooled."""
        info = source.info
        self._clock = clock = Clock()
        finishes = {name: finish for name in sinks if (finish := self.task.finish(name, source))}
        told: list[str] = []
        with ExitStack() as stack:
            spools = {name: stack.enter_context(Spool(info.sample_rate, info.channels, folder)) for name in finishes}
            first_pass = {**sinks, **{name: spool.write for name, spool in spools.items()}}
            for body, done in self._bodies(source, list(sinks), folder, told):
                for name, write in first_pass.items() if body else ():
                    with clock("encode"):
                        write(body[name])
                for name, finish in finishes.items() if body else ():
                    finish.hear(body[name], clock)
                del body  # not held while the next one is made
                if progress:
                    progress((1 - FINISHING) * done)
            for name, finish in finishes.items():
                for block in finish.blocks(spools[name], clock):
                    with clock("encode"):
                        sinks[name](block)
        if progress:
            progress(1.0)
        facts = {name: each.facts() for name, each in finishes.items()}
        notes = (*info.notes, *told, *self.task.found(), *(note for each in finishes.values() for note in each.notes()))
        return RenderReport(info.duration_s, dict(clock.seconds), facts, notes)

    def _bodies(
        self, source: Source, wanted: Sequence[str], folder: Path | None, told: list[str]
    ) -> Iterator[tuple[Mapping[str, Block], float]]:
        """Render a source body by body: the stems that are wanted, and the part done; a body may be none yet.

        folder: for what is spooled. told: to be filled with what somebody should know.
        """
        info = source.info
        self.ensemble.begin(info.sample_rate)
        self.task.begin(info)
        told += self.task.notes(info)
        if self.task.in_place:
            rounds = self.task.rounds(info)
            self.ensemble.ask(*dict.fromkeys(each.prompt for each in rounds))  # a bad one is told before all
            in_place = InPlace(source, rounds, self.task.stems(info), self.config.output, folder)
            yield from in_place.bodies(lambda left, turn: self._round(left, rounds[turn], turn))
            told += in_place.notes
            return
        if self._masks:
            names = [member.name for member in self.ensemble.members]
            self._masks.begin(names, info.frames, info.sample_rate, self._stft)
        join = Join([stem for stem in self.task.stems(info) if stem.name in wanted])
        statistics, spans = self._statistics(source), self.spans(source)
        if self.ensemble.learns_s and any(span.active for span in spans):
            with self._clock("learn"):
                self.ensemble.learn(source)
        for window, active in self.windows(info, spans):
            rendered = self._rendered(source, window, active, statistics)
            for each in self.task.settle(rendered, last=window.body_stop == info.frames):
                with self._clock("join"):
                    body = join.body(each.made, each.mix, each.window)
                yield body, window.body_stop / info.frames

    def _round(self, left: Source, each: Round, turn: int) -> Iterator[tuple[int, Samples]]:
        """One round on what the rounds before have `left` of the source: where each piece begins, and what is taken."""
        info = left.info
        self.ensemble.begin(info.sample_rate)
        self.ensemble.ask(each.prompt)
        statistics = self._statistics(left)
        (rest,) = (stem for stem in self.task.stems(info) if stem.rest_of)
        for run in self.ensemble.runs(each.spans, info.sample_rate):
            join = Join([rest])  # of its own: nothing is faded from one place to another
            for window, _ in self.windows(info, [run]):
                made, mix, _ = self._rendered(left, window, True, statistics, turn)
                with self._clock("join"):
                    body = join.body(made, mix, window)[rest.name]
                for part in inside(each.spans, window.body_start, window.body_stop):
                    yield window.body_start + part.start, body[:, part]

    def _statistics(self, source: Source) -> list[Statistics]:
        """Of each channel or pair, where anything asks for them."""
        if not (self.ensemble.needs_statistics or self.task.needs_statistics):
            return [Statistics()] * math.ceil(source.info.channels / 2)
        with self._clock("statistics"):
            return measured(source)

    def _rendered(
        self, source: Source, window: Window, active: bool, statistics: Sequence[Statistics], turn: int = 0
    ) -> Settled:
        """Render one window, or skip it: every channel of every stem that is no rest, and the mix of its body."""
        info, start, stop = source.info, window.start, window.stop
        if active:
            start, stop = self.ensemble.span(window, info.frames, info.sample_rate)
        mix = np.empty((info.channels, window.body_stop - window.body_start), np.float32)
        parts: list[dict[str, Samples]] = []
        for group, together in self.ensemble.groups(info):
            with self._clock("read"):
                read = source.read(start, stop - start, group)
            mix[group.start : group.stop] = read[:, window.body_start - start : window.body_stop - start]
            for channels in together if active else ():
                here = slice(channels.start - group.start, channels.stop - group.start)
                part = self._part(read[here], start, window, info, statistics[channels.start // 2], channels.start)
                parts.append(self.task.render_window(replace(part, turn=turn)))
                del part  # not held while the next pair's estimates are made
            if not active:
                parts.append(self.task.skipped(read))
            del read  # not held while the next one is read
        with self._clock("join"):
            made = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return Settled(made, mix, window)

    def _part(
        self, read: Samples, start: int, window: Window, info: SourceInfo, statistics: Statistics, first: int
    ) -> Part:
        """What the members make of one channel or pair, for the task. first: the channel that it begins with."""
        estimates = self.ensemble.estimate(read, start, window, info, statistics, self._clock, first)
        mix = read[:, window.start - start : window.stop - start]
        watch = self._masks.watch(window) if self._masks else None
        return Part(mix, estimates, window, info.sample_rate, statistics, self._clock, watch)
