"""What several commands ask for: the configuration, and how sources are read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sepkit.config import Config


DEFAULT = "pilot"
"""The configuration that holds where none is given."""


class _GivenPath(click.Path):
    """A path that names something: an empty one, often an unset variable of a shell, would be the working folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        if str(value) == "":
            self.fail("is empty; name it, or '.' for the working folder", param, ctx)
        if not self.dir_okay and str(value).endswith(os.sep):
            self.fail(f"{str(value)!r} is a folder; name a file", param, ctx)
        return super().convert(value, param, ctx)


given_path = _GivenPath(path_type=Path, readable=False)
given_file = _GivenPath(path_type=Path, readable=False, dir_okay=False)
given_text = _GivenPath(path_type=str, readable=False)
"""As it was typed: "-" is no path."""


def window_option(help: str) -> Callable[[Any], Any]:
    """Windows as they are written, (start, end)."""
    return click.option("--window", "windows", type=(str, str), multiple=True, metavar="START END", help=help)


def config_option(default: str = DEFAULT) -> Callable[[Any], Any]:
    """The configuration of a command. default: which shipped one holds where none is given, as the help says it."""
    return click.option(
        "--config",
        "config_path",
        type=given_path,
        metavar="FILE|NAME",
        help=f"YAML file, or the name of a shipped one: see `sepkit config list` [default: {default}].",
    )


track_option = click.option(
    "--track", metavar="N|LANG|all", help="Sound track of a file that has several [default: the one it marks so]."
)
salvage_option = click.option(
    "--salvage", is_flag=True, help="Take what is there of a file that is cut short or damaged, and mark the result."
)


video_option = click.option(
    "--video/--no-video",
    default=None,
    help="Of a video the result is that video with new sound, or the sound alone [default: a video, but for voices].",
)

overwrite_option = click.option(
    "--overwrite",
    type=click.Choice(["ask", "always", "never"]),
    default="ask",
    show_default=True,
    help="What to do where a result is there already; where nobody can be asked, ask is never.",
)


def may_overwrite(answer: str, path: Path) -> bool:
    """Whether what is at `path` may be replaced, as --overwrite answers, or whoever sits there."""
    if answer == "ask" and sys.stdin.isatty() and sys.stderr.isatty():
        return click.confirm(f"{path} is there already. Replace it?", err=True)
    return answer == "always"


def filmed(config: Config, video: bool | None, out: str = "") -> Config:
    """With what --video or --no-video asks for; without them, of a video comes a video where the task has one sound for
    it. out: what stands after -o.
    """
    from pathlib import PurePath

    from sepkit.audio.video.kinds import VIDEO_SUFFIXES
    from sepkit.render.base import make_task

    if video is False and PurePath(out).suffix.lower() in VIDEO_SUFFIXES:
        raise click.UsageError(f"--no-video and -o {out} contradict each other: leave one out")
    wanted = config.output.format
    if video or (video is None and wanted == "same" and out != "-" and not make_task(config).any_order):
        wanted = "source"
    elif video is False and wanted == "source":
        wanted = "same"
    return config.model_copy(update={"output": config.output.model_copy(update={"format": wanted})})


def chosen(path: Path | None, track: str | None = None, salvage: bool = False, default: str = DEFAULT) -> Config:
    """The configuration that a command was given, or the shipped one of the name `default`; options go before what it
    says of sources.
    """
    from sepkit.config import load_config
    from sepkit.config.shipped import shipped

    config = load_config(path or shipped()[default])
    return config.reading(track, salvage) if track is not None or salvage else config


model_option = click.option(
    "--model", metavar="NAME", help="One model, in place of the configuration's members: see `sepkit models list`."
)


def with_model(config: Config, name: str | None) -> Config:
    """The configuration with this model alone, if one was named; it has to be for the configuration's task."""
    from sepkit.config import asked

    found = asked.with_model(config, name)
    if name:
        from sepkit.models.catalogue import check_task

        check_task(name, config.task)
    return found
