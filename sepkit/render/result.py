"""What comes out of a rendering: files or sound by stem, and what was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sepkit.audio.samples import Audio
from sepkit.errors import OutputError

Outputs = dict[str, Path]
"""Where a source's results go, by stem, in the task's order."""


def paths_by_stem(outputs: Mapping[str, Path | str], stems: Sequence[str]) -> Outputs:
    """`outputs` as paths. Raises where it names nothing, or a stem that is not among `stems`."""
    if not outputs or not set(outputs) <= set(stems):
        found = ", ".join(outputs) or "none"
        raise OutputError(f"outputs: found the stems {found}; name one or more of {', '.join(stems)}")
    return {name: Path(path) for name, path in outputs.items()}


@dataclass(frozen=True)
class RenderReport:
    """What one rendering did. CPU-seconds by stage; a model's own time stands under "member …" and "denoiser".

    facts: by stem, what its finish found and did. notes: what a person should know of the source.
    """

    duration_s: float
    seconds_by_stage: dict[str, float]
    facts: dict[str, dict[str, float]]
    notes: tuple[str, ...] = ()

    @property
    def lufs_rendered(self) -> float:
        """Loudness of the speech before it was levelled, in LUFS; of the task *speech* alone."""
        return self.facts["speech"]["loudness_before_levelling_lufs"]

    @property
    def gain_db(self) -> float:
        """What levelling then did to it, in dB."""
        return self.facts["speech"]["levelling_gain_db"]


@dataclass(frozen=True)
class Rendered:
    """A result held in memory. Each stem is an attribute too: `rendered.speech`.

    It unpacks in the order of the stems, the report last: `speech, background, report = rendered`.
    """

    stems: dict[str, Audio]
    report: RenderReport

    def __iter__(self) -> Iterator[Audio | RenderReport]:
        yield from self.stems.values()
        yield self.report

    def __getattr__(self, name: str) -> Audio:
        stems: dict[str, Audio] = self.__dict__.get("stems", {})
        if name not in stems:
            raise AttributeError(f"there is no stem '{name}'; choose one of {', '.join(stems)}")
        return stems[name]
