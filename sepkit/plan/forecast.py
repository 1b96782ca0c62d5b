"""What a run will do, and what it will take: `sepkit plan` and `sepkit batch --dry-run`.

    passes of each member ─┐
    rates of this machine ─┴─ time, peak memory

Place: over the pipeline, which it never runs on the source; the rates come from `calibration`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from sepkit.audio.read import SourceInfo, open_source
from sepkit.audio.windows import Span
from sepkit.config.edits import Edit
from sepkit.plan import calibration
from sepkit.render.ensemble import window_passes
from sepkit.render.excerpt import most_frames
from sepkit.render.pipeline import Pipeline
from sepkit.separators.base import Passes

HELD = 7
"""Arrays (2, frames) of 4 bytes that a member and its resampling hold of a stretch at its rate, by the code."""


class MemberWork(NamedTuple):
    """What a member does for one source: how often a network runs, over how many seconds in all and at once."""

    passes: int
    seen_s: float
    longest_s: float


class Work(NamedTuple):
    """What rendering a source takes. rendered_s: the windows with their context; longest_s: one with its members'.

    learned_s: what members hear of it before the first window, to learn from.
    """

    windows: int
    rendered_s: float
    longest_s: float
    members: tuple[MemberWork, ...]
    learned_s: float = 0.0


@dataclass(frozen=True)
class Forecast:
    """Of several sources together. seconds: on the clock, loading included; peak_bytes: None where not known."""

    works: tuple[Work, ...]
    seconds: float
    peak_bytes: float | None
    basis: str


def work(pipeline: Pipeline, info: SourceInfo, spans: Sequence[Span] | None = None) -> Work:
    """What rendering a source would take, models loaded. spans: those of `skip_silence`; None: all is rendered."""
    rate, members = info.sample_rate, pipeline.ensemble.members
    pipeline.ensemble.begin(rate)
    spans = [Span(0, info.frames)] if spans is None else spans
    windows = [window for window, active in pipeline.windows(info, spans) if active]
    pairs = [pair for _, together in pipeline.ensemble.groups(info) for pair in together]
    found = []
    for member in members:
        passes: Passes = {}
        for window in windows:
            for pair in pairs:
                passes |= window_passes(member, window, info.frames, pair, rate)
        found.append(_member_work(passes, member.separator.sample_rate or rate))
    rendered = sum(window.stop - window.start for window in windows)
    around = (pipeline.ensemble.span(window, info.frames, rate) for window in windows)
    longest_span = max((stop - start for start, stop in around), default=0)
    learned = most_frames(info, pipeline.ensemble.learns_s) if windows and pipeline.ensemble.learns_s else 0
    return Work(len(windows), rendered / rate, longest_span / rate, tuple(found), learned / rate)


def _member_work(passes: Passes, native_hz: int) -> MemberWork:
    return MemberWork(len(passes), sum(passes.values()) / native_hz, max(passes.values(), default=0) / native_hz)


def forecast(
    pipeline: Pipeline,
    sources: Iterable[SourceInfo],
    again: bool = False,
    edits: Mapping[Path, tuple[Edit, ...]] = MappingProxyType({}),
) -> Forecast:
    """Add up what each source takes. again: measure this machine anew, once for each rate and count of channels.

    edits: by the source's path, where each has its own.
    """
    pipeline.load()
    rates_of: dict[tuple[int, int], calibration.Rates] = {}
    works, seconds, peaks, bases, load_s = [], 0.0, [], set(), 0.0
    for info in sources:
        kind = info.sample_rate, info.channels
        here = pipeline.editing(edits[info.path]) if info.path in edits else pipeline
        if kind not in rates_of:
            rates_of[kind], new = calibration.rates(here.config, *kind, again)
            bases.add("measured just now" if new else f"as measured on {rates_of[kind].measured}")
        rates, load_s = rates_of[kind], rates_of[kind].load_s
        seconds += rates.stage_s * info.duration_s if here.task.in_place else 0.0
        for spans in _goings(here, info):
            each = work(here, info, spans)
            seconds += _seconds(each, rates, here.task.in_place)
            peaks.append(_peak_bytes(here, each, rates, info))
            works.append(each)
    known = [peak for peak in peaks if peak is not None]
    peak = max(known) if known and len(known) == len(peaks) else None
    return Forecast(tuple(works), load_s + seconds, peak, ", ".join(sorted(bases)))


def _goings(pipeline: Pipeline, info: SourceInfo) -> list[Sequence[Span] | None]:
    """The spans of each time that a source is gone over; None: all of it is rendered.

    Those of `skip_silence` are found by hearing the source.
    """
    if pipeline.task.in_place:
        return [pipeline.ensemble.runs(each.spans, info.sample_rate) for each in pipeline.task.rounds(info)]
    if pipeline.config.skip_silence is None:
        return [None]
    with open_source(info.path, pipeline.config.source) as opened:
        return [pipeline.spans(opened)]


def _seconds(each: Work, rates: calibration.Rates, in_place: bool) -> float:
    """stages · rendered + Σ member · seen + learning · learned. in_place: stages are counted over all of the source."""
    members = sum(rate.seconds * done.seen_s for rate, done in zip(rates.members, each.members, strict=True))
    members += sum(rate.learning.seconds * each.learned_s for rate in rates.members if rate.learning)
    return members if in_place else (rates.stage_s + rates.denoiser_s) * each.rendered_s + members


def _peak_bytes(pipeline: Pipeline, each: Work, rates: calibration.Rates, info: SourceInfo) -> float | None:
    """What loading takes; or what is loaded with the longest window's arrays or what the hungriest model holds."""
    if rates.loaded_bytes is None or rates.stage_bytes is None or rates.denoiser_bytes is None:
        return None
    busy = [rates.denoiser_bytes]
    for member, rate, done in zip(pipeline.ensemble.members, rates.members, each.members, strict=True):
        if rate.busy_bytes is None:
            return None
        native_hz = member.separator.sample_rate or info.sample_rate
        whole = done.longest_s >= each.longest_s  # it sees the stretch at once: its arrays were measured with it
        stretch = 0 if whole else HELD * 2 * 4 * native_hz * each.longest_s
        busy.append(rate.busy_bytes * done.longest_s + stretch)
        busy.append(((rate.learning and rate.learning.busy_bytes) or 0) * each.learned_s)
    running = rates.loaded_bytes + max(rates.stage_bytes * each.longest_s, *busy)
    return max(running, rates.loading_bytes or 0)
