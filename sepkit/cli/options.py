"""What several commands ask for: the configuration."""

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


def chosen(path: Path | None) -> Config:
    """The configuration that a command was given, or the embedded one."""
    from sepkit.config import default_config_path, load_config

    return load_config(path or default_config_path())
