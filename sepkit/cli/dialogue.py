"""`sepkit dialogue`: speech, music and effects of films and broadcasts, each on its own, of single files."""

from __future__ import annotations

import click

from sepkit.cli.files import Files, file_options


@click.command()
@click.option(
    "--gain",
    "gains",
    type=(click.Choice(["speech", "music", "effects"]), float),
    multiple=True,
    metavar="STEM DB",
    help="Gain of a stem in INPUT__remix, as --gain music -40; those not named keep the configuration's, or 0 dB.",
)
@file_options("dialogue")
def dialogue(files: Files, gains: tuple[tuple[str, float], ...]) -> None:
    """Part speech, music and effects. INPUT is a sound or video file, or - for one on standard input.

    Results are INPUT__speech, INPUT__music and INPUT__effects, which sum to INPUT, and INPUT__remix, the three with the
    configuration's gains, which is also what a video gets. Where no gains are given, there is no INPUT__remix, and a
    video gets the speech.
    """
    from sepkit.config.asked import remixing

    stems = [stem for stem, _ in gains]
    if twice := next((stem for stem in stems if stems.count(stem) > 1), None):
        raise click.UsageError(f"--gain {twice}: is given {stems.count(twice)} times; give it once")
    files.render(remixing(files.config("dialogue"), dict(gains)))
