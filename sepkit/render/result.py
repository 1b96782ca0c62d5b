"""What comes out of a rendering: files or sound by stem, and what was done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sepkit.audio.samples import Audio

Outputs = dict[str, Path]
"""Where a source's results go, by stem, in the task's order."""


@dataclass(frozen=True)
class RenderReport:
    """What one rendering did. CPU-seconds by stage; a model's own time stands under "member …" and "denoiser".

    facts: by stem, what its finish found and did.
    """

    duration_s: float
    seconds_by_stage: dict[str, float]
    facts: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Rendered:
    """A result held in memory. Each stem is an attribute too: `rendered.speech`."""

    stems: dict[str, Audio]
    report: RenderReport

    def __getattr__(self, name: str) -> Audio:
        stems: dict[str, Audio] = self.__dict__.get("stems", {})
        if name not in stems:
            raise AttributeError(f"there is no stem '{name}'; choose one of {', '.join(stems)}")
        return stems[name]
