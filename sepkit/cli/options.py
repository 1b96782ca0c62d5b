"""What several commands ask for: the configuration, and how sources are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sepkit.config import Config

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    metavar="FILE|NAME",
    help="YAML file, or the name of a shipped one: see `sepkit config list` [default: pilot].",
)


track_option = click.option(
    "--track", metavar="N|LANG|all", help="Sound track of a file that has several [default: the one it marks so]."
)
salvage_option = click.option(
    "--salvage", is_flag=True, help="Take what is there of a file that is cut short or damaged, and mark the result."
)


def chosen(path: Path | None, track: str | None = None, salvage: bool = False) -> Config:
    """The configuration that a command was given, or the embedded one; options go before what it says of sources."""
    from sepkit.config import default_config_path, load_config

    config = load_config(path or default_config_path())
    return config.reading(track, salvage) if track is not None or salvage else config
