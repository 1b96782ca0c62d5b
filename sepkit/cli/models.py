"""`sepkit models`: what there is, what is here, and how it comes here."""

from __future__ import annotations

import click


@click.group()
def models() -> None:
    """List, download and check the models that sepkit can use."""


@models.command("list")
def models_list() -> None:
    """Print every model with its size, whether it is here, and its licences."""
    from sepkit.models.catalogue import table

    click.echo(table())


@models.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--trust", is_flag=True, help="Take a file whose SHA-256 nobody publishes, and hold it to what came.")
def models_fetch(names: tuple[str, ...], trust: bool) -> None:
    """Download models by name and check them.

    A download that broke off is taken up. SEPKIT_MIRROR names a copy of the folder of weights, a folder or a URL, to
    take them from; with SEPKIT_OFFLINE=1 no connection is made; TORCH_HOME says where they are kept.
    """
    from sepkit.models.catalogue import fetch

    for name in names:
        model = fetch(name, trust=trust, told=lambda line: click.echo(line, err=True))
        click.echo(f"{model.name}: here and verified")


@models.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def models_verify(names: tuple[str, ...]) -> None:
    """Check the SHA-256 of the named models, or of all that are here."""
    from sepkit.models.catalogue import verify

    click.echo("\n".join(verify(names)))
