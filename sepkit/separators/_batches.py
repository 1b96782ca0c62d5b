"""Segments through their networks: one at a time, or in batches.

Place: below `_segments`, which queues them. On a processor segments go through one at a time, which is fastest there;
on a GPU in batches, as large as pays, and filled from all the files that threads render meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from sepkit.models import memory

if TYPE_CHECKING:
    import torch

    from sepkit.separators._segments import Segment

LARGEST_BATCH = 64
WORTH_IT = 0.95
"""A batch twice as large is kept if it takes at most this part of the time for each segment."""


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
