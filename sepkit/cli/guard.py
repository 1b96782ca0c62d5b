"""The guard around every command: what a user can get wrong becomes one line on standard error and an exit code."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import click

from sepkit.errors import ConfigError, DeviceError, PromptError, SepkitError, WeightsError, one_line
from sepkit.files.naming import shown
from sepkit.interruption import end_undisturbed, interruptible

FAILED, USAGE, INTERRUPTED = 1, 2, 130


class Guarded(click.Command):
    """Turns what a user can get wrong into one line on standard error, and an interruption into 130."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command as a program, whatever became of its standard streams."""
        _fill_closed_streams()
        try:
            return super().main(*args, **kwargs)
        except OSError as error:  # the text of --help could not be written
            _say_lost(error)
            sys.exit(FAILED)
        except SystemExit as end:
            if end.code == INTERRUPTED:
                _end_at_once()
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            with interruptible(), _undisturbed_end():
                return super().invoke(ctx)
        except SepkitError as error:
            say(error)
            ctx.exit(USAGE if isinstance(error, ConfigError | DeviceError | PromptError | WeightsError) else FAILED)
        except KeyboardInterrupt:
            say("interrupted; what was finished is kept")
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            _lead_nowhere(sys.stdout)  # the reader left; nothing more can be said
            ctx.exit(FAILED)
        except OSError as error:
            _say_lost(error)
            ctx.exit(FAILED)
        except MemoryError as error:
            say(one_line(error))
            ctx.exit(FAILED)


@contextmanager
def _undisturbed_end() -> Iterator[None]:
    """Once interrupted, what is left to do is not."""
    try:
        yield
    except KeyboardInterrupt:
        end_undisturbed()
        raise


class GuardedGroup(Guarded, click.Group):
    """Commands together, guarded alike. A file where a command belongs gets a hint."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command."""
        name = args[0]
        if self.get_command(ctx, name) is None and os.access(name, os.F_OK):
            ctx.fail(f"'{name}' is no command; did you mean: sepkit {_meant(args)}")
        return super().resolve_command(ctx, args)


def _meant(args: list[str]) -> str:
    """The whole command that takes what was given first, with a folder for its results where none was named."""
    if Path(args[0]).is_dir():
        return f"batch {shlex.join(args)}" + (" cleaned/" if len(args) == 1 else "")
    has_out = any(word.startswith(("-o", "--out")) for word in args)
    return f"run {shlex.join(args)}" + ("" if has_out else " -o cleaned/")


def say(what: object) -> None:
    """One line on standard error, if that can hold it."""
    try:
        click.echo(f"sepkit: {what}", err=True)
    except OSError:
        _lead_nowhere(sys.stderr)


def _say_lost(error: OSError) -> None:
    """Name what the system refused; what has no name is the stream that was to be printed on."""
    named = isinstance(error.filename, str | bytes)
    where = shown(os.fsdecode(error.filename)) if named else "standard output"
    if not named:
        _lead_nowhere(sys.stdout)
    say(f"{where}: cannot be used ({error.strerror or error}); check its name, permissions and space")


def _lead_nowhere(stream: TextIO | None) -> None:
    """A stream that cannot be written: Python would complain of it once more as it ends."""
    if stream is None:
        return
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _end_at_once() -> None:
    """Without Python's own end, in which it gives the signals back to the system: one more would kill the process."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(INTERRUPTED)


def _fill_closed_streams() -> None:
    """Give the numbers of closed streams away, lest a result gets one and a library's message lands in it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115  held as long as the process
