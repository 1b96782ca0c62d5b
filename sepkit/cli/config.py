"""`sepkit config`: look at configurations and check them."""

from __future__ import annotations

from pathlib import Path

import click

from sepkit.cli.options import chosen
from sepkit.errors import ConfigError


@click.group("config")
def config_group() -> None:
    """Print and check configurations."""


@config_group.command("list")
def config_list() -> None:
    """Print the configurations that come with sepkit: name, what it is, file."""
    from sepkit.config.shipped import about, shipped

    found = shipped()
    width = max(map(len, found))
    for name, path in found.items():
        click.echo(f"{name:{width}} {about(path)}\n{'':{width}} {path}")


@config_group.command("show")
@click.argument("path", required=False, metavar="[FILE|NAME]", type=click.Path(path_type=Path))
def config_show(path: Path | None) -> None:
    """Print a configuration with every default filled in."""
    from sepkit.config import dump_config

    click.echo(dump_config(chosen(path)), nl=False)


@config_group.command("check")
@click.argument("paths", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
def config_check(paths: tuple[Path, ...]) -> None:
    """Check configurations; print each problem on a line with its field."""
    from sepkit.judge.verdict import Judge

    for path in paths:
        config = chosen(path)
        try:
            Judge(config, config.gate_metrics())
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
        click.echo(f"{path}: ok")
