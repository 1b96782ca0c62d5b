"""`sepkit pilot`: the one-command run."""

from __future__ import annotations

from pathlib import Path

import click

from sepkit.cli.options import chosen, config_option


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
@config_option
def pilot(input_path: Path | None, artifacts: Path, eval_dir: Path | None, config_path: Path | None) -> None:
    """Clean the pilot mix (or INPUT) and measure it; leave files to listen to and a page to look at."""
    from sepkit.batch.pilot import run_pilot

    click.echo(run_pilot(chosen(config_path), artifacts, eval_dir or artifacts / "eval", input_path, quiet=False))
