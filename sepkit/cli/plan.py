"""`sepkit plan`: what a run would do and take."""

from __future__ import annotations

from pathlib import Path

import click

from sepkit.cli.options import chosen, config_option, filmed, given_path, model_option, video_option, with_model


@click.command()
@click.argument("input_path", metavar="INPUT", type=given_path)
@click.option(
    "--pattern", multiple=True, help="Glob that names the files, if INPUT is a folder [default: all sound and video]."
)
@click.option("--calibrate", is_flag=True, help="Measure the speed of this machine again.")
@video_option
@model_option
@config_option()
def plan(
    input_path: Path,
    pattern: tuple[str, ...],
    calibrate: bool,
    video: bool | None,
    model: str | None,
    config_path: Path | None,
) -> None:
    """Print what would run on INPUT, a file or a folder, and its time, memory and disk.

    No result is written. The measured speed of this machine is kept in the cache.
    """
    from sepkit.batch.preview import plan_text

    click.echo(plan_text(filmed(with_model(chosen(config_path), model), video), input_path, pattern, calibrate))
