"""CPU-seconds by stage. Clocks nest: what an inner one measures is not counted again by the outer one."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Adds up the CPU time of this process by name."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inner_s = 0.0

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count the CPU-seconds spent inside, less those of clocks within, as `stage`'s."""
        before_s, outer_inner_s, self._inner_s = time.process_time(), self._inner_s, 0.0
        try:
            yield
        finally:
            spent_s = time.process_time() - before_s
            self.seconds[stage] += spent_s - self._inner_s
            self._inner_s = outer_inner_s + spent_s
