"""`sepkit report`: the pages of what an earlier run left."""

from __future__ import annotations

from pathlib import Path

import click

from sepkit.cli.guard import FAILED


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--all", "every", is_flag=True, help="Of a batch, the page of every file.")
@click.option(
    "--masks/--no-masks", default=True, show_default=True, help="Render each file once more, to show its masks."
)
def report(folder: Path, masks: bool, every: bool) -> None:
    """Write the pages that DIR lacks. DIR is what batch, pilot or evaluate has written.

    Of a large batch it writes as many as the configuration says; with --all, those of all files.
    """
    from tqdm import tqdm

    from sepkit.batch.later_pages import again
    from sepkit.batch.pilot import page_again
    from sepkit.batch.report import JSON_NAME

    said = ""
    if (folder / JSON_NAME).is_file():
        page, problems, notes, made = again(
            folder, lambda items: tqdm(items, desc="pages", unit="file", disable=None), masks, every
        )
        said = f", and {made} {'page' if made == 1 else 'pages'} of files"
    else:
        page, kept = page_again(folder, masks)
        problems, notes = [], [kept] if kept else []
    for problem in problems:
        click.echo(f"sepkit: {problem}", err=True)
    for note in notes:
        click.echo(f"note: {note}")
    click.echo(f"→ {page}{said}")
    raise click.exceptions.Exit(FAILED if problems else 0)
