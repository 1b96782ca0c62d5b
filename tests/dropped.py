"""Plug-ins of a test, in a folder of their own, as if they lay in their rooms."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sepkit.config import plugins


@contextmanager
def dropped_in(folder: Path, *rooms: str) -> Iterator[None]:
    """The files of `folder` are found in each of the rooms; afterwards nothing of them is left there."""
    packages = [importlib.import_module(f"sepkit.{room}") for room in rooms]
    paths = [list(package.__path__) for package in packages]
    loaded = set(sys.modules)
    for package in packages:
        package.__path__ = [*package.__path__, str(folder)]
    importlib.invalidate_caches()
    plugins.names.cache_clear()
    try:
        yield
    finally:
        for package, path in zip(packages, paths, strict=True):
            package.__path__ = path
        for name in set(sys.modules) - loaded:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]
        plugins.names.cache_clear()
