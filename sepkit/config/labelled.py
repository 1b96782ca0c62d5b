"""Where the edits of each file are found, of several that a batch or a run takes: `edits:` as no list but a section.

    edits: {labels: beside, mode: remove}       a label file beside each input
    edits: edits.csv                            short for {labels: edits.csv}

Place in the flow: `sepkit.batch.edits` reads the files; what a rendering gets is a list of edits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from sepkit.config.edits import Edit, Mode, well_formed
from sepkit.config.yaml_file import Options, OptionsError, found_text, problems

BESIDE = "beside"


class Labelled(Options):
    """labels: "beside", or the path of a label file. With a column `path` that has rows of its own for each input;
    without, what it asks for holds for every input.

    The other fields hold for all rows, whatever these say; null: the row's own, and its label as the prompt. A row
    without a mode removes.
    """

    labels: Annotated[str, Field(min_length=1)]
    prompt: str | None = None
    mode: Mode | None = None
    fade_ms: Annotated[float, Field(ge=0, le=10_000)] | None = None
    strength: Annotated[float, Field(ge=0, le=1)] | None = None

    @field_validator("prompt")
    @classmethod
    def _check_prompt(cls, text: str | None) -> str | None:
        return text if text is None else well_formed(text)

    def given(self) -> dict[str, Any]:
        """What holds for all rows."""
        return self.model_dump(exclude={"labels"}, exclude_none=True)

    def seen_from(self, folder: Path) -> Labelled:
        """The same with a path that begins at `folder`."""
        return self.moved(lambda path: str((folder / path).absolute()))

    def moved(self, path: Callable[[str], str]) -> Labelled:
        """The same with another path to the same file."""
        return self if self.labels == BESIDE else self.model_copy(update={"labels": path(self.labels)})


Edits = tuple[Edit, ...] | Labelled


def checked(raw: Any) -> Any:
    """`edits` of a YAML file: a list of edits, a section, or the path that stands for one."""
    if isinstance(raw, Labelled):
        return raw
    if isinstance(raw, str) and raw:
        raw = {"labels": raw}
    if not (isinstance(raw, list | tuple) or (isinstance(raw, dict) and "labels" in raw)):
        asked = f"a list of edits, or labels ({BESIDE}, or a file), is asked, found {found_text(raw)}"
        raise OptionsError([("", asked)])
    of_list = not isinstance(raw, dict)
    try:
        return TypeAdapter(tuple[Edit, ...] if of_list else Labelled).validate_python(raw)
    except ValidationError as error:
        raise OptionsError(list(problems(error, Edit if of_list else Labelled))) from error
