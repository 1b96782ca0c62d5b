"""`sepkit edit`: what a prompt names, kept or removed inside time windows of single files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sepkit.cli.files import Files, file_options
from sepkit.cli.options import given_file, window_option


@click.command()
@click.option("--prompt", metavar="WORDS", help='The sound that is meant, in words, as "dog bark".')
@click.option(
    "--mode", type=click.Choice(["keep", "remove"]), help="Keep that sound alone, or take it out [default: remove]."
)
@window_option("From when to when, in seconds or as M:SS; several times, too [default: the whole file].")
@click.option("--fade-ms", type=click.FloatRange(0, 10_000), help="Fade at both ends of a window [default: 70].")
@click.option("--strength", type=click.FloatRange(0, 1), help="1 edits in full, 0 not at all [default: 1].")
@click.option(
    "--labels",
    type=given_file,
    help="Windows from a label file, and prompts from its labels, where --prompt gives none.",
)
@file_options("edit")
def edit(
    files: Files,
    prompt: str | None,
    mode: Any,
    windows: tuple[tuple[str, str], ...],
    fade_ms: float | None,
    strength: float | None,
    labels: Path | None,
) -> None:
    """Edit what a prompt names. INPUT is a sound or video file, or - for one on standard input.

    Results are INPUT__edited and INPUT__taken, which sum to INPUT. Outside the windows no sample changes. A label file
    may be of Audacity, Audition, Reaper, SRT, VTT or RTTM, or a CSV or JSON with prompt, mode, start_s, end_s, fade_ms,
    strength, and for several INPUTs path, the name of each.
    """
    from sepkit.config.asked import Asked, editing

    asked = Asked(prompt, mode, windows, fade_ms, strength, labels)
    files.render(editing(files.config("edit"), asked))
