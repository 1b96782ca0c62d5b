"""How much a command says on standard error, and what it keeps in a log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sepkit.cli.guard import say
from sepkit.errors import OutputError

_LOG = logging.getLogger("sepkit.told")
"""What the user is told: DEBUG with -v alone, INFO unless -q, WARNING always."""


class _Terminal(logging.Handler):
    """Standard error, line by line."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        say(record.getMessage())


def voice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options -q, -v and --log, which are taken as `quiet`, `verbose` and `log`."""
    for option in (
        click.option(
            "--log", type=click.Path(path_type=Path), help="Also append what is said to this file, with times."
        ),
        click.option("-v", "--verbose", is_flag=True, help="Also say the seconds of each stage."),
        click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong; no progress."),
    ):
        command = option(command)
    return command


def begin(quiet: bool, verbose: bool, log: Path | None) -> logging.Logger:
    """The voice of one command. The log has all that -v says."""
    if quiet and verbose:
        raise click.UsageError("-q says less and -v says more: give one of them")
    terminal = _Terminal(logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO)
    _LOG.handlers, _LOG.propagate = [terminal], False
    _LOG.setLevel(logging.DEBUG)
    if log:
        try:
            file = logging.FileHandler(log, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise OutputError(f"--log {log}: cannot be written ({error.strerror}); name another file") from error
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z"))
        _LOG.addHandler(file)
    return _LOG
