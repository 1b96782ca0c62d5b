"""`sepkit batch`: a folder, or a zip of one."""

from __future__ import annotations

from pathlib import Path

import click

from sepkit.cli.guard import USAGE
from sepkit.cli.options import chosen, config_option, salvage_option, track_option
from sepkit.errors import SepkitError


@click.command()
@click.argument("in_dir", type=click.Path(path_type=Path))
@click.argument("out_dir", type=click.Path(path_type=Path))
@click.option("--pattern", default="**/*.wav", show_default=True, help="Glob that names the files of IN_DIR.")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Number of processes [default: one for each GPU, or one].")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Write nothing; print what would be done, the time and the disk.",
)
@click.option("--zip", "zip_to", type=click.Path(path_type=Path), help="Also pack the cleaned tree into this file.")
@track_option
@salvage_option
@config_option
def batch(
    in_dir: Path,
    out_dir: Path,
    pattern: str,
    jobs: int | None,
    dry_run: bool,
    zip_to: Path | None,
    track: str | None,
    salvage: bool,
    config_path: Path | None,
) -> None:
    """Clean a folder, or a .zip, into OUT_DIR. Its tree is mirrored. Run it again to go on where it stopped.

    Exit codes: 0 everything passed; 1 something failed; 2 the command or the configuration is wrong; 3 nothing failed,
    but the gate put something into OUT_DIR/quarantine; 4 something passed only with a configuration that it was
    escalated to; 130 interrupted.
    """
    from sepkit.batch import BatchJob, run_batch

    config = chosen(config_path, track, salvage)
    job = BatchJob(config, in_dir, out_dir, pattern, jobs=jobs, dry_run=dry_run, zip_to=zip_to)
    try:
        report = run_batch(job)
    except SepkitError as error:  # not one file's fault: the batch as it was asked for cannot be made
        click.echo(f"sepkit: {error}", err=True)
        raise click.exceptions.Exit(USAGE) from error
    click.echo(report.text())
    raise click.exceptions.Exit(report.exit_code)
