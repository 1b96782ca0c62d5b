"""What became of one file, of whichever command: one line for people, one object for programs."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sepkit.audio.standard_input import STDIN
from sepkit.errors import ConfigError, SepkitError, SourceError, one_line
from sepkit.files.json_lines import strict
from sepkit.files.naming import shown
from sepkit.render.result import is_doubtful, lack_of_speech

LEAST_TOLD = 0.05
"""What is smaller is shown as zero."""
_UNITS = ("lufs", "db", "dbtp", "s", "pct")
"""Endings of the names of facts, which say their unit."""


@dataclass(frozen=True)
class FileResult:
    """Of one source.

    verdict: as of the gate, "failed" with its error, or "left out". configuration: whose rendering it is. stems: where
    each lies now. seconds: it took, by the clock. facts: by stem, what finishing found and did. stages: CPU-seconds.
    """

    source: Path
    verdict: str
    stems: Mapping[str, Path] = field(default_factory=dict)
    configuration: str = ""
    reasons: Sequence[str] = ()
    notes: Sequence[str] = ()
    duration_s: float = 0.0
    seconds: float = 0.0
    facts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    error: SepkitError | None = None

    @property
    def doubtful(self) -> bool:
        """Whether people should look at it, though nothing failed: its verdict or a note says so."""
        return self.verdict not in ("passed", "bypassed") or is_doubtful(self.notes)

    def line(self) -> str:
        """For people: what came of it, where it lies, how long it took, what was done to it."""
        if self.error:
            error = str(self.error)
            unnamed = isinstance(self.error, SourceError | ConfigError) and self.source.name not in error
            return (
                f"{shown(self.source)}: {error}" if unnamed else error
            )  # a member knows its mix, and not of which file
        by = f" by {self.configuration}" if self.verdict == "escalated" else ""
        front = "" if self.verdict == "passed" else f"{self.verdict}{by}: "
        where = ", ".join(shown(path) for path in self.stems.values())
        spent = f"{self.duration_s:.1f} s of sound in {self.seconds:.1f} s" if self.stems else ""
        told = {"speech_found_s"} if lack_of_speech(self.notes) else set()  # the note says how much
        facts = [f"{stem}: {_facts(found, told)}" for stem, found in self.facts.items() if found]
        said = filter(None, [spent, *facts, *self.notes, *map(shown, self.reasons)])
        return f"{front}{shown(self.source)}{' → ' if where else ''}{where}: {'; '.join(said)}"

    def stages_line(self) -> str:
        """CPU-seconds by stage, the longest first."""
        spent = sorted(self.stages.items(), key=lambda each: -each[1])
        return f"{shown(self.source)}: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in spent)

    def of_stdin(self) -> FileResult:
        """The same of a copy of standard input, which people know by no path."""
        return self.known_as(Path(STDIN))

    def known_as(self, source: Path) -> FileResult:
        """The same of a copy, which people know as `source`."""
        copy, known = shown(self.source), shown(source)
        notes = [note.replace(copy, known) for note in self.notes]
        error = self.error and type(self.error)(str(self.error).replace(copy, known))
        return replace(self, source=source, notes=notes, error=error)

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        found = {
            "source": shown(self.source),
            "verdict": self.verdict,
            "error": one_line(self.error) if self.error else None,
            "stems": {stem: shown(path) for stem, path in self.stems.items()},
            "configuration": self.configuration,
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "duration_s": self.duration_s,
            "seconds": self.seconds,
            "facts": {stem: dict(found) for stem, found in self.facts.items()},
            "cpu_seconds": dict(self.stages),
        }
        return {name: strict(value) for name, value in found.items()}


def failed(source: Path, error: Exception) -> FileResult:
    """What is told of it, without the traceback, which would hold on to the sound that was in hand."""
    if isinstance(error, SepkitError):
        return FileResult(source, "failed", error=type(error)(str(error)))
    return FileResult(source, "failed", error=SepkitError(f"{shown(source)}: {one_line(error)}"))


Told = Callable[[FileResult], None]
"""Called with what became of a file, as soon as it is known."""


def say_nothing(result: FileResult) -> None:
    """For those who only want what is returned."""


def _facts(found: Mapping[str, float], told: Collection[str]) -> str:
    """Those that say something and are not `told` elsewhere: a gain always, others where they are neither zero as
    shown nor infinite, which the loudness of silence is.
    """
    said = {name: value for name, value in found.items() if "gain" in name or LEAST_TOLD <= abs(value) < math.inf}
    return ", ".join(_fact(name, value) for name, value in said.items() if name not in told)


def _fact(name: str, value: float) -> str:
    """A fact by its name, which ends in its unit: "levelling gain +5.2 dB"."""
    words, _, unit = name.rpartition("_")
    if unit not in _UNITS:
        return f"{name.replace('_', ' ')} {value:g}"
    written = {"lufs": "LUFS", "db": "dB", "dbtp": "dBTP", "pct": "%"}.get(unit, unit)
    sign = "+" if unit == "db" else ""
    return f"{words.replace('_', ' ')} {value:{sign}.1f} {written}"
