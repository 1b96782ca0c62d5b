"""Demucs's bags: their recipes, where each network's file is, and how it is read without running code in it.

Place: below `separator`. A repository is upstream's own (`demucs/remote`, files where torch.hub keeps them)
or a local folder as `demucs --repo` reads it: `<bag>.yaml` beside `<signature>-<digits of SHA-256>.th`.
Source: https://github.com/adefossez/demucs, `repo.py`, `states.py` and `remote/`.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from sepkit.config import plain_yaml
from sepkit.errors import WeightsError
from sepkit.files.naming import clipped
from sepkit.models.about import About
from sepkit.models.weights import OWN_LICENCE, WeightFile, torch_checkpoints, unreadable, verify
from sepkit.separators.demucs import films

SOURCE = "Défossez, Rouard et al., https://github.com/adefossez/demucs"
LICENCE_CODE = "MIT"
LICENCE_WEIGHTS = "unclear: MIT (model card) or research only (facebookresearch/demucs#327)"

_ROOT_URL = "https://dl.fbaipublicfiles.com/demucs/"
_FIGURES = {"htdemucs_ft": "mean SDR of four stems 9.0 dB, MUSDB HQ"}
_HYBRID_MEGABYTES = {"75fc33f5": 167, "5c90dfd2": 55}
_QUANTISED = ("6b9c2ca1", "b72baf4e", "42e558d4", "305bc58f", "83fc094f", "464b36d7", "14fc6a69", "7fd6ef75")


class Bag(BaseModel):
    """A bag's recipe: its experts' signatures, their weights per stem (none: all 1), a segment_s for all."""

    models: Annotated[tuple[str, ...], Field(min_length=1)]
    weights: tuple[tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...], ...] | None = None
    segment: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _one_row_each(self) -> Bag:
        if self.weights is not None and len(self.weights) != len(self.models):
            raise ValueError("weights needs one row for each model")
        return self

    def weight(self, expert: int, stem: int) -> float:
        """How much an expert counts for a stem."""
        return 1.0 if self.weights is None else self.weights[expert][stem]


def published_bags() -> tuple[str, ...]:
    """The bags whose recipes come with the demucs package, and those for films."""
    return (*sorted(path.stem for path in _recipes().glob("*.yaml")), *films.BAGS)


@cache
def published_files() -> dict[str, str]:
    """Signature → address below `_ROOT_URL`, from the list that comes with the demucs package."""
    folder, files = "", {}
    for line in map(str.strip, (_recipes() / "files.txt").read_text(encoding="utf-8").splitlines()):
        if line.startswith("root:"):
            folder = line.removeprefix("root:").strip()
        elif line and not line.startswith("#"):
            files[line.split("-")[0]] = folder + line
    return files


def read_bag(name: str, folder: str | None) -> Bag:
    """The recipe of a bag; a single network's signature is a bag of one."""
    if folder is None and name in films.BAGS:
        return Bag(models=films.BAGS[name])
    root = _recipes() if folder is None else Path(folder).expanduser()
    if not root.is_dir():
        raise WeightsError(
            f"options.folder: {root} is not a folder; give one that holds '{name}.yaml' and its .th files"
        )
    if name in (published_files() if folder is None else _local_files(root)):
        return Bag(models=(name,))
    path = root / f"{name}.yaml"
    if not path.is_file():
        known = sorted({*_local_files(root), *(file.stem for file in root.glob("*.yaml"))})
        raise WeightsError(
            f"options.bag: '{name}' is not in {root}; choose one of {', '.join(known) or '(it is empty)'}"
        )
    try:
        return Bag.model_validate(plain_yaml.load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        reason = clipped(" ".join(str(error).split()), 400)
        raise WeightsError(f"{path}: not the recipe of a bag ({reason}); see demucs/remote for examples") from error


def published_file(bag: str, signature: str) -> WeightFile:
    """Where torch.hub keeps a published network; the last digits in its name begin its SHA-256."""
    if bag in films.BAGS:
        return films.file(bag, signature)
    address = published_files()[signature]
    name = address.rpartition("/")[2]
    return WeightFile(
        model=bag,
        path=torch_checkpoints() / name,
        size_bytes=_megabytes(signature, address) * 1_000_000,
        sha256=Path(name).stem.partition("-")[2],
        source=SOURCE,
        licence_code=LICENCE_CODE,
        licence_weights=LICENCE_WEIGHTS,
        url=_ROOT_URL + address,
        about=About(
            task="speech",
            stems=("vocals",),
            sample_rate=44100,
            figure=_FIGURES.get(bag, ""),
            figure_source="https://github.com/adefossez/demucs" if bag in _FIGURES else "",
            note="keeps singing too",
        ),
    )


def local_file(bag: str, folder: str, signature: str) -> WeightFile:
    """A network in a local folder, with the digits of its SHA-256 where its name has them."""
    root = Path(folder).expanduser()
    files = _local_files(root)
    if signature not in files:
        named = clipped(signature)
        raise WeightsError(f"{bag}: network '{named}' is not in {root}; copy '{named}.th' there")
    path = files[signature]
    return WeightFile(
        model=bag,
        path=path,
        size_bytes=path.stat().st_size,
        sha256=path.stem[len(signature) + 1 :],
        source=str(root),
        licence_code=LICENCE_CODE,
        licence_weights=OWN_LICENCE,
    )


def read_network(file: WeightFile) -> Any:
    """The network in a `.th` file, a pickle of class, arguments and state; only Demucs's may be named."""
    verify(file)
    import torch
    from demucs.states import load_model

    try:
        with torch.serialization.safe_globals(_package_classes()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of arguments and tensor formats that older versions wrote
            network = load_model(  # type: ignore[no-untyped-call]  # demucs says it is typed, and is not
                torch.load(file.path, map_location="cpu", weights_only=True)
            )
    except Exception as error:  # a file may hold anything; whatever is wrong with it is one line
        if "diffq" in str(error) and not _quantisers():
            raise WeightsError(
                f"{file.model}: {file.path} is quantised and the package diffq is not installed; install sepkit's "
                "extra 'quantised' (it needs a C compiler on Python 3.11 and newer), or choose another bag"
            ) from error
        reason = unreadable(error)
        raise WeightsError(
            f"{file.model}: {file.path} does not hold a Demucs network ({reason}); bring the right file there"
        ) from error
    transformer = getattr(network, "crosstransformer", None)
    if transformer is not None:
        # A device for training: drawn from the global `random`, it would make runs and windows differ.
        transformer.sin_random_shift = 0
    return network


def _package_classes() -> list[Any]:
    """Every class that a package's pickle may name."""
    from fractions import Fraction

    from demucs.demucs import Demucs
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs

    # The oldest hybrid files know the network by another name; the quantisers stand in quantised states.
    return [HTDemucs, HDemucs, (HDemucs, "demucs.wdemucs.WDemucs"), Demucs, Fraction, *_quantisers()]


def _quantisers() -> tuple[type, ...]:
    """DiffQ's classes; none where its package, the extra "quantised", is not installed."""
    try:
        from diffq import DiffQuantizer, UniformQuantizer
    except ImportError:
        return ()
    return DiffQuantizer, UniformQuantizer


@cache
def _recipes() -> Path:
    """The folder `demucs/remote`, found without importing demucs (and with it torch)."""
    spec = find_spec("demucs")
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError("the package demucs is not installed; run 'pip install demucs'")
    return Path(spec.submodule_search_locations[0]) / "remote"


def _local_files(root: Path) -> dict[str, Path]:
    """Signature → file of a local repository."""
    files: dict[str, Path] = {}
    for path in sorted(root.glob("*.th")):
        signature = path.stem.rpartition("-")[0] or path.stem
        if signature in files:
            raise WeightsError(
                f"{root}: '{signature}' stands there twice ({files[signature].name}, {path.name}); keep one"
            )
        files[signature] = path
    return files


def _megabytes(signature: str, address: str) -> int:
    """Approximate: half-precision HTDemucs 84, MDX networks 173, their DiffQ-quantised forms 43."""
    if address.startswith("mdx_final/"):
        return 43 if signature in _QUANTISED else 173
    return _HYBRID_MEGABYTES.get(signature, 84)
