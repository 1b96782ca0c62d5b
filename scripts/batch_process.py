"""`python -m scripts.batch_process --config FILE --in-dir DIR --pattern GLOB --out-dir DIR`: the form of the original.

The same command as `sepkit batch`, with its two folders as options.
"""

from __future__ import annotations

import click

from sepkit.cli.batch import batch
from sepkit.cli.guard import Guarded
from sepkit.cli.options import given_path


def _folder(name: str, help_text: str) -> click.Option:
    return click.Option([name], type=given_path, required=True, help=help_text)


main = Guarded(
    "batch_process",
    params=[
        _folder("--in-dir", "Folder (or .zip) with the files to clean."),
        _folder("--out-dir", "Folder for the cleaned tree."),
        *(option for option in batch.params if isinstance(option, click.Option)),
    ],
    callback=batch.callback,
    help=batch.help,
)

if __name__ == "__main__":
    main()
