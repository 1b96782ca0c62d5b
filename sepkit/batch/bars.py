"""Two bars on standard error: one counts the files, one follows the file in hand."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from sepkit.files.naming import shown

if TYPE_CHECKING:
    from sepkit.batch.plan import Item

NAME_WIDTH = 32
"""Letters of a file's name that are shown before its bar."""


def part_of(progress: Callable[[float], None], index: int, count: int) -> Callable[[float], None]:
    """The progress of one of several steps, told as that of all. Parts are 0 … 1."""
    return lambda part: progress((index + part) / count)


class FileBar(tqdm):  # type: ignore[misc]  # tqdm has no types
    """One file's progress, as "talk.wav: 34 %, 12 s left"."""

    @property
    def format_dict(self) -> dict[str, Any]:
        """tqdm's figures, with the time left in words."""
        found: dict[str, Any] = super().format_dict
        left_s = found["elapsed"] * (1 / found["n"] - 1) if found["n"] else None
        return found | {"left": "" if left_s is None else f", {time_text(left_s)} left"}

    def reach(self, part: float) -> None:
        """Move it to the part that is done, 0 … 1."""
        self.update(part - self.n)


def file_bar(name: str, quiet: bool) -> FileBar:
    """Shown at once, where somebody watches."""
    bar_format = "{desc}: {percentage:3.0f} %{left}"
    return FileBar(total=1.0, desc=shown(name), leave=False, bar_format=bar_format, **_place(quiet))


def time_text(seconds: float) -> str:
    """A time to wait: "12 s", "3 min", "2 h 10 min"."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def checking(paths: list[str], quiet: bool) -> Iterable[str]:
    """A bar over the sources while they are compared with the journal."""
    watched: Iterable[str] = tqdm(paths, desc="checking", unit="file", leave=False, **_place(quiet))
    return watched


def unwatched(quiet: bool) -> bool:
    """Whether no bar is shown: nobody wants one, or standard error is not a terminal."""
    return quiet or not sys.stderr.isatty()


def _place(quiet: bool) -> dict[str, Any]:
    """Where tqdm shows a bar. A terminal of no size, as in containers, would show nothing."""
    size = shutil.get_terminal_size()
    return {"disable": unwatched(quiet), "ncols": size.columns or 80, "nrows": size.lines or 24}


class Bars:
    """Silent where nobody watches: `quiet`, or standard error is not a terminal."""

    def __init__(self, files: int, quiet: bool, name: str = "batch") -> None:
        place = _place(quiet)
        self._batch = tqdm(total=files, desc=name, unit="file", position=0, **place)
        self._file = tqdm(total=100, unit="%", position=1, leave=False, bar_format="{l_bar}{bar}|", **place)
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
