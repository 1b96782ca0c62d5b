"""How much a command says on standard error, and what it keeps in a log."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sepkit.cli.guard import say
from sepkit.cli.log_file import log_file
from sepkit.cli.options import given_file

if TYPE_CHECKING:
    from sepkit.batch.file_result import FileResult

_LOG = logging.getLogger("sepkit.told")
"""What the user is told: DEBUG with -v alone, INFO unless -q, WARNING always."""


class _Terminal(logging.Handler):
    """Standard error, line by line, above the bars that are there."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        from tqdm import tqdm

        with tqdm.external_write_mode():
            say(record.getMessage())


class Voice:
    """Of one command. quiet: only what went wrong is said. The log has all that -v says; it is none of `others`."""

    def __init__(self, quiet: bool, verbose: bool, log: Path | None, others: Iterable[Path] = ()) -> None:
        if quiet and verbose:
            raise click.UsageError("-q says less and -v says more: give one of them")
        self.quiet = quiet
        terminal = _Terminal(logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO)
        _LOG.handlers, _LOG.propagate = [terminal], False
        _LOG.setLevel(logging.DEBUG)
        if log:
            _LOG.addHandler(log_file(log, others))

    def file(self, result: FileResult, beside_a_bar: bool = False) -> None:
        """What became of a file; with -v, the seconds of each stage. beside_a_bar: which tells that it went well."""
        if result.error or result.doubtful:
            _LOG.log(logging.ERROR if result.error else logging.WARNING, "%s", result.line())
        else:
            self.step(result.line(), beside_a_bar)
        if result.stages:
            _LOG.debug("%s", result.stages_line())

    def step(self, line: str, beside_a_bar: bool) -> None:
        """One step of many that went well."""
        _LOG.log(logging.DEBUG if beside_a_bar else logging.INFO, "%s", line)

    def warning(self, line: str) -> None:
        """What went on, and may not be what was meant."""
        _LOG.warning("%s", line)


def voice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options -q, -v and --log; the command takes them as `voice`, a `Voice`."""

    @functools.wraps(command)
    def with_voice(quiet: bool, verbose: bool, log: Path | None, **others: Any) -> Any:
        return command(voice=Voice(quiet, verbose, log, _paths(others)), **others)

    given: Callable[..., Any] = with_voice
    for option in (
        click.option("--log", type=given_file, help="Also append what is said to this file, with times."),
        click.option("-v", "--verbose", is_flag=True, help="Also say the seconds of each stage."),
        click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong; no progress."),
    ):
        given = option(given)
    return given


def _paths(given: Mapping[str, Any]) -> Iterator[Path]:
    """The paths among the arguments of a command; those of `run` are texts, for "-" is none."""
    for name, value in given.items():
        if isinstance(value, Path):
            yield value
        elif value and name in ("inputs", "out"):
            yield from map(Path, value if isinstance(value, tuple) else (value,))
