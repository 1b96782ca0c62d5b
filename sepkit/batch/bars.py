"""Two bars on standard error: one counts the files of the batch, one follows the file in hand."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import TracebackType

from tqdm import tqdm

from sepkit.batch.plan import Item
from sepkit.files.naming import shown

NAME_WIDTH = 32
"""Letters of a file's name that are shown before its bar."""


def checking(paths: list[str], quiet: bool) -> Iterable[str]:
    """A bar over the sources while they are compared with the journal."""
    watched: Iterable[str] = tqdm(paths, desc="checking", unit="file", disable=_unwatched(quiet), leave=False)
    return watched


def _unwatched(quiet: bool) -> bool:
    return quiet or not sys.stderr.isatty()


class Bars:
    """Silent where nobody watches: `quiet`, or standard error is not a terminal."""

    def __init__(self, files: int, quiet: bool) -> None:
        disable = _unwatched(quiet)
        self._batch = tqdm(total=files, desc="batch", unit="file", disable=disable, position=0)
        self._file = tqdm(total=100, unit="%", disable=disable, position=1, leave=False, bar_format="{l_bar}{bar}|")
        self._followed: str | None = None

    def __enter__(self) -> Bars:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._batch.close()

    def tell(self, item: Item, part: float) -> None:
        """Move the file's bar. Of several workers' files it follows one until that is finished."""
        if self._followed is None:
            self._followed = item.path
            self._file.reset()
            self._file.set_description(shown(item.path)[-NAME_WIDTH:])
        if self._followed == item.path:
            self._file.update(100 * part - self._file.n)

    def finished(self, item: Item) -> None:
        """Count a file, whatever became of it."""
        self._batch.update()
        if self._followed == item.path:
            self._followed = None
