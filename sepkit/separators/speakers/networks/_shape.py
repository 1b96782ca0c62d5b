"""What the shapes of all networks for several voices share: how many voices, and the way back from JSON."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

Own = TypeVar("Own", bound="BaseShape")


@dataclass(frozen=True)
class BaseShape:
    """The sizes of a network; they stand in the metadata of its weights file. speakers: how many voices come out."""

    speakers: int = 2

    @classmethod
    def from_json(cls: type[Own], stored: dict[str, Any]) -> Own:
        """From what `asdict` became on its way through JSON; a missing size is an error."""
        sizes: dict[str, Any] = {each.name: stored[each.name] for each in fields(cls)}
        sizes |= {name: tuple(size) for name, size in sizes.items() if isinstance(size, list)}
        return cls(**sizes)
