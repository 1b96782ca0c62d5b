"""What stands after `-o`: a folder for results, or the name of one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sepkit.audio.suffixes import READABLE
from sepkit.audio.video.kinds import VIDEO_SUFFIXES
from sepkit.audio.write import RESULT_SUFFIXES
from sepkit.batch.film import AS_SOURCE, Film, results
from sepkit.config import Config
from sepkit.errors import ConfigError
from sepkit.files.naming import shown
from sepkit.render.pipeline import Pipeline

_OTHER_SUFFIXES = frozenset(f".{suffix}" for suffix in READABLE) - RESULT_SUFFIXES - VIDEO_SUFFIXES
"""Of sound and video that is read, but not written."""
_ASKED = {".wav": "wav", ".flac": "flac"}
"""Suffixes that ask for a format; any other container is kept where the source has it."""


@dataclass(frozen=True)
class Target:
    """Where results go. file: the name of one result, where the user gave it; stem: which; None: the first."""

    folder: Path
    file: Path | None = None
    stem: str | None = None

    @classmethod
    def of(cls, out: str, inputs: int, stem: str | None = None) -> Target:
        """From what stands after -o: a folder, or with a result's suffix a file; and after --stem."""
        path = Path(out)
        suffix = path.suffix.lower()
        if (
            out.endswith(os.sep)
            or (os.access(path, os.F_OK) and path.is_dir())
            or suffix not in RESULT_SUFFIXES | VIDEO_SUFFIXES | _OTHER_SUFFIXES
        ):
            return cls(path)
        if suffix in _OTHER_SUFFIXES:
            raise ConfigError(
                f"-o {shown(path)}: no result is written as {suffix}; name a .wav, a .flac, or the folder {out}{os.sep}"
            )
        if inputs > 1:
            raise ConfigError(f"-o {shown(path)}: is one file for {inputs} inputs; name a folder, as {out}{os.sep}")
        return cls(path.parent, path, stem)

    def formed(self, config: Config) -> Config:
        """The configuration, with the format that the file's suffix asks for."""
        suffix = self.file.suffix.lower() if self.file else ""
        asked = AS_SOURCE if suffix in VIDEO_SUFFIXES else _ASKED.get(suffix, "same")
        wanted = asked if self.file else config.output.format
        return config.model_copy(update={"output": config.output.model_copy(update={"format": wanted})})

    def outputs(self, pipeline: Pipeline, source: Path, name: str, film: Film | None = None) -> dict[str, Path]:
        """The stems' places, which begin with `name`; where a name was given, one of them has it."""
        name = self.file.stem if self.file else name
        if film:
            found = results(film, pipeline, source, self.folder, name)
        else:
            found = pipeline.outputs(source, self.folder, name)
        if self.file is None:
            return found
        main = self.stem or next(iter(found))
        made = found[main]
        if made.suffix.lower() != self.file.suffix.lower():
            why = "a FLAC does not hold its depth, channels or rate"
            if self.file.suffix.lower() not in _ASKED:
                why = "a result is WAV or FLAC as its name says, or has its source's container"
            if self.file.suffix.lower() in VIDEO_SUFFIXES:
                why = "a video keeps its source's container, and no other source gives one"
            raise ConfigError(
                f"-o {shown(self.file)}: this source's result is a {made.suffix}, for {why}; name it "
                f"{shown(self.file.stem)}{made.suffix}"
            )
        return {**found, main: self.file}
