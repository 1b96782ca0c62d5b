"""AudioSep's member with random weights of its own file format, as `sepkit` in a process of its own.

    python -m scripts.bench.random_audiosep write FILE TOKENIZER [--narrow]
    python -m scripts.bench.random_audiosep edit FILE TOKENIZER …       # what follows is `sepkit edit`'s

The tokenizer is made for the tests and has another hash than the published one, which is why it is put in here.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path


def write(checkpoint: Path, tokenizer: Path, narrow: bool = False) -> None:
    """Both files; of the published sizes, or of some that take no time."""
    from sepkit.models.clap import text
    from tests.models.clap import clap_weights
    from tests.separators import audiosep_weights as weights

    sizes = (weights.NARROW, clap_weights.TINY) if narrow else (weights.PUBLISHED, text.Shape())
    weights.write(checkpoint, *sizes)
    clap_weights.write_tokenizer(tokenizer)


def use(tokenizer: Path) -> None:
    """The member reads this tokenizer."""
    from sepkit.separators.audiosep import separator

    checkpoint, published = separator.catalogue()
    files = checkpoint, replace(published, path=tokenizer, sha256="")
    separator.catalogue = lambda: files


def main(what: str, checkpoint: str, tokenizer: str, *arguments: str) -> None:
    """See the module's docstring."""
    if what == "write":
        write(Path(checkpoint), Path(tokenizer), "--narrow" in arguments)
        return
    from sepkit.cli import main as command

    use(Path(tokenizer))
    command(["edit", *arguments])


if __name__ == "__main__":
    main(*sys.argv[1:])
