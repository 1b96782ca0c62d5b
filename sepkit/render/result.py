"""What comes out of a rendering: files or sound by stem, and what was done."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sepkit.audio.samples import Audio
from sepkit.config.edits import BEYOND
from sepkit.errors import OutputError, SepkitError
from sepkit.files.naming import clipped, real, shown
from sepkit.models.prompts.meaning import FAR

Outputs = dict[str, Path]
"""Where a source's results go, by stem, in the task's order."""

NO_SPEECH, LITTLE_SPEECH = "no speech found", "too little speech found"
"""How a note begins that says why there was nothing to level by."""


def lack_of_speech(notes: Iterable[str]) -> str:
    """The note that nobody speaks, or hardly anybody; empty where somebody does."""
    return next((note for note in notes if note.startswith((NO_SPEECH, LITTLE_SPEECH))), "")


def is_doubtful(notes: Iterable[str]) -> bool:
    """Whether one says that the result may not be what was meant: a prompt is far from what it was taken for, or a
    window lies beyond the end.
    """
    return any(FAR in note or BEYOND in note for note in notes)


def paths_by_stem(outputs: Mapping[str, Path | str], stems: Sequence[str], source: Path | str | Audio) -> Outputs:
    """`outputs` as paths.

    Raises where it names nothing, or a stem that is not among `stems`; where two stems would be one file, or one would
    replace `source`.
    """
    if not isinstance(outputs, Mapping):
        raise OutputError(f"outputs: found {clipped(repr(outputs))}; give a path for each stem, by its name")
    if not outputs or not set(outputs) <= set(stems):
        found = ", ".join(clipped(str(name)) for name in outputs) or "none"
        raise OutputError(f"outputs: found the stems {found}; name one or more of {', '.join(stems)}")
    taken: dict[str, str] = {}
    for name, path in outputs.items():
        if not isinstance(path, str | Path) or "\0" in str(path):
            raise OutputError(f"outputs: {name}: found {clipped(repr(path))}; give a path")
        if not isinstance(source, Audio) and _is_file(Path(source), Path(path)):
            raise OutputError(f"outputs: {name}: {shown(path)} is the source itself; give another path")
        other = taken.setdefault(_place(Path(path)), name)
        if other != name:
            raise OutputError(f"outputs: {other} and {name} would both be {shown(path)}; give each a path of its own")
    return {name: Path(path) for name, path in outputs.items()}


def _is_file(source: Path, path: Path) -> bool:
    """Whether a path leads to the source, which is there: by links, and by case where the disk knows none."""
    try:
        return real(path) == real(source) or path.samefile(source)
    except OSError:  # there is nothing
        return False


def _place(path: Path) -> str:
    """The same for paths that are one file; names that differ in case or composition alone are, on many disks."""
    return unicodedata.normalize("NFC", str(real(path))).casefold()


@dataclass(frozen=True)
class RenderReport:
    """What one rendering did. CPU-seconds by stage; a model's own time stands under "member …" and "denoiser".

    facts: by stem, what its finish found and did. notes: what somebody should know of it, a plain sentence each.
    """

    duration_s: float
    seconds_by_stage: dict[str, float]
    facts: dict[str, dict[str, float]]
    notes: tuple[str, ...] = ()

    def with_notes(self, notes: Iterable[str]) -> RenderReport:
        """The same, and what else is to be known; each once."""
        return replace(self, notes=tuple(dict.fromkeys((*self.notes, *notes))))

    @property
    def lufs_rendered(self) -> float:
        """Loudness where someone speaks, before levelling, in LUFS; without speech, of all. The task *speech* alone."""
        return self._of_speech("loudness_before_levelling_lufs")

    @property
    def gain_db(self) -> float:
        """What levelling then did to it, in dB."""
        return self._of_speech("levelling_gain_db")

    def _of_speech(self, fact: str) -> float:
        if fact not in self.facts.get("speech", {}):
            found = ", ".join(self.facts) or "no stem"
            raise SepkitError(
                f"{fact}: no speech was rendered, and facts are known of {found}; name 'speech' among the outputs of "
                "the task 'speech'"
            )
        return self.facts["speech"][fact]


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
