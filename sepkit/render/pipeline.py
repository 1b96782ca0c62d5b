"""The order of the stages: members → fuse → denoise → post-mask → equalise → join → spool → level → encode."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sepkit.audio import resample
from sepkit.audio.read import Source, SourceInfo, Spool, audio_source, open_source, probe
from sepkit.audio.samples import Audio, Samples
from sepkit.audio.stft import Stft
from sepkit.audio.windows import Seam, Span, Window, blocks, cut
from sepkit.audio.write import AudioWriter, output_format
from sepkit.clock import Clock
from sepkit.config import Config, plugins
from sepkit.denoisers.base import BaseDenoiser
from sepkit.files import naming
from sepkit.models import voice_activity, weights
from sepkit.models.device import resolve
from sepkit.models.weights import WeightFile
from sepkit.render import silence
from sepkit.render.ensemble import Ensemble, Statistics, estimate_window
from sepkit.render.mask_picture import MaskPicture
from sepkit.stages import denoise, equalise, fuse, loudness, post_mask
from sepkit.stages.level import Leveller
from sepkit.stages.true_peak import TruePeakMeter

Progress = Callable[[float], None]
"""Called with the part done, 0 … 1."""


class Outputs(NamedTuple):
    """Where a source's results go. `fused`: the members' fused estimate before the later stages, for evaluation."""

    speech: Path
    background: Path | None = None
    fused: Path | None = None


@dataclass(frozen=True)
class RenderReport:
    """What one rendering did. CPU-seconds by stage; a model's own time stands under "member …" and "denoiser"."""

    duration_s: float
    seconds_by_stage: dict[str, float]
    lufs_rendered: float
    gain_db: float


class Rendered(NamedTuple):
    """A result held in memory."""

    speech: Audio
    background: Audio
    report: RenderReport


class _Body(NamedTuple):
    """One finished body: the speech, what the members agreed on before the later stages, and the mix itself."""

    speech: Samples
    fused: Samples
    mix: Samples


