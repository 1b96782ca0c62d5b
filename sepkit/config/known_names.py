"""Names under which models are known elsewhere, and which member with which options each means.

A family says its names in its own folder, by `names() -> tuple[Known, ...]` beside `catalogue()`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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
