"""Separators, denoisers, metrics and tasks are found by name: a file, or a folder, in their room is all it takes.

A plug-in is a module or a package that holds a docstring (its source and licences), a pydantic `Options` and one class
named by the room's contract (`Separator`, `Denoiser`, `Metric`). `base`, and names that begin with an underscore, are
what the plug-ins of a room share. A task is a module of `render` that holds a `Task`; the others there are its frame.

Whatever is wrong with a plug-in is one line that names its file, and disturbs nobody who does not use it.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from sepkit.errors import ConfigError, SepkitError, one_line
from sepkit.files.naming import clipped

CLASSES = {"separators": "Separator", "denoisers": "Denoiser", "metrics": "Metric", "render": "Task"}
_ROOT = Path(__file__).parents[2]
_LONGEST_REASON = 200


@cache
def names(kind: str) -> tuple[str, ...]:
    """The plug-ins of a kind ("separators", "denoisers", "metrics", "render"), sorted; of tasks, those that load."""
    package = importlib.import_module(f"sepkit.{kind}")
    found = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if _is_own(module.name))
    return tuple(name for name in found if kind != "render" or _is_task(name))


def load(kind: str, name: str) -> ModuleType:
    """The module of one plug-in; an unknown name is an error that lists the known ones, a broken one tells where."""
    known = _is_there(name) if kind == "render" else name in names(kind)  # of the tasks, this one alone is imported
    module = _module(kind, name) if known else None
    if module is None:
        among = "tasks" if kind == "render" else kind
        raise ConfigError(f"there is no '{clipped(name)}' among the {among}; choose one of {', '.join(names(kind))}")
    return module


def make(kind: str, name: str, settings: Any) -> Any:
    """A plug-in's class made with its options; a task is made with the whole configuration."""
    module = load(kind, name)
    with blamed(kind, name):
        return getattr(module, CLASSES[kind])(settings)


@contextmanager
def blamed(kind: str, name: str, done: str = "loaded") -> Iterator[None]:
    """Whatever a plug-in's own code raises becomes one line that names its file. done: what cannot be, with it."""
    try:
        yield
    except (SepkitError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        if _out_of_memory(error):
            raise MemoryError from error
        raise _broken(name, _reason(kind, name, error), done) from error


def _out_of_memory(error: BaseException) -> bool:
    """Whether a device's memory ran out, which torch tells by an error of its own."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(error, torch.OutOfMemoryError)


def _module(kind: str, name: str) -> ModuleType | None:
    """Imported and held against its room's contract; None for what is no task in the room of the tasks."""
    with blamed(kind, name):
        module = importlib.import_module(f"sepkit.{kind}.{name}")
    if kind == "render" and not hasattr(module, "Task"):
        return None
    contract = f"sepkit.{kind}.base", f"Base{CLASSES[kind]}"
    asked = {CLASSES[kind]: contract} | ({} if kind == "render" else {"Options": ("sepkit.config", "Options")})
    for attribute, (place, parent) in asked.items():
        found = getattr(module, attribute, None)
        if not (isinstance(found, type) and issubclass(found, getattr(importlib.import_module(place), parent))):
            raise _broken(name, f"{_file(kind, name)}: has no 'class {attribute}({place}.{parent})'")
        if absent := ", ".join(sorted(getattr(found, "__abstractmethods__", ()))):
            raise _broken(name, f"{_file(kind, name)}: its {attribute} lacks {absent}, see {place}")
    return module


def _broken(name: str, reason: str, done: str = "loaded") -> ConfigError:
    return ConfigError(f"'{name}' cannot be {done} ({reason}); mend it, or choose another")


def _reason(kind: str, name: str, error: BaseException) -> str:
    """File, kind of the error, line of the plug-in where it has one, and what Python says."""
    file, said = _file(kind, name), one_line(error)
    folder = str(Path(file).parent if Path(file).name == "__init__.py" else file)
    lines = [(_shown(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    place, line = next((each for each in reversed(lines) if each[0].startswith(folder)), (file, None))
    if isinstance(error, SyntaxError):
        place, line, said = _shown(error.filename or file), error.lineno, error.msg
    what = type(error).__name__ + (f", line {line}" if line else "")
    return f"{place}: {what}: {clipped(said.removeprefix(f'{type(error).__name__}: '), _LONGEST_REASON)}"


def _file(kind: str, name: str) -> str:
    spec = importlib.util.find_spec(f"sepkit.{kind}.{name}")
    return _shown(spec.origin or "") if spec else name


def _shown(file: str) -> str:
    path = Path(file)
    return path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else file


def _is_own(name: str) -> bool:
    return name != "base" and not name.startswith("_")


def _is_there(name: str) -> bool:
    return name.isidentifier() and _is_own(name) and importlib.util.find_spec(f"sepkit.render.{name}") is not None


def _is_task(name: str) -> bool:
    try:
        return _module("render", name) is not None
    except ConfigError:
        return False
