"""Labels as edits: rows that follow each other and ask for the same become one edit with several windows."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from sepkit.config.edits import Edit, Mode
from sepkit.config.labels.row import Label, Labels
from sepkit.errors import ConfigError
from sepkit.files.naming import shown


def edits_from(
    labels: Labels,
    prompt: str | None = None,
    mode: Mode | None = None,
    fade_ms: float | None = None,
    strength: float | None = None,
) -> tuple[Edit, ...]:
    """The edits that the labels ask for, in order. What is given here holds for all rows, whatever they say.

    Without `prompt` a row's label is its prompt. A fade or a strength that nobody gives has the default of `Edit`. An
    edit without a prompt or a mode is an error that names its line.
    """
    if named := next((row for row in labels.rows if row.path), None):
        raise ConfigError(
            f"{shown(labels.path)}, {named.place}: names a file, '{shown(named.path)}', as a batch has it; "
            "leave the column 'path' out for a single file"
        )
    given = {"prompt": prompt, "mode": mode, "fade_ms": fade_ms, "strength": strength}
    held = {name: value for name, value in given.items() if value is not None}
    asked = ((row, _asked(row) | held) for row in labels.rows)
    # A row for the whole file has no windows to join to those of others.
    groups = groupby(asked, key=lambda each: (each[0].row if each[0].start_s is None else 0, *each[1].values()))
    file = shown(labels.path)
    return tuple(_edit(file, list(group)) for _, group in groups)


def _asked(row: Label) -> dict[str, Any]:
    return {"prompt": row.text or None, "mode": row.mode, "fade_ms": row.fade_ms, "strength": row.strength}


def _edit(file: str, alike: list[tuple[Label, dict[str, Any]]]) -> Edit:
    first, asked = alike[0]
    where = f"{file}, {first.place}"
    if asked["prompt"] is None:
        raise ConfigError(f"{where}: its label is empty; write the sound that is meant there, or give --prompt")
    if asked["mode"] is None:
        raise ConfigError(f"{where}: whether to keep or to remove is not said; give --mode keep or --mode remove")
    windows = [(row.start_s, row.end_s) for row, _ in alike if row.start_s is not None]
    return Edit.checked(where, windows=windows, **{name: value for name, value in asked.items() if value is not None})
