"""`sepkit run`: single files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sepkit.cli.guard import say
from sepkit.cli.options import chosen, config_option, given_text


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--out",
    required=True,
    type=given_text,
    help="Folder for the results; - writes the one result to standard output.",
)
@config_option
def run(inputs: tuple[str, ...], out: str, config_path: Path | None) -> None:
    """Clean single files. INPUT is a sound or video file, or - for one on standard input.

    The exit codes are those of batch.
    """
    from sepkit.batch.single import run_files

    report = run_files(inputs, out, chosen(config_path), quiet=not sys.stderr.isatty())
    for line in (*report.lines, *report.failures):
        say(line)
    raise click.exceptions.Exit(report.exit_code)
