"""What a mix of a set for `task: edit` asks for: a row of its manifest.csv as an edit that keeps a sound alone.

prompt         the sound that stands in target/, in words
windows        when it is to be kept alone, as "0.5 2.5; 1:03 1:04.5"; empty: the whole file
other_prompt   the sound that stands in other/ (optional)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sepkit.config.edits import Edit
from sepkit.config.labels.times import seconds
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped


class Asked(NamedTuple):
    """edit: what each configuration is asked for. other_prompt: the rest of the mix; empty where it is not known."""

    edit: Edit
    other_prompt: str

    @property
    def swapped(self) -> Edit:
        """The other sound, kept alone in the same windows."""
        return self.edit.model_copy(update={"prompt": self.other_prompt})

    @property
    def without_gate(self) -> Edit:
        """The same edit throughout the file."""
        return self.edit.model_copy(update={"windows": ()})

    def identity(self) -> tuple[str, ...]:
        """Differs where what is asked for does."""
        return self.edit.model_dump_json(), self.other_prompt


def read_asked(fields: Mapping[str, str | None], where: str) -> Asked:
    """The edit of a row. where: the row's place, for errors."""
    prompt, windows, other = ((fields.get(name) or "").strip() for name in ("prompt", "windows", "other_prompt"))
    edit = Edit.checked(where, prompt=prompt, mode="keep", windows=list(_windows(windows, where)))
    if other:
        Edit.checked(f"{where}: other_prompt", prompt=other, mode="keep")
    return Asked(edit, other)


def _windows(text: str, where: str) -> Iterator[tuple[float, float]]:
    for part in filter(None, map(str.strip, text.split(";"))):
        times = [time_s for word in part.split() if (time_s := seconds(word)) is not None]
        if len(times) != 2 or len(part.split()) != 2:
            raise ConfigError(
                f"{where}: windows: '{clipped(part, 40)}' is no start and end; write them as '0.5 2.5; 4 6'"
            )
        yield times[0], times[1]
