"""What stands after `-o`: a folder for results, or the name of one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sepkit.audio.write import RESULT_SUFFIXES
from sepkit.config import Config
from sepkit.errors import OutputError
from sepkit.files.naming import fitted_name, shown
from sepkit.render.pipeline import Pipeline

_LOSSY_SUFFIXES = (".mp3", ".ogg", ".opus", ".m4a", ".aac", ".wma", ".mp4", ".mov", ".mkv", ".webm")


@dataclass(frozen=True)
class Target:
    """Where results go. file: the name of the one main result, where the user gave it."""

    folder: Path
    file: Path | None = None

    @classmethod
    def of(cls, out: str, inputs: int) -> Target:
        """From what stands after -o: a folder, or with a result's suffix a file."""
        path = Path(out)
        suffix = path.suffix.lower()
        if (
            out.endswith(os.sep)
            or (os.access(path, os.F_OK) and path.is_dir())
            or not (suffix in RESULT_SUFFIXES or suffix in _LOSSY_SUFFIXES)
        ):
            return cls(path)
        if suffix in _LOSSY_SUFFIXES:
            raise OutputError(
                f"-o {shown(path)}: no result is written as {suffix}; name a .wav, a .flac, or the folder {out}{os.sep}"
            )
        if inputs > 1:
            raise OutputError(f"-o {shown(path)}: is one file for {inputs} inputs; name a folder, as {out}{os.sep}")
        return cls(path.parent, path)

    def formed(self, config: Config) -> Config:
        """The configuration, with the format that the file's suffix asks for."""
        formats = {".wav": "wav", ".flac": "flac"}
        wanted = formats.get(self.file.suffix.lower(), "same") if self.file else config.output.format
        return config.model_copy(update={"output": config.output.model_copy(update={"format": wanted})})

    def outputs(self, pipeline: Pipeline, source: Path, name: str) -> dict[str, Path]:
        """The stems' places, which begin with `name`; where a name was given, the main one has it."""
        found = pipeline.outputs(source, self.folder, name)
        if self.file is None:
            return found
        (main, made), *_ = found.items()
        if made.suffix.lower() != self.file.suffix.lower():
            raise OutputError(
                f"{shown(self.file)}: this source's result is a {made.suffix} (its depth, channels or rate do not fit "
                f"otherwise); name it {self.file.stem}{made.suffix}"
            )
        stems = {stem.name: stem.suffix for stem in pipeline.task.stems()}
        named = {name: fitted_name(self.file.stem, stems[name] + self.file.suffix) for name in found}
        return {name: self.file if name == main else self.folder / named[name] for name in found}
