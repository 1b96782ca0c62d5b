"""Worker processes for `--jobs N` and for several GPUs: each loads the models once and renders file after file.

A pool of the standard library breaks as a whole when the system kills one of its processes for memory. Here
each worker has its own pipe: one that dies costs the file it had in hand, and a new one takes its place.
Workers end when their parent does, however that ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing import connection
from multiprocessing.context import SpawnContext
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from sepkit.batch.plan import Item
from sepkit.batch.render import Outcome, Renderer, Tell
from sepkit.config import Config
from sepkit.errors import SepkitError
from sepkit.models.device import cores

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Read by the numeric libraries when they are loaded, hence set before a worker starts."""

AT_ONCE_ON_A_GPU = 4
"""Files that one process renders at a time on a GPU: their segments fill its batches, and it need not wait while one
of them is read, fused or written. By the design; not yet measured."""

GRACE_S = 5.0
"""How long an interrupted worker may take to clean up; then it is killed, and the sweep does it."""


def share(config: Config, jobs: int | None, items: int, gpus: Sequence[str]) -> list[Config]:
    """One configuration a worker, which differ in the device alone: `gpus` in turn, where there are any.

    jobs: how many were asked for; None is one a GPU, and one in all without. Never more than there are cores or items.
    """
    workers = max(1, min(jobs or max(1, len(gpus)), cores(), items))
    if not gpus:
        return [config] * workers
    return [config.model_copy(update={"device": gpus[index % len(gpus)]}) for index in range(workers)]


def render_in_workers(
    configs: Sequence[Config], out: Path, items: Iterable[Item], tell: Tell, at_once: int = 1
) -> Generator[tuple[Item, Outcome], None, None]:
    """Render the items, a process for each of `configs`; yields outcomes in the order in which they come.

    at_once: how many files a process renders at the same time, in threads that share its models.
    """
    waiting = deque(items)
    hands: dict[connection.Connection, _Hand] = {}

    def hire(config: Config) -> None:
        hand = _Hand(config, out, max(1, cores() // len(configs)), at_once)
        hands[hand.pipe] = hand

    try:
        for config in configs[: len(waiting)]:
            hire(config)
        while hands:
            for pipe in connection.wait(list(hands)):
                assert isinstance(pipe, connection.Connection)
                hand = hands[pipe]
                kind, path, value = hand.receive()
                if kind == "refused":
                    raise value
                if kind == "progress":
                    tell(hand.items[path], value)
                    continue
                finished = [hand.items.pop(path)] if kind == "done" else []
                if kind == "died":
                    value, finished = hand.epitaph(), list(hand.items.values())
                    del hands[pipe]
                    if waiting:
                        hire(hand.config)
                else:
                    while waiting and len(hand.items) < at_once:
                        hand.give(waiting.popleft())
                    if not hand.items:
                        hand.dismiss()
                        del hands[pipe]
                yield from ((each, value) for each in finished)
    finally:
        for hand in hands.values():
            hand.process.terminate()
        for hand in hands.values():
            hand.process.join(GRACE_S)
            hand.process.kill()


class _Hand:
    """One worker as its parent sees it: the process, the pipe to it, and the items it has in hand, by path."""

    def __init__(self, config: Config, out: Path, threads: int, at_once: int) -> None:
        self.config = config
        context: SpawnContext = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, config, out, threads, at_once), daemon=True)
        self.items: dict[str, Item] = {}
        with _inherited(threads):
            self.process.start()
        theirs.close()  # so that the pipe ends when the worker does

    def receive(self) -> tuple[str, str, Any]:
        """The next message, its path and value: ready, progress, done, refused; or died, where the pipe has ended."""
        try:
            kind, path, value = self.pipe.recv()
        except (EOFError, OSError):
            return "died", "", None
        return kind, path, value

    def give(self, item: Item) -> None:
        """Hand over an item. A worker that died meanwhile is found out by the next `receive`."""
        self.items[item.path] = item
        try:
            self.pipe.send(item)
        except OSError:
            return

    def dismiss(self) -> None:
        """Let the worker end."""
        self.pipe.close()
        self.process.join()

    def epitaph(self) -> Outcome:
        """What a death means for the files in hand; before the first, while loading, it ends the batch."""
        self.process.join()
        code = self.process.exitcode or 0
        cause = f"signal {-code}, often for lack of memory" if code < 0 else f"exit status {code}"
        if not self.items:
            raise SepkitError(f"a worker ended while loading the models ({cause}); use fewer --jobs")
        return Outcome(error=f"the worker that rendered it ended ({cause}); use fewer --jobs")


def _serve(pipe: connection.Connection, config: Config, out: Path, threads: int, at_once: int) -> None:
    """A worker's life: load, then render what comes until the pipe ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # unwinds, and so removes temporary files
    threading.Thread(target=_end_with_parent, daemon=True).start()
    speaking = threading.Lock()

    def say(kind: str, path: str = "", value: object = None) -> None:
        with speaking:
            pipe.send((kind, path, value))

    def render(renderer: Renderer, items: Iterable[Item]) -> None:
        for item in items:
            say("done", item.path, renderer.render(item, lambda item, part: say("progress", item.path, part)))

    try:
        renderer = Renderer(config, out, threads)
        renderer.load()
    except SepkitError as error:
        say("refused", value=error)
        return
    received = iter(partial(_received, pipe), None)
    say("ready")
    if at_once == 1:
        render(renderer, received)
        return
    waiting: SimpleQueue[Item] = SimpleQueue()
    for _ in range(at_once):  # they end with the process; what an early end leaves is swept by the parent
        threading.Thread(target=render, args=(renderer.twin(), iter(waiting.get, None)), daemon=True).start()
    for item in received:
        waiting.put(item)


def _received(pipe: connection.Connection) -> Item | None:
    """The next item; None where the pipe has ended."""
    try:
        item: Item = pipe.recv()
    except EOFError:
        return None
    return item


def _end_with_parent() -> None:
    """A parent killed by -9 says no goodbye; without this its workers would go on for nobody."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@contextmanager
def _inherited(threads: int) -> Iterator[None]:
    """What a worker must find when it starts: its share of the threads, and Ctrl-C left to its parent."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    in_main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main else None
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        if in_main:
            signal.signal(signal.SIGINT, handler)
