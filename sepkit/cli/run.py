"""`sepkit run`: single files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sepkit.cli.options import chosen, config_option, given_text, salvage_option, track_option
from sepkit.cli.voice import Voice, voice_options

if TYPE_CHECKING:
    from sepkit.batch.file_result import FileResult


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--out",
    required=True,
    type=given_text,
    help="Folder for the results; for one INPUT also a file.wav or file.flac, or - for standard output.",
)
@track_option
@salvage_option
@config_option
@click.option(
    "--overwrite",
    type=click.Choice(["ask", "always", "never"]),
    default="ask",
    show_default=True,
    help="What to do where a result is there already; where nobody can be asked, ask is never.",
)
@click.option("--json", "as_json", is_flag=True, help="Print an object for each INPUT on standard output.")
@voice_options
def run(
    inputs: tuple[str, ...],
    out: str,
    track: str | None,
    salvage: bool,
    config_path: Path | None,
    overwrite: str,
    as_json: bool,
    voice: Voice,
) -> None:
    """Clean single files. INPUT is a sound or video file, or - for one on standard input.

    A line for each file says where its result is and what was done. The exit codes are those of batch.
    """
    from sepkit.batch.single import PIPE, run_files

    if as_json and out == PIPE:
        raise click.UsageError("--json and -o - both want standard output: give one of them")

    def told(result: FileResult) -> None:
        voice.file(result)
        if as_json:
            click.echo(json.dumps(result.as_dict(), ensure_ascii=False, allow_nan=False))

    def may_overwrite(path: Path) -> bool:
        if overwrite == "ask" and sys.stdin.isatty() and sys.stderr.isatty():
            return click.confirm(f"{path} is there already. Replace it?", err=True)
        return overwrite == "always"

    config = chosen(config_path, track, salvage)
    raise click.exceptions.Exit(run_files(inputs, out, config, voice.quiet, told, may_overwrite).exit_code)
