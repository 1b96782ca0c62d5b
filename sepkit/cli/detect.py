"""`sepkit detect`: which sounds are in single files, and when; and how prompts are understood."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sepkit.cli.guard import FAILED
from sepkit.cli.options import (
    given_file,
    given_text,
    may_overwrite,
    overwrite_option,
    salvage_option,
    track_option,
    window_option,
)
from sepkit.cli.voice import Voice, voice_options

if TYPE_CHECKING:
    from sepkit.batch.detect import By, Detected, Wanted

LONGEST_SHOWN = 60
"""Characters of a prompt in a table."""
NOTHING = "–"


@click.command()
@click.argument("inputs", nargs=-1, metavar="INPUT...", type=given_text)
@click.option("--sound", "sounds", multiple=True, metavar="WORDS", help='Only this, as "dog bark"; several times, too.')
@click.option(
    "--by",
    type=click.Choice(["embedded", "clap"]),
    help="Who hears: sepkit's network, or CLAP, which takes any words (`models fetch audiosep`) [default: embedded].",
)
@click.option(
    "--weights",
    type=given_file,
    help="With --by clap: a checkpoint of CLAP of your own [default: the one in AudioSep's].",
)
@click.option(
    "--at-least",
    type=float,
    metavar="CONFIDENCE",
    help="How likely a sound has to be where it is likeliest, above 0 and up to 1 [default: 0.5; with --by clap, whose "
    "confidence is a cosine, 0.3].",
)
@window_option("From when to when, in seconds or as M:SS; several times, too [default: the whole file].")
@click.option("--labels", type=given_file, help="Also write an Audacity label track, which edit --labels reads.")
@click.option(
    "--margin",
    "margin_s",
    type=float,
    default=0,
    metavar="SECONDS",
    help="By which the labels are wider at both ends, as 0.1: the fades of an edit lie inside them [default: 0].",
)
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects in place of a table.")
@click.option(
    "--prompts", type=given_file, help="No INPUT: say how each prompt of this CSV's column 'prompt' is understood."
)
@track_option
@salvage_option
@overwrite_option
@voice_options
def detect(inputs: tuple[str, ...], prompts: Path | None, as_json: bool, voice: Voice, **asked: Any) -> None:
    """Say which sounds are in a recording, and when. INPUT is a sound or video file, or - for one on standard input.

    The sounds are the 50 of ESC-50, speech, singing and music. Confidence is how likely a sound is where it is
    likeliest. With --by clap a sound is any words, as --sound "a door creaks", and confidence the cosine of words and
    sound where they are nearest. With several INPUTs each object of --json has a path.
    """
    if bool(inputs) == bool(prompts):
        raise click.UsageError("give INPUT, or --prompts FILE, which needs none")
    if prompts and any(value for name, value in asked.items() if name != "overwrite"):
        raise click.UsageError("--prompts goes with --json alone: no sound is heard")
    failed = _say_prompts(prompts, as_json, voice) if prompts else _say_sounds(inputs, as_json, voice, **asked)
    raise click.exceptions.Exit(FAILED if failed else 0)


def _say_sounds(inputs: Sequence[str], as_json: bool, voice: Voice, overwrite: str, **asked: Any) -> bool:
    """Print what is heard; whether any file failed."""
    from sepkit.batch.detect import detect_files

    wanted = _wanted(voice, **asked)
    records: list[dict[str, Any]] = []
    failed = 0
    for found in detect_files(inputs, wanted, functools.partial(may_overwrite, overwrite), voice.quiet):
        if found.result.error or found.result.notes:
            voice.file(found.result)
        if found.result.error:
            failed += 1
        elif as_json:
            records += _records(found, several=len(inputs) > 1)
        else:
            click.echo(_table(found, wanted, several=len(inputs) > 1))
    if as_json and failed < len(inputs):
        _print_json(records)
    return failed > 0


def _wanted(
    voice: Voice,
    sounds: tuple[str, ...],
    by: By | None,
    at_least: float | None,
    windows: tuple[tuple[str, str], ...],
    track: str | None,
    salvage: bool,
    **others: Any,
) -> Wanted:
    from sepkit.batch.detect import AT_LEAST, Wanted
    from sepkit.config.asked import window
    from sepkit.config.sections import SourceConfig

    by = by or "embedded"
    return Wanted(
        sounds=_any_words(sounds) if by == "clap" else _understood(sounds, voice),
        at_least=AT_LEAST[by] if at_least is None else at_least,
        windows=tuple(window(*each) for each in windows),
        how=SourceConfig().asked(track, salvage),
        by=by,
        **others,
    )


def _understood(sounds: Sequence[str], voice: Voice) -> tuple[str, ...]:
    """Those of the known sounds that are meant; which, is said."""
    from sepkit.models.prompts import understand

    found = [understand(words, "--sound") for words in sounds]
    for each in found:
        if each.near:
            voice.step(f"--sound: {each.line}", beside_a_bar=False)
        else:
            voice.warning(f"--sound: {each.line}; or take any words, with --by clap")
    return tuple(each.sound for each in found)


def _any_words(sounds: Sequence[str]) -> tuple[str, ...]:
    """As they stand, each once."""
    from sepkit.config.edits import well_formed
    from sepkit.errors import ConfigError

    try:
        return tuple(dict.fromkeys(" ".join(well_formed(words).split()) for words in sounds))
    except ValueError as error:
        raise ConfigError(f"--sound: {error}") from error


def _records(found: Detected, several: bool) -> list[dict[str, Any]]:
    from sepkit.files.naming import shown

    path = {"path": shown(found.result.source)} if several else {}
    return [
        {
            **path,
            "class": each.sound,
            "start_s": round(each.start_s, 6),  # the microsecond of a label track
            "end_s": round(each.end_s, 6),
            "confidence": round(each.confidence, 3),
        }
        for each in found.events
    ]


def _table(found: Detected, wanted: Wanted, several: bool) -> str:
    """A line a sound, below the file's name where there are several."""
    from sepkit.files.naming import shown
    from sepkit.report.html import clock

    name = [shown(found.result.source)] if several else []
    if not found.events:
        asked = f"of {', '.join(wanted.sounds)} " if wanted.sounds else ""
        return "\n".join([*name, f"nothing {asked}is heard with a confidence of {wanted.at_least:g} or more"])
    rows = [(clock(each.start_s), clock(each.end_s), each.sound, f"{each.confidence:.2f}") for each in found.events]
    return "\n".join([*name, _lined_up([("start", "end", "class", "confidence"), *rows])])


def _say_prompts(path: Path, as_json: bool, voice: Voice) -> bool:
    """Print what each prompt is taken for; whether any cannot be understood."""
    from sepkit.files.naming import clipped
    from sepkit.models.prompts.listed import read_prompts

    found = read_prompts(path)
    for line in (*found.notes, *(each.problem for each in found.rows if each.problem)):
        voice.warning(line)
    if as_json:
        rounded = ((each, each.similarity and round(each.similarity, 3)) for each in found.rows)
        _print_json([{"prompt": each.text, "class": each.sound, "similarity": near} for each, near in rounded])
    else:
        cells = [
            (clipped(each.text, LONGEST_SHOWN), each.sound or NOTHING, f"{each.similarity:.2f}" if each.sound else "")
            for each in found.rows
        ]
        click.echo(_lined_up([("prompt", "class", "similarity"), *cells]))
    return any(each.sound is None for each in found.rows)


def _print_json(records: list[dict[str, Any]]) -> None:
    click.echo(json.dumps(records, ensure_ascii=False, allow_nan=False, indent=1))


def _lined_up(rows: Sequence[Sequence[str]]) -> str:
    """Rows as text, the first one the head, in columns as wide as their longest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
