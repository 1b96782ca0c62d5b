"""Weights that lie in three files of a folder, as speechbrain's trainings save them: filters, masks, filters back.

    folder ─┬ encoder.ckpt   the filters
            ├ masknet.ckpt   the network between them
            └ decoder.ckpt   the filters back          each a plain state dict

Place: between the files and the networks that are published so, `sepformer` and the older ones of `mossformer2_ss`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sepkit.errors import ConfigError
from sepkit.models.weights import WeightFile, own_file, torch_checkpoints

if TYPE_CHECKING:
    from torch import Tensor

PARTS = ("masknet", "encoder", "decoder")
"""The largest first, which speaks for all."""


class Stored(NamedTuple):
    """One file as it is published. sha256: "" where nobody says it; the size is then only about that."""

    size_bytes: int
    sha256: str = ""


def published(page: str, revision: str, parts: Mapping[str, Stored], like: WeightFile) -> tuple[WeightFile, ...]:
    """The files of a published model. page: the hub's, which ends with its name. like: what all of them share."""
    return tuple(
        replace(
            like,
            path=torch_checkpoints() / like.model / f"{part}.ckpt",
            size_bytes=parts[part].size_bytes,
            sha256=parts[part].sha256,
            url=f"{page}/resolve/{revision}/{part}.ckpt",
            exact_size=bool(parts[part].sha256),
        )
        for part in PARTS
    )


def own(folder: str, model: str, source: str, licence_code: str, sha256: str | None) -> tuple[WeightFile, ...]:
    """The files of a folder that the user brings. sha256: of the largest."""
    place = Path(folder).expanduser()
    if place.is_file():
        wanted = ", ".join(f"{part}.ckpt" for part in PARTS)
        raise ConfigError(f"options.weights: {place} is a file; give the folder that has {wanted}")
    found = [own_file(str(place / f"{part}.ckpt"), model, source, licence_code) for part in PARTS]
    return (replace(found[0], sha256=sha256 or ""), *found[1:])


def tensors(files: tuple[WeightFile, ...]) -> dict[str, dict[str, Tensor]]:
    """Of each part, by name, copied as float32."""
    from sepkit.models import checkpoint

    read = (checkpoint.as_floats(checkpoint.read(file, bare=True)) for file in files)
    return dict(zip(PARTS, read, strict=True))
