"""Several recorders of one conversation as one source: `sepkit speakers a.wav b.wav --aligned`."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from sepkit.audio.read import SourceInfo, open_source
from sepkit.audio.recorders import Drift, announce, drift_of, join
from sepkit.audio.standard_input import PIPE
from sepkit.batch.bars import part_of
from sepkit.batch.file_result import FileResult, Told, say_nothing
from sepkit.batch.single import Making, MayOverwrite, RunReport, run_files
from sepkit.config import Config
from sepkit.errors import ConfigError
from sepkit.files.naming import shown
from sepkit.render.pipeline import Progress

SAID_S = 0.1
"""Of the first recorder, which another lacks: what is less is not worth a word."""


def run_aligned(
    inputs: Sequence[str],
    out: str,
    config: Config,
    quiet: bool = True,
    told: Told = say_nothing,
    may_overwrite: MayOverwrite = lambda path: True,
    stem: str | None = None,
) -> RunReport:
    """As `run_files`, of all inputs at once: their channels on the clock of the first, which gives the name."""
    if len(inputs) < 2 or PIPE in inputs:
        raise ConfigError("--aligned: joins the recorders of one conversation; give two or more files, none of them -")
    paths = [Path(name) for name in inputs]
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="sepkit-") as folder, ExitStack() as stack:
        sources = [stack.enter_context(open_source(path, config.source)) for path in paths]
        joined = Path(folder) / f"{paths[0].stem}.wav"
        announce(sources, joined)

        def make(progress: Progress) -> None:
            steps = [part_of(progress, step, len(sources)) for step in range(len(sources))]
            drifts = [drift_of(other, sources[0], told) for other, told in zip(sources[1:], steps, strict=False)]
            notes.extend(
                _note(other.info, drift, sources[0].info) for other, drift in zip(sources[1:], drifts, strict=True)
            )
            join(sources, drifts, joined, steps[-1])

        def tell(result: FileResult) -> None:
            told(dataclasses.replace(result, notes=[*notes, *result.notes]))

        making = Making(paths[0], paths, make)
        return run_files([str(joined)], out, config, quiet, tell, may_overwrite, stem, making)


def _note(other: SourceInfo, drift: Drift, first: SourceInfo) -> str:
    """What was corrected, and where a recorder is missing."""
    began = f"began {abs(drift.offset_s):.3f} s {'before' if drift.offset_s > 0 else 'after'} the first recorder"
    clock = f"its clock is {abs(drift.ppm):.1f} ppm {'fast' if drift.ppm > 0 else 'slow'}"
    absent_s = max(0.0, -drift.offset_s) + max(0.0, first.duration_s - drift.of_first(other.duration_s))
    absent = f"; it lacks {absent_s:.1f} s of the first one, where voices are not parted" if absent_s >= SAID_S else ""
    return f"{shown(other.path)} {began}, and {clock}{absent}"
