"""What several commands ask for: the configuration, and how sources are read."""

from __future__ import annotations

import os
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


def config_option(default: str = DEFAULT) -> Callable[[Any], Any]:
    """The configuration of a command. default: the name of the shipped one that holds where none is given."""
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


def chosen(path: Path | None, track: str | None = None, salvage: bool = False, default: str = DEFAULT) -> Config:
    """The configuration that a command was given, or the shipped one of the name `default`; options go before what it
    says of sources.
    """
    from sepkit.config import load_config
    from sepkit.config.shipped import shipped

    config = load_config(path or shipped()[default])
    return config.reading(track, salvage) if track is not None or salvage else config
