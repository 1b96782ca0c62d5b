"""`sepkit report`: the pages of what an earlier run left."""

from __future__ import annotations

from pathlib import Path

import click

from sepkit.cli.guard import FAILED


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--masks/--no-masks", default=True, show_default=True, help="Render each file once more, to show its masks."
)
def report(folder: Path, masks: bool) -> None:
    """Write the pages that DIR lacks. DIR is what batch, pilot or evaluate has written."""
    from tqdm import tqdm

    from sepkit.batch.pages import again
    from sepkit.batch.pilot import page_again
    from sepkit.batch.report import JSON_NAME

    if (folder / JSON_NAME).is_file():
        page, problems, notes = again(folder, lambda rows: tqdm(rows, desc="pages", unit="file", disable=None), masks)
    else:
        page, kept = page_again(folder, masks)
        problems, notes = [], [kept] if kept else []
    for problem in problems:
        click.echo(f"sepkit: {problem}", err=True)
    for note in notes:
        click.echo(f"note: {note}")
    click.echo(f"→ {page}")
    raise click.exceptions.Exit(FAILED if problems else 0)
