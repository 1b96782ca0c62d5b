"""Ctrl-C, SIGTERM and a closed terminal, so that none is lost and a second one cuts no tidying short.

Python drops an exception that is raised inside a finaliser.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

HANG_UP = getattr(signal, "SIGHUP", None)  # not on Windows
SIGNALS = (signal.SIGINT, signal.SIGTERM, *([HANG_UP] if HANG_UP else []))
GRACE_S = 5.0
"""A signal so soon after the first is taken for the same wish; a later one interrupts again."""

_active: list[Callable[[], None]] = []


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Inside, the signals raise KeyboardInterrupt; what is yielded raises it again where it was lost on its way.

    One inside another is the outer one.
    """
    came_s: list[float] = []

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if came_s and now_s - came_s[-1] < GRACE_S:
            return
        came_s.append(now_s)
        raise KeyboardInterrupt

    def check() -> None:
        if came_s:
            raise KeyboardInterrupt

    if _active or threading.current_thread() is not threading.main_thread():
        yield _active[-1] if _active else check
        return
    # `nohup` ignores what a closed terminal sends, and so do its children.
    kept = [number for number in SIGNALS if number != HANG_UP or signal.getsignal(number) == signal.SIG_DFL]
    before = {number: signal.signal(number, interrupt) for number in kept}
    _active.append(check)
    try:
        yield check
    finally:
        _active.clear()
        for number, handler in before.items():
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, handler)


def end_undisturbed() -> None:
    """Let no further signal disturb a process that is about to end."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
