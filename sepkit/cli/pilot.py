"""`sepkit pilot`: the one-command run."""

from __future__ import annotations

from pathlib import Path

import click

from sepkit.cli.options import chosen, config_option
from sepkit.cli.voice import Voice, voice_options


@click.command()
@click.argument("input_path", required=False, metavar="[INPUT]", type=click.Path(path_type=Path))
@click.option(
    "--artifacts",
    default="artifacts",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder for the results.",
)
@click.option(
    "--eval-dir", type=click.Path(path_type=Path), help="Folder for the tables and the page [default: ARTIFACTS/eval]."
)
@config_option()
@voice_options
def pilot(
    input_path: Path | None, artifacts: Path, eval_dir: Path | None, config_path: Path | None, voice: Voice
) -> None:
    """Clean the pilot mix (or INPUT) and measure it; leave files to listen to and a page to look at."""
    from sepkit.batch.pilot import EVAL_NAME, run_pilot

    config, eval_dir = chosen(config_path), eval_dir or artifacts / EVAL_NAME
    click.echo(run_pilot(config, artifacts, eval_dir, input_path, voice.quiet, voice.file))
