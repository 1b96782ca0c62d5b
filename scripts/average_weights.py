"""The weighted mean of the weights of two runs of one network: `python -m scripts.average_weights A=1 B=2 -o OUT`.

Weights that were trained on from others lie in one valley with them, and their mean is often better than both: what a
short run on another mixture of examples gains, it keeps, and most of what that run forgot comes back.

Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sepkit.errors import ConfigError, SepkitError

if TYPE_CHECKING:
    from torch import Tensor


@click.command()
@click.argument("shares", nargs=-1, required=True, metavar="FILE=SHARE…")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Safetensors file to write.")
def main(shares: tuple[str, ...], output: Path) -> None:
    """Write the mean of exported weights, each counted as its share says."""
    try:
        average(dict(_share(text) for text in shares), output)
    except SepkitError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{output}: the mean of {', '.join(shares)}")


def average(shares: dict[Path, float], output: Path) -> None:
    """The mean of safetensors files of one network; its sizes are the first one's."""
    from safetensors import safe_open
    from safetensors.torch import save

    from sepkit.files.whole_file import whole_file

    total = sum(shares.values())
    mean: dict[str, Tensor] = {}
    metadata: dict[str, str] = {}
    for path, share in shares.items():
        with safe_open(path, framework="pt") as stored:
            names = set(stored.keys())
            metadata = metadata or stored.metadata()
            if stored.metadata().get("shape") != metadata["shape"] or (mean and names != set(mean)):
                raise ConfigError(f"{path}: is of another network than {next(iter(shares))}; give runs of one")
            for name in names:
                mean[name] = mean.get(name, 0) + share / total * stored.get_tensor(name)
    with whole_file(output) as part:
        part.write_bytes(save(mean, metadata={"shape": metadata["shape"]}))


def _share(text: str) -> tuple[Path, float]:
    path, _, share = text.rpartition("=")
    try:
        number = float(share)
    except ValueError:
        number = 0.0
    if not path or not Path(path).is_file() or not 0 < number < float("inf"):
        raise ConfigError(f"{text}: expected an existing FILE, '=' and a share above 0, such as first.safetensors=1")
    return Path(path), number


if __name__ == "__main__":
    main()
