"""`sepkit speakers`: the voices of several people, each on its own, of single files."""

from __future__ import annotations

import click

from sepkit.cli.files import Files, file_options


@click.command()
@click.option(
    "--speakers",
    "count",
    type=click.Choice(["2", "3", "auto", "channels"]),
    help="How many people: auto finds up to 8; channels splits a file with one speaker a channel [default: 2].",
)
@click.option(
    "--aligned",
    is_flag=True,
    help="All INPUTs are recorders of one conversation: their clocks are brought together, and their channels joined "
    "[config: speakers_microphones].",
)
@file_options("speakers")
def speakers(files: Files, count: str | None, aligned: bool) -> None:
    """Part the voices of a recording. INPUT is a sound or video file, or - for one on standard input.

    Results are INPUT__speaker_1, INPUT__speaker_2 and so on, each as loud as in INPUT, and who speaks when:
    INPUT__speakers.rttm and INPUT__speakers.csv.
    """
    from sepkit.config.asked import speaking

    files.render(speaking(files.config("speakers_microphones" if aligned else "speakers"), count), aligned)
