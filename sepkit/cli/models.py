"""`sepkit models`: what there is, what is here, how it comes here and goes."""

from __future__ import annotations

import click


@click.group()
def models() -> None:
    """List, download, check and remove the models that sepkit can use."""


@models.command("list")
@click.option("--task", metavar="TASK", help="Those for a task: speech, edit, speakers, dialogue, denoise, measure.")
@click.option("--commercial", is_flag=True, help="Without those whose licences forbid commercial use, or do not say.")
@click.option("--here", is_flag=True, help="Those that are on this machine.")
@click.option("--json", "as_json", is_flag=True, help="All that is known of each, as a list of objects.")
def models_list(task: str | None, commercial: bool, here: bool, as_json: bool) -> None:
    """Print the models to choose from: what each gives, its size, whether it is here and may be used commercially."""
    import json
    import shutil

    from sepkit.models.catalogue import rows_and_broken
    from sepkit.models.listing import as_dict, selected, table

    models, broken = rows_and_broken()
    known = sorted({model.about.task or "" for model in models})
    if task is not None and task not in known:
        raise click.UsageError(f"--task {task}: choose one of {', '.join(known)}")
    chosen = selected(models, task, commercial, here)
    if as_json:
        click.echo(json.dumps([as_dict(model) for model in chosen], ensure_ascii=False, indent=1))
    else:
        click.echo(table(chosen, shutil.get_terminal_size().columns))
    for line in broken:
        click.echo(line, err=True)


@models.command("show")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--json", "as_json", is_flag=True, help="A list of objects.")
def models_show(names: tuple[str, ...], as_json: bool) -> None:
    """Print all that is known of models, by their name here or elsewhere: htdemucs_ft.yaml, Audio-AGI/AudioSep."""
    import json

    from sepkit.models.catalogue import find
    from sepkit.models.listing import as_dict, details

    found = [find(name) for name in names]
    if as_json:
        click.echo(json.dumps([as_dict(model) for model in found], ensure_ascii=False, indent=1))
    else:
        click.echo("\n\n".join(map(details, found)))


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


@models.command("where")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def models_where(names: tuple[str, ...]) -> None:
    """Print where the files of models are looked for; one that is absent is marked so, on standard error."""
    from sepkit.models.catalogue import find

    for name in names:
        for file in find(name).files:
            click.echo(file.path)
            if not file.path.is_file():
                click.echo(f"{file.path}: absent", err=True)


@models.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def models_remove(names: tuple[str, ...]) -> None:
    """Remove the fetched files of models, with what was left of broken downloads.

    What comes with a package stays, and so do your own files and a file that another model needs which is here.
    """
    from sepkit.models.removal import remove

    click.echo("\n".join(remove(names)))