class Pipeline:
    """A configuration made ready to run. Models are loaded once, by the first `load`, `render` or `run`."""

    def __init__(self, config: Config, threads: int | None = None) -> None:
        self.config = config
        self.ensemble = Ensemble(config)
        self.denoiser: BaseDenoiser | None = None
        if config.denoise:
            self.denoiser = plugins.load("denoisers", config.denoise.denoiser).Denoiser(config.denoise.options)
        self._stft = Stft(config.stft.fft_frames, config.stft.hop_frames)
        self._threads = threads
        self._loaded = False
        self._clock = Clock()
        self._masks: MaskPicture | None = None

    def weights(self) -> tuple[WeightFile, ...]:
        """Every file of weights that this configuration reads."""
        detector = (voice_activity.weight_file(),) if self.config.skip_silence else ()
        return self.ensemble.weights() + (self.denoiser.weights() if self.denoiser else ()) + detector

    @property
    def uses_device(self) -> bool:
        """Whether any model runs on torch."""
        return self.ensemble.uses_device or bool(self.denoiser and self.denoiser.uses_device)

    @property
    def device(self) -> str:
        """Where the models run: the configuration's, and the processor where none of them asks for more."""
        return resolve(self.config.device) if self.uses_device or self.config.device != "auto" else "cpu"

    def load(self) -> None:
        """Check that all weights are here and whole, then load the models. Raises before any audio is read."""
        if self._loaded:
            return
        weights.require(self.weights())
        device = self.device
        if self._threads and self.uses_device:
            import torch

            torch.set_num_threads(self._threads)
        self.ensemble.load(device)
        if self.denoiser:
            self.denoiser.load(device)
        self._loaded = True

    def twin(self) -> Pipeline:
        """Another over the same loaded models, to render another source in another thread at the same time."""
        self.load()
        other = copy.copy(self)
        other.ensemble, other._clock = self.ensemble.twin(), Clock()
        return other

    def outputs(self, source: Path, folder: Path) -> Outputs:
        """The names under `folder` that the results of `source` get; the source is probed for its format."""
        output = self.config.output
        suffix, _, _ = output_format(probe(source), output.format, output.bit_depth)
        speech = folder / naming.fitted_name(source.stem, output.speech_suffix + suffix)
        background = folder / naming.fitted_name(source.stem, output.background_suffix + suffix)
        return Outputs(speech, background if output.background else None)

    def spans(self, source: Source) -> list[Span]:
        """The parts of the source that are rendered and those that are skipped."""
        if self.config.skip_silence is None:
            return [Span(0, source.info.frames)]
        with self._clock("silence"):
            return silence.spans(source, self.config.skip_silence, self.ensemble.context_s)

    def windows(self, info: SourceInfo, spans: Sequence[Span]) -> Iterator[tuple[Window, bool]]:
        """Windows wide enough for every stage after the members, on the grid of the STFT; whether each is rendered."""
        rate, config = info.sample_rate, self.config.windows
        corners = self.config.equalise
        context_s = equalise.context_s(corners.high_pass_hz, corners.shelf_hz) if corners else 0.0
        context_frames = self._stft.fft_frames * (2 if self.config.post_mask else 1)
        if self.denoiser:
            context_s += self.denoiser.context_s + 2 * resample.CONTEXT_S
            context_frames += self._denoiser_grid(rate)
        context_frames += math.ceil(context_s * rate)
        body_frames, fade_frames = round(config.body_s * rate), round(config.crossfade_s * rate)
        widest = self.ensemble.grid_frames(rate)
        for span in spans:
            context, grid = (context_frames, self._stft.hop_frames) if span.active else (0, 1)
            for window in cut(info.frames, body_frames, context, grid, fade_frames, span, widest):
                yield window, span.active

    def render(
        self, source: Path, outputs: Outputs, progress: Progress | None = None, masks: MaskPicture | None = None
    ) -> RenderReport:
        """Render a file to files, in bounded memory; the outputs appear whole or not at all. masks: to be filled."""
        self.load()
        self._masks = masks
        with ExitStack() as stack:
            opened = stack.enter_context(open_source(source))
            info = opened.info
            spool = stack.enter_context(Spool(info.sample_rate, info.channels, outputs.speech.parent))
            sinks = {
                name: stack.enter_context(self._writer(path, info)) for name, path in outputs._asdict().items() if path
            }
            meter = loudness.LoudnessMeter(info.sample_rate, info.channels)
            for body, done in self._spooled_bodies(opened, spool, meter):
                with self._clock("encode"):
                    if outputs.background:
                        sinks["background"].write(body.mix - body.speech)
                    if outputs.fused:
                        sinks["fused"].write(body.fused)
                del body
                if progress:
                    progress(0.95 * done)
            leveller = self._leveller(spool, meter.integrated_lufs())
            for block in self._levelled(spool, leveller):
                with self._clock("encode"):
                    sinks["speech"].write(block)
            if progress:
                progress(1.0)
        return self._report(info, meter, leveller)

    def run(self, source: Path | str | Audio) -> Rendered:
        """Render a file or a piece of sound to memory: speech at its final level, background at the source's own."""
        self.load()
        self._masks = None
        with ExitStack() as stack:
            opened: Source = (
                audio_source(source) if isinstance(source, Audio) else stack.enter_context(open_source(Path(source)))
            )
            info = opened.info
            spool = stack.enter_context(Spool(info.sample_rate, info.channels))
            meter = loudness.LoudnessMeter(info.sample_rate, info.channels)
            background = [body.mix - body.speech for body, _ in self._spooled_bodies(opened, spool, meter)]
            leveller = self._leveller(spool, meter.integrated_lufs())
            speech = np.concatenate(list(self._levelled(spool, leveller)), axis=1)
        rest = np.concatenate(background, axis=1)
        return Rendered(
            Audio(speech, info.sample_rate), Audio(rest, info.sample_rate), self._report(info, meter, leveller)
        )

    def _spooled_bodies(
        self, source: Source, spool: Spool, meter: loudness.LoudnessMeter
    ) -> Iterator[tuple[_Body, float]]:
        """The first pass: every body on its way into the spool, heard by the meter."""
        for body, done in self._bodies(source):
            with self._clock("encode"):
                spool.write(body.speech)
            with self._clock("loudness"):
                meter.add(body.speech)
            yield body, done
            del body  # not held while the next one is made

    def _bodies(self, source: Source) -> Iterator[tuple[_Body, float]]:
        """Render a source body by body; yields each with the part of the source done."""
        info = source.info
        self._clock = Clock()
        self.ensemble.begin(info.sample_rate)
        if self._masks:
            members = [member.name for member in self.ensemble.members]
            self._masks.begin(members, info.frames, info.sample_rate, self._stft)
        statistics = self._statistics(source)
        seams = Seam(), Seam()
        for window, active in self.windows(info, self.spans(source)):
            yield self._body(source, window, active, statistics, seams), window.body_stop / info.frames

    def _body(
        self, source: Source, window: Window, active: bool, statistics: list[Statistics], seams: tuple[Seam, Seam]
    ) -> _Body:
        """Render one window, or skip it, and join it to what came before. seams: the speech's and the fused one's."""
        info, start, stop = source.info, window.start, window.stop
        if active:
            start, stop = self.ensemble.span(window, info.frames, info.sample_rate)
        with self._clock("read"):
            read = source.read(start, stop - start)
        if active:
            parts = [
                self._render_window(read[first : first + 2], start, window, info, each, first)
                for first, each in zip(range(0, info.channels, 2), statistics, strict=True)
            ]
        else:
            parts = [self._skipped(read)]
        with self._clock("join"):
            speech, fused = (np.concatenate(channels) for channels in zip(*parts, strict=True))
            mix = read[:, window.body_start - start : window.body_stop - start].copy()
            return _Body(seams[0].join(speech, window), seams[1].join(fused, window), mix)

    def _render_window(
        self, read: Samples, start: int, window: Window, info: SourceInfo, statistics: Statistics, part: int
    ) -> tuple[Samples, Samples]:
        """All stages on one window of one channel or pair. Returns (speech, fused), each (channels, stop − start).

        part: which of the source's channels it begins with.
        """
        config, rate = self.config, info.sample_rate
        mix = read[:, window.start - start : window.stop - start]
        estimates = [
            estimate_window(member, read, start, window, info.frames, rate, statistics, self._clock, part)
            for member in self.ensemble.members
        ]
        watch = self._masks.watch(window) if self._masks else None
        with self._clock("fuse"):
            speech = fused = fuse.fuse(mix, estimates, config.fuse.rule, self._stft, watch)
        if config.denoise and self.denoiser:
            with self._clock("denoise"):
                first = -window.start % self._denoiser_grid(rate)
                wet, dry = config.denoise.wet, config.denoise.dry
                calm = denoise.denoise(speech[:, first:], rate, self.denoiser, wet, dry, statistics.std, self._clock)
                speech = np.concatenate([speech[:, :first], calm], axis=1)
        if config.post_mask:
            with self._clock("post-mask"):
                speech = post_mask.post_mask(speech, mix, config.post_mask.beta, self._stft)
        if config.equalise:
            with self._clock("equalise"):
                speech = equalise.equalise(speech, rate, **config.equalise.model_dump())
        return speech, fused

    def _skipped(self, read: Samples) -> tuple[Samples, Samples]:
        """What a silent window comes out as, the speech and the fused estimate alike: the source at the floor."""
        floor_db = self.config.skip_silence.floor_db if self.config.skip_silence else None
        floor = np.zeros_like(read) if floor_db is None else read * np.float32(10 ** (floor_db / 20))
        return floor, floor

    def _denoiser_grid(self, sample_rate: int) -> int:
        """Source frames between the places where a stretch for the denoiser may begin."""
        assert self.denoiser is not None
        return resample.aligned_frames(self.denoiser.grid_frames, self.denoiser.sample_rate, sample_rate)

    def _statistics(self, source: Source) -> list[Statistics]:
        """Mean and standard deviation of the mono mix of each channel or pair, in one streamed pass where needed."""
        pairs = range(0, source.info.channels, 2)
        needed = self.ensemble.needs_statistics or (self.denoiser is not None and self.denoiser.needs_statistics)
        if not needed:
            return [Statistics() for _ in pairs]
        sums = np.zeros((len(pairs), 2))
        with self._clock("statistics"):
            for start, frames in blocks(source.info.frames, source.info.sample_rate):
                block = source.read(start, frames)
                for row, first in enumerate(pairs):
                    mono = block[first : first + 2].mean(axis=0, dtype=np.float64)
                    sums[row] += mono.sum(), (mono**2).sum()
        count = source.info.frames
        means = sums[:, 0] / count
        deviations = np.sqrt(np.maximum(sums[:, 1] - count * means**2, 0) / max(count - 1, 1))
        return [Statistics(float(mean), float(std)) for mean, std in zip(means, deviations, strict=True)]

    def _leveller(self, spool: Spool, lufs: float) -> Leveller:
        """The one gain that brings the whole file to the target, and its ceiling."""
        config = self.config.loudness
        gain = loudness.make_gain(lufs, config.target_lufs, config.max_gain_db)
        peak_dbtp = None
        if config.ceiling_by == "gain":
            meter = TruePeakMeter(spool.sample_rate, spool.channels)
            for start, frames in blocks(spool.frames, spool.sample_rate):
                meter.add(spool.read(start, frames))
            peak_dbtp = meter.peak_dbtp()
        return Leveller(config, spool.sample_rate, spool.channels, gain, peak_dbtp)

    def _levelled(self, spool: Spool, leveller: Leveller) -> Iterator[Samples]:
        """The spooled speech at its final level, block by block."""
        for start, frames in blocks(spool.frames, spool.sample_rate):
            with self._clock("level"):
                block = leveller.process(spool.read(start, frames), last=start + frames == spool.frames)
            yield block

    def _writer(self, path: Path, info: SourceInfo) -> AudioWriter:
        output = self.config.output
        _, container, subtype = output_format(info, output.format, output.bit_depth)
        return AudioWriter(path, info.sample_rate, info.channels, container, subtype, info.tags, frames=info.frames)

    def _report(self, info: SourceInfo, meter: loudness.LoudnessMeter, leveller: Leveller) -> RenderReport:
        gain_db = 20 * math.log10(leveller.gain)
        return RenderReport(info.duration_s, dict(self._clock.seconds), meter.integrated_lufs(), gain_db)
