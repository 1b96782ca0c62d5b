"""Taking fetched files away again: nothing that comes with a package, that the user named or that another model needs.

Place: behind `sepkit models remove`.
"""

from __future__ import annotations

from collections.abc import Iterable

from sepkit.errors import WeightsError
from sepkit.models import catalogue
from sepkit.models.catalogue import Model
from sepkit.models.fetch import part_of
from sepkit.models.trusted import beside
from sepkit.models.weights import WeightFile, size_text


def remove(names: Iterable[str]) -> tuple[str, ...]:
    """Remove the fetched files of models; a line for each file that went or stayed, and each model with none."""
    models = [catalogue.find(name) for name in names]
    if embedded := [model.name for model in models if model.cached == "embedded"]:
        raise WeightsError(f"{', '.join(embedded)}: comes with a package, and is not removed; name fetched models only")
    staying = [row for row in catalogue.rows() if row not in models and row.cached == "yes"]
    lines = []
    for model in models:
        found = [line for file in model.files if (line := _removed(model, file, staying))]
        lines += found or [f"{model.name}: nothing of it is here"]
    return tuple(lines)


def _removed(model: Model, file: WeightFile, staying: list[Model]) -> str:
    """What became of one file; empty where there was nothing."""
    if file.url is None:
        return ""
    others = [row.name for row in staying if any(each.path == file.path for each in row.files)]
    if others and file.path.is_file():
        return f"{model.name}: kept {file.path}, for {', '.join(others)} needs it too; name all to remove it"
    gone = [path for path in (file.path, part_of(file), beside(file.path)) if path.is_symlink() or path.is_file()]
    size_bytes = sum(path.stat().st_size for path in gone if path.is_file())
    try:
        for path in gone:
            path.unlink()
    except OSError as error:
        raise WeightsError(
            f"{model.name}: {path} cannot be removed ({error.strerror}); check the permissions of its folder"
        ) from error
    return f"{model.name}: removed {', '.join(map(str, gone))} ({size_text(size_bytes)})" if gone else ""
