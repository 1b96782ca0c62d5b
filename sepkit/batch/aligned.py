"""Several recorders of one conversation as one source: `sepkit speakers a.wav b.wav --aligned`."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from sepkit.audio.read import open_source
from sepkit.audio.recorders import Drift, drift_of, join
from sepkit.audio.standard_input import PIPE
from sepkit.batch.file_result import FileResult, Told, say_nothing
from sepkit.batch.single import MayOverwrite, RunReport, run_files
from sepkit.config import Config
from sepkit.errors import ConfigError
from sepkit.files.naming import shown


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
    with tempfile.TemporaryDirectory(prefix="sepkit-") as folder, ExitStack() as stack:
        sources = [stack.enter_context(open_source(path, config.source)) for path in paths]
        drifts = [drift_of(source, sources[0]) for source in sources[1:]]
        joined = Path(folder) / f"{paths[0].stem}.wav"
        join(sources, drifts, joined)
        notes = [_note(path, drift) for path, drift in zip(paths[1:], drifts, strict=True)]

        def tell(result: FileResult) -> None:
            told(dataclasses.replace(result, source=paths[0], notes=[*notes, *result.notes]))

        return run_files([str(joined)], out, config, quiet, tell, may_overwrite, stem)


def _note(path: Path, drift: Drift) -> str:
    """What was corrected."""
    began = f"began {abs(drift.offset_s):.3f} s {'before' if drift.offset_s > 0 else 'after'} the first recorder"
    return f"{shown(path)} {began}, and its clock is {abs(drift.ppm):.1f} ppm {'fast' if drift.ppm > 0 else 'slow'}"
