"""`python -m scripts.evaluate --config FILE --out-dir DIR`: the form of the original.

The same code as `sepkit pilot`: cleans the configuration's pilot mix, measures it, writes the tables to `--out-dir`.
"""

from __future__ import annotations

from pathlib import Path

import click

from sepkit.cli.guard import Guarded
from sepkit.cli.pilot import pilot

main = Guarded(
    "evaluate",
    params=[
        click.Option(["--out-dir", "eval_dir"], type=click.Path(path_type=Path), help="Where the tables go."),
        *(parameter for parameter in pilot.params if parameter.name != "eval_dir"),
    ],
    callback=pilot.callback,
    help=pilot.help,
)

if __name__ == "__main__":
    main()
