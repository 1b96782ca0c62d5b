"""Ctrl-C and SIGTERM, so that neither is lost: Python drops an exception that is raised inside a finaliser."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Inside, both signals raise KeyboardInterrupt; what is yielded raises it again where it was lost on its way."""
    came = threading.Event()

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        came.set()
        raise KeyboardInterrupt

    def check() -> None:
        if came.is_set():
            raise KeyboardInterrupt

    in_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, interrupt) for number in SIGNALS} if in_main else {}
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
