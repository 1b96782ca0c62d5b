"""Segments of all experts and all shifts in one queue: what Demucs's `apply_model` does, without its recursion.

    for each expert, for each shift:   a run over the mix, begun up to half a second early
    for each run:                      segments of one length, `stride` apart, joined by triangles
    queue of segments ─ batches of one network ─ forward ─ into the one estimate

Place: below `demucs/`, `roformer/`, `_voices/` and others. Only the estimate is held, however many runs: each segment
is added with

    fade(t) · share = triangle(t − start) / Σ triangles(t) · weight / Σ weights / shifts

Source: A. Défossez, `demucs/apply.py`, https://github.com/adefossez/demucs, which this equals for the same offsets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sepkit.separators.base import Passes, Place

if TYPE_CHECKING:
    import torch

    from sepkit.separators._batches import Batches


@dataclass(frozen=True)
class Expert:
    """One network: its place in its bag, its weight for the wanted stem, which of its outputs that is.

    length: of a segment, in frames. seen: how many frames the network is given for a segment of so many (the last one
    of a run is shorter). network: (batch, 2, frames) → (batch, stems, 2, frames). spared: a last segment of at most so
    many frames, all of them in the one before it, is left out. stride: from one segment to the next, where the network
    fades them itself and they are summed; None: by the overlap, and by triangles.
    """

    index: int
    weight: float
    stem: int
    network: Callable[[torch.Tensor], torch.Tensor]
    length: int
    seen: Callable[[int], int]
    spared: int = 0
    stride: int | None = None


class Run(NamedTuple):
    """One expert over the whole mix. start: the frame of the mix it begins at, 0 or before; share: of the estimate."""

    expert: Expert
    start: int
    share: float


class Segment(NamedTuple):
    """What a network sees at once: frames start … start + length of the mix, and as much around as it needs.

    final: whether the next one is left out.
    """

    run: Run
    start: int
    length: int
    seen: int
    final: bool = False

    @property
    def before(self) -> int:
        """How many of the frames seen lie before `start`."""
        return (self.seen - self.length) // 2


def estimate(
    mix: torch.Tensor,
    runs: Sequence[Run],
    overlap: float,
    batches: Batches,
    place: Place | None = None,
    kept: Kept | None = None,
    rows: int | None = None,
) -> torch.Tensor:
    """The weighted mean of all runs: (2, frames) → the wanted stem (2, frames). overlap: of segments, a part of one.

    place: of a stretch of a source; segments that meet nothing that is used are left out. kept: what the stretch before
    left, and what this one leaves for the next. rows: of a network whose stem is several stems' channels beside each
    other, how many these are.
    """
    total = mix.new_zeros(rows or len(mix), mix.shape[-1])
    place = place or Place(0, (0, mix.shape[-1]), last=True)
    kept = kept or Kept()
    queue = queued(runs, mix.shape[-1], overlap, place)
    known = {name: kept.stems[name] for name in queue if name in kept.stems}
    waiting = [name for name in queue if name not in known]
    kept.forget(place.part)

    def add(name: Name, stem: torch.Tensor) -> None:
        segment = queue[name]
        hidden = max(0, -segment.start)  # what lies before the mix
        inside = slice(segment.start + hidden, segment.start + segment.length)
        total[:, inside] += (stem * (fades(segment, overlap) * segment.run.share))[:, hidden:]
        if not place.last and segment.start + segment.length > place.used[1] - place.again:
            kept.stems[name] = stem

    while known:  # each let go of once it is added
        add(*known.popitem())
    names = iter(waiting)
    batches.run(mix, [queue[name] for name in waiting], lambda stem: add(next(names), stem))
    for name in kept.stems.keys() & set(waiting):
        kept.stems[name] = kept.stems[name].clone()  # out of what its network's memory was
    return total


class Name(NamedTuple):
    """A segment, by what it is in its source, whichever stretch it is met in."""

    part: int
    run: int
    start: int
    length: int


class Kept:
    """The stems of segments that the next stretch of a source meets too, so that each segment is run once."""

    def __init__(self) -> None:
        self.stems: dict[Name, torch.Tensor] = {}

    def forget(self, part: int) -> None:
        """Let go of one part's."""
        self.stems = {name: stem for name, stem in self.stems.items() if name.part != part}


def queued(runs: Sequence[Run], frames: int, overlap: float, place: Place) -> dict[Name, Segment]:
    """The segments of all runs over a stretch of so many frames that meet what is used of it."""
    start, stop = place.used
    return {
        Name(place.part, index, place.begin + segment.start, segment.length): segment
        for index, run in enumerate(runs)
        for segment in segments(run, frames, overlap)
        if segment.start < stop and segment.start + segment.length > start
    }


def passes(runs: Sequence[Run], frames: int, overlap: float, place: Place) -> Passes:
    """What `estimate` would do."""
    return {name: segment.seen for name, segment in queued(runs, frames, overlap, place).items()}


def segments(run: Run, frames: int, overlap: float) -> Iterator[Segment]:
    """The segments of one run over a mix of so many frames, from its start on."""
    expert, stride = run.expert, _stride(run.expert, overlap)
    for start in range(run.start, frames, stride):
        length, left = min(expert.length, frames - start), frames - (start + stride)
        final = 0 < left <= expert.spared
        yield Segment(run, start, length, expert.seen(length), final)
        if final:
            return


def _stride(expert: Expert, overlap: float) -> int:
    return expert.stride or int((1 - overlap) * expert.length)


def fades(segment: Segment, overlap: float) -> torch.Tensor:
    """triangle(t − start) / Σ triangles(t) over the segments of the run that meet this one: (length,)."""
    import torch

    if segment.run.expert.stride:
        return torch.ones(segment.length)
    length, stride = segment.run.expert.length, _stride(segment.run.expert, overlap)
    half = length // 2
    triangle = torch.cat([torch.arange(1, half + 1), torch.arange(length - half, 0, -1)]) / (length - half)
    sums = triangle[: segment.length].clone()
    for away in range(stride, length, stride):
        if segment.start - away >= segment.run.start:
            earlier = triangle[away : away + segment.length]
            sums[: earlier.numel()] += earlier
        if not segment.final:
            sums[away:] += triangle[: max(0, segment.length - away)]
    return triangle[: segment.length] / sums
