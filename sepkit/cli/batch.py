"""`sepkit batch`: a folder, or a zip of one."""

from __future__ import annotations

from pathlib import Path

import click

from sepkit.cli.guard import USAGE, say
from sepkit.cli.options import (
    chosen,
    config_option,
    filmed,
    given_file,
    given_path,
    model_option,
    salvage_option,
    track_option,
    video_option,
    with_model,
)
from sepkit.cli.voice import Voice, voice_options
from sepkit.errors import SepkitError


@click.command()
@click.argument("in_dir", type=given_path)
@click.argument("out_dir", type=given_path)
@click.option(
    "--pattern",
    multiple=True,
    help="Glob that names files of IN_DIR; several times: what matches any [default: all sound and video].",
)
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Glob of files to leave out; several times too.")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Number of processes [default: one for each GPU, or one].")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Write nothing; print what would be done, the time and the disk.",
)
@click.option("--zip", "zip_to", type=given_file, help="Also pack the cleaned tree into this .zip.")
@click.option("--replace", is_flag=True, help="Replace results that sources of another IN_DIR have left in OUT_DIR.")
@track_option
@salvage_option
@video_option
@model_option
@config_option()
@voice_options
def batch(
    in_dir: Path,
    out_dir: Path,
    pattern: tuple[str, ...],
    exclude: tuple[str, ...],
    jobs: int | None,
    dry_run: bool,
    zip_to: Path | None,
    replace: bool,
    track: str | None,
    salvage: bool,
    video: bool | None,
    model: str | None,
    config_path: Path | None,
    voice: Voice,
) -> None:
    """Clean a folder, or a .zip, into OUT_DIR. Its tree is mirrored. Run it again to go on where it stopped.

    Where no bar can be shown, a line for each file says what was done. With -q, nothing is said if all went well.

    Exit codes: 0 everything passed; 1 something failed; 2 the command or the configuration is wrong; 3 nothing failed,
    but the gate put something into OUT_DIR/quarantine; 4 something passed only with a configuration that it was
    escalated to; 130 interrupted.
    """
    from sepkit.batch import BatchJob, run_batch
    from sepkit.batch.bars import unwatched

    config = filmed(with_model(chosen(config_path, track, salvage), model), video)
    job = BatchJob(
        config, in_dir, out_dir, pattern, jobs, dry_run, zip_to, quiet=voice.quiet, exclude=exclude, replace=replace
    )
    beside_a_bar = not unwatched(voice.quiet)
    try:
        report = run_batch(job, lambda result: voice.file(result, beside_a_bar))
    except SepkitError as error:  # not one file's fault: the batch as it was asked for cannot be made
        say(error)
        raise click.exceptions.Exit(USAGE) from error
    if report.exit_code or dry_run or not voice.quiet:
        click.echo(report.text())
    raise click.exceptions.Exit(report.exit_code)
