"""Segments of all experts and all shifts in one queue: what Demucs's `apply_model` does, without its recursion.

    for each expert, for each shift:   a run over the mix, begun up to half a second early
    for each run:                      segments of one length, `stride` apart, joined by triangles
    queue of segments ─ batches of one network ─ forward ─ into the one estimate

Place: below `demucs/` and `roformer/`. Only the estimate is held, however many runs: each segment is added with

    fade(t) · share = triangle(t − start) / Σ triangles(t) · weight / Σ weights / shifts

On a processor segments go through one at a time, which is fastest there; on a GPU in batches, as large as pays, and
filled from all the files that threads render meanwhile.

Source: A. Défossez, `demucs/apply.py`, https://github.com/adefossez/demucs, which this equals for the same offsets.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from sepkit.models import memory
from sepkit.separators.base import Passes, Place

if TYPE_CHECKING:
    import torch

LARGEST_BATCH = 64
WORTH_IT = 0.95
"""A batch twice as large is kept if it takes at most this part of the time for each segment."""


@dataclass(frozen=True)
class Expert:
    """One network: its place in its bag, its weight for the wanted stem, which of its outputs that is.

    length: of a segment, in frames. seen: how many frames the network is given for a segment of so many (the last one
    of a run is shorter). network: (batch, 2, frames) → (batch, stems, 2, frames).
    """

    index: int
    weight: float
    stem: int
    network: Callable[[torch.Tensor], torch.Tensor]
    length: int
    seen: Callable[[int], int]


class Run(NamedTuple):
    """One expert over the whole mix. start: the frame of the mix it begins at, 0 or before; share: of the estimate."""

    expert: Expert
    start: int
    share: float


class Segment(NamedTuple):
    """What a network sees at once: frames start … start + length of the mix, and as much around as it needs."""

    run: Run
    start: int
    length: int
    seen: int

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
) -> torch.Tensor:
    """The weighted mean of all runs: (2, frames) → the wanted stem (2, frames). overlap: of segments, a part of one.

    place: of a stretch of a source; segments that meet nothing that is used are left out. kept: what the stretch before
    left, and what this one leaves for the next.
    """
    import torch

    total = torch.zeros_like(mix)
    place = place or Place(0, (0, mix.shape[-1]))
    kept = kept or Kept()
    queue = queued(runs, mix.shape[-1], overlap, place)
    known = {name: kept.stems[name] for name in queue if name in kept.stems}
    waiting = [name for name in queue if name not in known]
    kept.forget(place.part)

    def add(name: Name, stem: torch.Tensor) -> None:
        segment = queue[name]
        hidden = max(0, -segment.start)  # what lies before the mix
        inside = slice(segment.start + hidden, segment.start + segment.length)
        total[:, inside] += (stem * (_fades(segment, overlap) * segment.run.share))[:, hidden:]
        if segment.start + segment.length > place.used[1] - place.again:
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
    expert = run.expert
    for start in range(run.start, frames, _stride(expert, overlap)):
        length = min(expert.length, frames - start)
        yield Segment(run, start, length, expert.seen(length))


class Batches:
    """Runs segments in batches, those that several threads wait for together.

    `size` grows while that pays, where `grows`; memory that runs out halves it. Whichever thread waits first runs the
    next batch, of its own segments or of others'.
    """

    def __init__(self, device: str, grows: bool) -> None:
        self._device, self._grows = device, grows
        self.size = 1
        self._largest = LARGEST_BATCH
        self._seconds: dict[tuple[int, int], float] = {}
        self._waiting: list[_Wanted] = []
        self._turn, self._list = threading.Lock(), threading.Lock()

    def run(self, mix: torch.Tensor, queue: Sequence[Segment], add: Callable[[torch.Tensor], None]) -> None:
        """Hand each segment's stem (2, length) to `add`, in order."""
        for _, alike in groupby(queue, lambda segment: segment.seen):
            with memory.kept():
                self._run([_Wanted(mix, segment) for segment in alike], add)

    def _run(self, wanted: Sequence[_Wanted], add: Callable[[torch.Tensor], None]) -> None:
        with self._list:
            self._waiting += wanted
        try:
            for each in wanted:
                while not each.done:
                    with self._turn:
                        if not each.done:
                            self._step()
                add(each.stem())
        finally:
            with self._list:  # what an error leaves
                self._waiting = [each for each in self._waiting if each not in wanted]

    def _step(self) -> None:
        """Run what waits first, and with it others of its network and length, as many as a batch holds."""
        with self._list:
            first = self._waiting[0]
            alike = [each for each in self._waiting if each.kind == first.kind][: self.size]
            self._waiting = [each for each in self._waiting if each not in alike]
        try:
            stems = self._stems(alike)
        except BaseException as error:
            for each in alike:
                each.finish(error)
            return
        if stems is None:  # again, with half as many
            with self._list:
                self._waiting = alike + self._waiting
            return
        for each, stem in zip(alike, stems, strict=True):
            each.finish(stem)

    def _stems(self, batch: Sequence[_Wanted]) -> torch.Tensor | None:
        """The wanted stems (batch, 2, seen); None where memory ran out and the batch is to be tried smaller."""
        import torch

        seen = torch.stack([_around(each.mix, each.segment) for each in batch])
        expert, begun = batch[0].segment.run.expert, time.perf_counter()
        try:
            stems = expert.network(seen.to(self._device))[:, expert.stem].to(seen.device)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
            self._largest = self.size = max(1, len(batch) // 2)
            torch.cuda.empty_cache()
            return None
        if self._grows and len(batch) == self.size:
            self._learn(seen.shape[-1], (time.perf_counter() - begun) / len(batch))
        return stems

    def _learn(self, seen: int, seconds: float) -> None:
        """Double the batch while each segment gets cheaper by it; the second time of a size counts, not the first."""
        if (seen, self.size) not in self._seconds:
            self._seconds[seen, self.size] = float("inf")
            return
        self._seconds[seen, self.size] = min(seconds, self._seconds[seen, self.size])
        smaller = self._seconds.get((seen, self.size // 2))
        if smaller is not None and seconds > WORTH_IT * smaller:
            self.size //= 2
            self._grows = False
        elif self.size * 2 <= self._largest:
            self.size *= 2
        else:
            self._grows = False


class _Wanted:
    """A segment of a mix that some thread waits for, and what became of it."""

    def __init__(self, mix: torch.Tensor, segment: Segment) -> None:
        self.mix, self.segment = mix, segment
        self.kind = segment.run.expert, segment.seen
        self._found: torch.Tensor | BaseException | None = None

    @property
    def done(self) -> bool:
        """Whether it need not be waited for any more."""
        return self._found is not None

    def finish(self, found: torch.Tensor | BaseException) -> None:
        """Say what was found: the stem (2, seen), or why there is none."""
        self._found = found

    def stem(self) -> torch.Tensor:
        """The stem (2, length). Raises what running it raised."""
        found, self._found = self._found, None
        if isinstance(found, BaseException):
            raise found
        assert found is not None
        return found[:, self.segment.before : self.segment.before + self.segment.length]


def _around(mix: torch.Tensor, segment: Segment) -> torch.Tensor:
    """What the network sees of (2, frames): zeros beyond both ends of the mix."""
    import torch

    start = segment.start - segment.before
    stop = start + segment.seen
    inside = mix[:, max(0, start) : max(0, stop)]
    left = min(segment.seen, max(0, -start))
    return torch.nn.functional.pad(inside, (left, segment.seen - left - inside.shape[-1]))


def _stride(expert: Expert, overlap: float) -> int:
    return int((1 - overlap) * expert.length)


def _fades(segment: Segment, overlap: float) -> torch.Tensor:
    """triangle(t − start) / Σ triangles(t) over the segments of the run that meet this one: (length,)."""
    import torch

    length, stride = segment.run.expert.length, _stride(segment.run.expert, overlap)
    half = length // 2
    triangle = torch.cat([torch.arange(1, half + 1), torch.arange(length - half, 0, -1)]) / (length - half)
    sums = triangle[: segment.length].clone()
    for away in range(stride, length, stride):
        if segment.start - away >= segment.run.start:
            earlier = triangle[away : away + segment.length]
            sums[: earlier.numel()] += earlier
        sums[away:] += triangle[: max(0, segment.length - away)]
    return triangle[: segment.length] / sums
