"""The only place that knows that a file may be long: cuts it in bodies with context and joins what was made of them.

A body of about a minute is rendered together with enough context on both sides that no sample of the body depends on
where the cut was made; the context is then thrown away and neighbouring bodies are joined by a short crossfade.
A source no longer than one body is processed whole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sepkit.audio.samples import Samples

if TYPE_CHECKING:
    from sepkit.audio.read import Source

BLOCK_S = 10.0
"""Streamed passes (statistics, level, encode) move this much at a time."""

WIDEST_HZ = 8 * 48_000
"""Samples a second, all channels together, up to which a stretch is as long as it was asked for: those of 7.1 at
48 kHz, or of stereo at 192 kHz. Memory follows their number, so that what is wider is cut shorter."""


class Span(NamedTuple):
    """A part of the source, in frames: one that is rendered, or one that is skipped."""

    start: int
    stop: int
    active: bool = True


class Window(NamedTuple):
    """Where one body lies in the source, in frames: start ≤ body_start < body_stop ≤ tail_stop ≤ stop.

    start … stop: what is rendered. body_start … body_stop: what is kept. body_stop … tail_stop: what is crossfaded
    into the next body.
    """

    start: int
    body_start: int
    body_stop: int
    tail_stop: int
    stop: int


def stretch_frames(seconds: float, sample_rate: int, channels: int) -> int:
    """How many frames are held at a time where `seconds` are asked for."""
    return max(1, round(seconds * min(sample_rate, WIDEST_HZ / channels)))


def channels_at_once(sample_rate: int, channels: int) -> Iterator[range]:
    """The channels whose context is held at a time: all of what is no wider than `WIDEST_HZ`, at least a pair.

    A context cannot be cut shorter where there is more of it: a model hears so many seconds, and windowed would not
    equal whole. `config/pilot.yaml` reads up to 18 s around a body, which of 8 channels at 655,350 Hz is 380 MB, four
    times the body. So pair after pair is read instead, and memory no longer follows the number of channels.
    """
    most = max(2, WIDEST_HZ // sample_rate // 2 * 2)
    for first in range(0, channels, most):
        yield range(first, min(first + most, channels))


def read_mean(source: Source, start: int, stop: int) -> Samples:
    """The mean of all channels of a stretch, (1, frames); hardly more than a pair of them is held at a time."""
    total = np.zeros((1, stop - start), np.float32)
    for channels in channels_at_once(source.info.sample_rate, source.info.channels):
        total += source.read(start, stop - start, channels).sum(axis=0, keepdims=True, dtype=np.float32)
    return total / np.float32(source.info.channels)


def cut(
    frames: int,
    body_frames: int,
    context_frames: int,
    grid_frames: int,
    fade_frames: int,
    span: Span | None = None,
    widest_grid_frames: int = 1,
) -> Iterator[Window]:
    """Windows whose bodies cover `span` (or all) without gap; each starts at a multiple of `grid_frames`.

    widest_grid_frames: on which a model with its own context reads around them; bodies hold it a whole number of times
    where they can, so that what is read, and with it memory, is as much in the third window as in the thousandth.
    """
    first, last, _ = span or Span(0, frames)
    if last - first > body_frames:
        body_frames = body_frames // widest_grid_frames * widest_grid_frames or body_frames
        body_frames = max(body_frames // grid_frames, 1) * grid_frames
    for body_start in range(first, last, body_frames):
        body_stop = min(body_start + body_frames, last)
        tail_stop = min(body_stop + fade_frames, frames)
        start = max(body_start - context_frames, 0) // grid_frames * grid_frames
        yield Window(start, body_start, body_stop, tail_stop, min(tail_stop + context_frames, frames))


def read_around(window: Window, frames: int, context_frames: int, grid_frames: int) -> tuple[int, int]:
    """The frames (start, stop) that a model with its own context and grid needs to render `window`."""
    start = max(window.start - context_frames, 0) // grid_frames * grid_frames
    return start, min(window.stop + context_frames, frames)


class Seam:
    """Joins bodies: the tail kept from one is faded out while the next is faded in (linear: both hold the same)."""

    def __init__(self) -> None:
        self._tail: Samples | None = None

    def join(self, rendered: Samples, window: Window) -> Samples:
        """From what was rendered for `window` (channels, stop − start), the finished body (channels, frames)."""
        body = rendered[:, window.body_start - window.start : window.body_stop - window.start]
        if self._tail is not None:
            fade_frames = min(self._tail.shape[1], body.shape[1])
            rise = (np.arange(1, fade_frames + 1, dtype=np.float32) - 0.5) / max(fade_frames, 1)
            body = body.copy()
            body[:, :fade_frames] = (1 - rise) * self._tail[:, :fade_frames] + rise * body[:, :fade_frames]
        self._tail = rendered[:, window.body_stop - window.start : window.tail_stop - window.start].copy()
        return body


def runs(spans: Iterable[Span], gap_frames: int) -> list[Span]:
    """Spans, in order and apart, as one where no more than `gap_frames` lie between them.

    What lies between is heard anyway where the contexts of both meet: many short ones never cost more than the whole.

    >>> [tuple(each)[:2] for each in runs([Span(0, 2), Span(5, 6), Span(10, 11)], gap_frames=3)]
    [(0, 6), (10, 11)]
    """
    found: list[Span] = []
    for span in spans:
        if found and span.start - found[-1].stop <= gap_frames:
            found[-1] = Span(found[-1].start, span.stop)
        else:
            found.append(span)
    return found


def inside(spans: Sequence[Span], start: int, stop: int) -> Iterator[slice]:
    """What of `start` … `stop` lies in the spans, counted from `start`.

    >>> list(inside([Span(0, 2), Span(5, 8)], start=1, stop=6))
    [slice(0, 1, None), slice(4, 5, None)]
    """
    for span in spans[max(bisect_right(spans, (start, start)) - 1, 0) :]:
        if span.start >= stop:
            return
        if span.stop > start:
            yield slice(max(span.start - start, 0), min(span.stop, stop) - start)


def blocks(frames: int, sample_rate: int, channels: int = 1) -> Iterator[tuple[int, int]]:
    """(start, frames) of the blocks of a streamed pass, in which every frame is looked at once."""
    step = stretch_frames(BLOCK_S, sample_rate, channels)
    for start in range(0, frames, step):
        yield start, min(step, frames - start)
