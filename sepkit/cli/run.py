"""`sepkit run`: single files."""

from __future__ import annotations

import click

from sepkit.cli.files import Files, file_options


@click.command()
@file_options("pilot")
def run(files: Files) -> None:
    """Clean single files. INPUT is a sound or video file, or - for one on standard input.

    A line for each file says where its result is and what was done. The exit codes are those of batch.
    """
    files.render(files.config("pilot"))
