"""Weights as sepkit exports them: tensors in a safetensors file, the network's sizes as JSON in its metadata.

Place: behind the networks of our own, which say what their sizes are; `sepkit.training.export` writes such files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sepkit.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

Shape = TypeVar("Shape")


def read(
    path: Path, network: str, shape: Callable[[dict[str, Any]], Shape], device: str
) -> tuple[Shape, dict[str, Tensor]]:
    """The sizes, as `shape` makes them of the JSON, and the tensors on `device`. network: its name, for the error."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device=device) as stored:
            sizes = shape(json.loads(stored.metadata()["shape"]))
            return sizes, {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118  no mapping
    except (SafetensorError, OSError, AttributeError, TypeError, KeyError, ValueError) as error:
        raise WeightsError(f"{network}: {path} cannot be read ({error}); give a file that sepkit exported") from error
