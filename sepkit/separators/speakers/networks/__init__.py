"""The networks for several voices, one file each, found by the file's name: a `Shape`, and a `Network` made from one.

A network takes a mix (batch, frames) float32 at 16 kHz and gives each voice, (batch, speakers, frames).
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

KINDS = tuple(sorted(each.name for each in pkgutil.iter_modules(__path__) if not each.name.startswith("_")))


def shape_of(kind: str) -> Any:
    """The `Shape` class of a kind."""
    return importlib.import_module(f"{__name__}.{kind}").Shape


def build(kind: str, shape: Any) -> Any:
    """The network of a kind, an `nn.Module` with random weights."""
    return importlib.import_module(f"{__name__}.{kind}").Network(shape)
