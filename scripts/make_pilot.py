"""`python -m scripts.make_pilot [FOLDER]`: the pilot's files; `scripts.mixes.pilot` says how they are made."""

from pathlib import Path

import click

from scripts.mixes.pilot import FOLDER
from scripts.mixes.pilot import main as make
from sepkit.errors import SepkitError


@click.command()
@click.argument("folder", default=FOLDER, type=click.Path(path_type=Path, file_okay=False))
def main(folder: Path) -> None:
    """Make mix.wav, speech.wav, music.wav and words.txt in FOLDER [default: data/pilot], with Debian's synthesizers."""
    try:
        make(folder)
    except SepkitError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
