"""What several commands ask for: the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sepkit.config import Config


class _GivenPath(click.Path):
    """A path that names something: an empty one, often an unset variable of a shell, would be the working folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        if str(value) == "":
            self.fail("is empty; name it, or '.' for the working folder", param, ctx)
        return super().convert(value, param, ctx)


given_path = _GivenPath(path_type=Path)
given_text = _GivenPath(path_type=str)
"""As it was typed: "-" is no path."""

config_option = click.option(
    "--config", "config_path", type=given_path, help="YAML file [default: the embedded pilot.yaml]."
)


def chosen(path: Path | None) -> Config:
    """The configuration that a command was given, or the embedded one."""
    from sepkit.config import default_config_path, load_config

    return load_config(path or default_config_path())
