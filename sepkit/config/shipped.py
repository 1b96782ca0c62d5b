"""The configurations that come with sepkit, found by a short name from anywhere: `pilot`, `light`, `fast`, `best`."""

from __future__ import annotations

import os
from pathlib import Path

from sepkit.errors import ConfigError
from sepkit.files.naming import shown

_PACKAGE = Path(__file__).parents[1]
_LONG_ENDING = "_pipeline"
_EMBEDDED = ("edit", "speakers")
"""Tasks whose own configuration needs no download, beside speech, whose one is `pilot`."""
_FETCHED = ("dialogue",)
"""Tasks that nothing in the package can do."""


def shipped() -> dict[str, Path]:
    """Each configuration by its name: packed with the wheel, or beside the package in a clone."""
    packed = _PACKAGE / "configs"
    folder = packed if packed.is_dir() else _PACKAGE.parent / "config"
    return {path.stem.removesuffix(_LONG_ENDING): path for path in sorted(folder.glob("*.yaml"))}


def located(name: str | Path) -> Path:
    """The file that is meant: a path as it is, or one of `shipped` by its name. A file of that name goes first."""
    path = Path(name)
    if "\0" in str(name) or os.access(path, os.F_OK) or path.parent != Path() or path.suffix:
        return path
    known, short = shipped(), path.name.removesuffix(_LONG_ENDING)
    if short not in known:
        raise ConfigError(
            f"{shown(path)}: there is no such file or configuration; give a YAML file, or {', '.join(known)}"
        )
    return known[short]


def about(path: Path) -> str:
    """What a configuration is for: the first sentence of the comment on top of it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = []
    for line in lines:
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# ").strip())
    return " ".join(comment).split(". ")[0].rstrip(".")


def embedded_config(task: str) -> str | None:
    """How the configuration of a task that needs no download is asked for; errors about absent weights name it.

    None where every configuration of the task needs one.
    """
    return None if task in _FETCHED else f"--config {task if task in _EMBEDDED else 'pilot'}"
