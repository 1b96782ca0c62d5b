"""Separators, denoisers, metrics and tasks are found by name: a file, or a folder, in their room is all it takes.

A plug-in is a module or a package that holds a docstring (its source and licences), a pydantic `Options` and one class
named by the room's contract (`Separator`, `Denoiser`, `Metric`). `base`, and names that begin with an underscore, are
what the plug-ins of a room share. A task is a module of `render` that holds a `Task`; the others there are its frame.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import cache
from types import ModuleType

from sepkit.errors import ConfigError
from sepkit.files.naming import clipped


@cache
def names(kind: str) -> tuple[str, ...]:
    """The plug-ins of a kind ("separators", "denoisers", "metrics", "render"), sorted."""
    package = importlib.import_module(f"sepkit.{kind}")
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    own = (name for name in found if name != "base" and not name.startswith("_"))
    return tuple(sorted(name for name in own if kind != "render" or hasattr(_module(kind, name), "Task")))


def load(kind: str, name: str) -> ModuleType:
    """The module of one plug-in; an unknown name is an error that lists the known ones."""
    if not _is_task(name) if kind == "render" else name not in names(kind):
        among = "tasks" if kind == "render" else kind
        raise ConfigError(f"there is no '{clipped(name)}' among the {among}; choose one of {', '.join(names(kind))}")
    return _module(kind, name)


def _is_task(name: str) -> bool:
    """Looks at this one alone: a configuration is read without importing the rest of `render`."""
    known = name.isidentifier() and importlib.util.find_spec(f"sepkit.render.{name}") is not None
    return known and name != "base" and not name.startswith("_") and hasattr(_module("render", name), "Task")


def _module(kind: str, name: str) -> ModuleType:
    return importlib.import_module(f"sepkit.{kind}.{name}")
