"""What a training saved, as tensors by name, and a network filled with them.

Place: between a file and the networks that are published as checkpoints of their training. The file is mapped into
memory, so that what nobody uses is never read, and no code in it runs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import nn

from sepkit.errors import WeightsError
from sepkit.models.weights import WeightFile, unlike, unreadable

if TYPE_CHECKING:
    from torch import Tensor

Module = TypeVar("Module", bound=nn.Module)
Shape = TypeVar("Shape")
Found = TypeVar("Found")
ZIP = b"PK\x03\x04"
"""What a zip with anything in it begins with."""


def read(file: WeightFile, wrapper: str = "state_dict", bare: bool = False) -> dict[str, Tensor]:
    """The tensors of a file by name. wrapper: under which name they lie in it. bare: or under none."""
    return state(opened(file), file, wrapper, bare)


def opened(file: WeightFile) -> Any:
    """What a file holds; tensors stay in it until they are used."""
    try:
        return _stored(file)
    except Exception as error:  # a file may hold anything; whatever is wrong with it is one line
        raise WeightsError(
            f"{file.model}: {file.path} cannot be read ({unreadable(error)}); bring the right file there"
        ) from error


def state(stored: Any, file: WeightFile, wrapper: str = "state_dict", bare: bool = False) -> dict[str, Tensor]:
    """The tensors by name of what a file holds, as `read` has them."""
    found = stored.get(wrapper, stored if bare else None) if isinstance(stored, dict) else None
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise unfit(file, f"there is no '{wrapper}' of tensors")
    return found


def as_floats(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copied out of the file, numbers with a fraction as float32."""
    return {name: t.to(torch.float32 if t.is_floating_point() else t.dtype, copy=True) for name, t in tensors.items()}


def _stored(file: WeightFile) -> Any:
    if file.path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(file.path)
    with file.path.open("rb") as opened:
        mapped = opened.read(len(ZIP)) == ZIP  # what torch saved before 1.6 is no zip, and is read as a whole
    try:
        with torch.serialization.safe_globals(_numbers()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles of other versions; what cannot be read is an error
            return torch.load(file.path, map_location="cpu", weights_only=True, mmap=mapped)
    except (LookupError, EOFError) as error:  # of bytes that are no pickle
        raise ValueError("it is no checkpoint, or damaged") from error


def _numbers() -> list[Any]:
    """What a number of NumPy's is stored by: some trainings save their learning rate as one. It runs no code."""
    import numpy as np

    scalar = np.float64(0).__reduce__()[0]
    names = [f"numpy.{core}.multiarray.scalar" for core in ("core", "_core")]
    return [*((scalar, name) for name in names), np.dtype, type(np.dtype(np.float64))]


def filled(module: Module, tensors: dict[str, Tensor], file: WeightFile, front: str) -> Module:
    """The network with the tensors as its own. front: what stands before their names in the file."""
    if difference := unlike(module.state_dict(), tensors):
        raise unfit(file, f"of {front}*, {difference}")
    module.load_state_dict(tensors, assign=True)
    return module.eval().requires_grad_(False)


def sized(shape: Callable[[Found], Shape], tensors: Found, file: WeightFile) -> Shape:
    """A network's sizes, which `shape` reads off its tensors by name."""
    try:
        return shape(tensors)
    except KeyError as error:
        raise unfit(file, f"there is no tensor {error}") from error
    except (TypeError, ValueError, IndexError) as error:  # of fewer or more dimensions
        raise unfit(file, "a tensor that says how large its layers are has another number of dimensions") from error


def unfit(file: WeightFile, found: str) -> WeightsError:
    """The error that a file is not what was asked for."""
    return WeightsError(
        f"{file.model}: {file.path} does not fit: {found}; give one whose layers are those of the published one"
    )
