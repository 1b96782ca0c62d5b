"""The prompts of a table, in a column `prompt` of a CSV, each as it is understood: `sepkit detect --prompts`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sepkit.config.labels.cells import csv_rows, delimiter
from sepkit.config.labels.row import Page, place
from sepkit.config.labels.text import read_page
from sepkit.errors import ConfigError, PromptError
from sepkit.files.naming import clipped, shown
from sepkit.models.prompts.meaning import understand

COLUMN = "prompt"
ASKED = f"a CSV with a column '{COLUMN}'"


class Prompt(NamedTuple):
    """A row. sound, similarity: as `Understood` has them; None where the words cannot be understood. problem: why they
    cannot, or that they are far from the sound; "": neither.
    """

    text: str
    sound: str | None = None
    similarity: float | None = None
    problem: str = ""


class Prompts(NamedTuple):
    """The rows of a table in its order, and what somebody should know of how it was read, a sentence each."""

    rows: tuple[Prompt, ...]
    notes: tuple[str, ...]


def read_prompts(path: Path) -> Prompts:
    """Read a table and understand its prompts. A table that cannot be read, or has none, is a `ConfigError`."""
    page = read_page(path, ASKED)
    table = csv_rows(page, delimiter(page))
    _, header = next(table)
    column = _column(page, header)
    rows = [_prompt(page, row, line, "".join(cells[column : column + 1])) for row, (line, cells) in enumerate(table, 1)]
    if not rows:
        raise ConfigError(f"{shown(path)}: has no row below its header; give {ASKED} and a prompt a row")
    return Prompts(tuple(rows), page.all_notes())


def _column(page: Page, header: list[str]) -> int:
    names = [name.strip().lower() for name in header]
    if names.count(COLUMN) != 1:
        found = clipped(", ".join(header))
        raise ConfigError(
            f"{shown(page.path)}: one column '{COLUMN}' is asked, found {found}; name it so in the header"
        )
    return names.index(COLUMN)


def _prompt(page: Page, row: int, line: int, text: str) -> Prompt:
    where = f"{shown(page.path)}, {place(row, line)}: "
    try:
        found = understand(text, f"{where}{COLUMN}")
    except PromptError as error:
        return Prompt(text, problem=str(error))
    return Prompt(text, found.sound, found.similarity, "" if found.near else where + found.line)
