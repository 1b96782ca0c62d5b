"""Separators, denoisers and metrics are found by name: adding a file, or a folder, to their room is all it takes.

A plug-in is a module or a package that holds a docstring (its source and licences), a pydantic `Options` and one class
named by the room's contract (`Separator`, `Denoiser`, `Metric`). `base`, and names that begin with an underscore, are
what the plug-ins of a room share.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from sepkit.errors import ConfigError


@cache
def names(kind: str) -> tuple[str, ...]:
    """The plug-ins of a kind ("separators", "denoisers", "metrics"), sorted."""
    package = importlib.import_module(f"sepkit.{kind}")
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(sorted(name for name in found if name != "base" and not name.startswith("_")))


def load(kind: str, name: str) -> ModuleType:
    """The module of one plug-in; an unknown name is an error that lists the known ones."""
    if name not in names(kind):
        raise ConfigError(f"there is no '{name}' among the {kind}; choose one of {', '.join(names(kind))}")
    return importlib.import_module(f"sepkit.{kind}.{name}")
