"""The guard around every command: what a user can get wrong becomes one line on standard error and an exit code."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

import click

from sepkit.errors import ConfigError, SepkitError, WeightsError

FAILED, USAGE, INTERRUPTED = 1, 2, 130


class Guarded(click.Command):
    """Turns what a user can get wrong into one line on standard error, and an interruption into 130."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            return super().invoke(ctx)
        except SepkitError as error:
            click.echo(f"sepkit: {error}", err=True)
            ctx.exit(USAGE if isinstance(error, ConfigError | WeightsError) else FAILED)
        except KeyboardInterrupt:
            click.echo("sepkit: interrupted; what was finished is kept", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  the reader left; nothing more can be said
            ctx.exit(FAILED)


class GuardedGroup(Guarded, click.Group):
    """Commands together, guarded alike. A file where a command belongs gets a hint."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command."""
        name = args[0]
        if self.get_command(ctx, name) is None and Path(name).exists():
            command = "batch" if Path(name).is_dir() else "run"
            ctx.fail(f"'{name}' is no command; did you mean: sepkit {command} {shlex.join(args)}")
        return super().resolve_command(ctx, args)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
