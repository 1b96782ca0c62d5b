"""Names under which models are known elsewhere, and which member with which options each means.

A family says its names in its own folder, by `names() -> tuple[Known, ...]` beside `catalogue()`. The name of a member
goes before all of them; capitals do not matter.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sepkit.config import plugins
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped


@dataclass(frozen=True)
class Known:
    """A name that a person may type in place of a member's.

    model: the row of `sepkit models list` that it means. options: of the member, as a YAML would have them; what the
    user gives beside the name goes before. of: whose name it is ("audio-separator"); "" where it is the model's own.
    """

    name: str
    model: str
    options: dict[str, Any] = field(default_factory=dict)
    of: str = ""


class Meant(NamedTuple):
    """What a name means. member: the separator whose name it is."""

    member: str
    known: Known


def all_names() -> dict[str, Meant]:
    """Every name in small letters, in the order of the members; a member that is broken has none."""
    found: dict[str, Meant] = {}
    for member in plugins.names("separators"):
        try:
            module = plugins.load("separators", member)
            with plugins.blamed("separators", member):
                names = {known.name.casefold(): Meant(member, known) for known in getattr(module, "names", tuple)()}
        except ConfigError:  # whoever asks for it is told; whoever asks for another member is not disturbed
            continue
        found = names | found
    return found


def spelled_out(section: dict[str, Any]) -> dict[str, Any]:
    """A member's section with the member and its options in place of a name from elsewhere."""
    name, options = section["separator"], section.get("options")
    if name in plugins.names("separators"):
        return section
    names = all_names()
    if name.casefold() not in names:
        known_here = (*plugins.names("separators"), *(meant.known.name for meant in names.values()))
        if close := difflib.get_close_matches(name, known_here, n=1):
            raise ConfigError(f"there is no '{clipped(name)}' among the separators; did you mean '{close[0]}'?")
        return section  # the room says whom it knows
    member, known = names[name.casefold()]
    given = {} if options is None else options
    return {**section, "separator": member, "options": known.options | given if isinstance(given, dict) else given}
