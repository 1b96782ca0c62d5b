"""Single files, standard input and standard output: `sepkit run`. The gate holds here as in a batch.

Names are checked before any model is loaded. What fails is told, and the rest is done.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from sepkit.audio.read import track_count
from sepkit.audio.standard_input import stdin_source
from sepkit.audio.write import write_stdout
from sepkit.batch.bars import file_bar
from sepkit.batch.file_result import FileResult
from sepkit.batch.target import Target
from sepkit.config import Config
from sepkit.config.sections import ALL_TRACKS
from sepkit.errors import ConfigError, OutputError, SepkitError
from sepkit.files.naming import shown
from sepkit.judge.quarantine import Places, leftovers, prune, settle, staged, workspace
from sepkit.judge.verdict import Judge, exit_code
from sepkit.judge.words import Words
from sepkit.render.pipeline import Progress

PIPE = "-"

MayOverwrite = Callable[[Path], bool]
"""Whether a file that is there may be replaced by a result."""


@dataclass
class RunReport:
    """What became of every file, in order."""

    results: list[FileResult] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """As of a batch."""
        return exit_code(any(each.error for each in self.results), (each.verdict for each in self.results))


def run_files(
    inputs: Sequence[str],
    out: str,
    config: Config,
    quiet: bool = True,
    told: Callable[[FileResult], None] = lambda result: None,
    may_overwrite: MayOverwrite = lambda path: True,
) -> RunReport:
    """Render each input to `out` (a folder, a file, or - for standard output).

    told: called with each file's result, as soon as it is known.
    """
    if out == PIPE and len(inputs) > 1:
        raise ConfigError(f"-o -: standard output holds one file, found {len(inputs)} inputs; give -o a folder")
    if inputs.count(PIPE) > 1:
        raise ConfigError("INPUT -: standard input can be read once; name it once")
    if out == PIPE and config.source.track == ALL_TRACKS:
        raise ConfigError(f"-o -: standard output holds one file, found --track {ALL_TRACKS}; give -o a folder")
    report = RunReport()

    def tell(result: FileResult) -> None:
        report.results.append(result)
        told(result)

    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory()) + os.sep if out == PIPE else out
        target = Target.of(folder, len(inputs))
        judge = Judge(target.formed(config), config.gate_metrics())
        judge.require()
        words = Words(Path(config.words)) if config.words and config.gate else None
        sources = [stack.enter_context(stdin_source()) if name == PIPE else Path(name) for name in inputs]
        jobs, failures = _plan(judge, sources, target, may_overwrite)
        for failure in failures:
            tell(failure)
        for index, job in enumerate(jobs):
            with file_bar(job.source.name, quiet) as bar:
                if not index:
                    bar.set_description_str("loading the models")
                    judge.load()
                    bar.set_description_str(shown(job.source.name))
                result = _render(job, target.folder, words, lambda part: bar.update(part - bar.n))
            tell(_to_stdout(result) if out == PIPE and not result.error else result)
        prune(target.folder)
    return report


class _Job(NamedTuple):
    """A source, or one track of it; where its results go; who renders and judges it."""

    source: Path
    places: Places
    judge: Judge


def _plan(
    judge: Judge, sources: Sequence[Path], target: Target, may_overwrite: MayOverwrite
) -> tuple[list[_Job], list[FileResult]]:
    """Every source with its places; sources that cannot be read are failures, a clash stops before the start."""
    jobs: list[_Job] = []
    failures: list[FileResult] = []
    taken: dict[Path, Path] = {}
    folder, gated = target.folder, bool(judge.config.gate)
    for source in sources:
        try:
            found = [
                _Job(source, Places.of(target.outputs(reader.pipeline, source, name), folder, name), reader)
                for name, reader in _tracks(judge, source)
            ]
            for job in found:
                job.places.stay_inside(folder, gated)
        except SepkitError as error:
            failures.append(FileResult(source, "failed", error=error))
            continue
        for path in (path for job in found for path in job.places.possible_files(gated)):
            if path in taken:
                raise OutputError(f"{path}: both {taken[path]} and {source} would write it; give them separate folders")
            if path.resolve() == source.resolve():
                raise OutputError(f"{path}: is the input itself; choose another folder, or another suffix in output")
            taken[path] = source
        there = [path for job in found for path in job.places.own.values() if os.access(path, os.F_OK)]
        refused = [path for path in there if not may_overwrite(path)]
        if refused:
            why = f"{shown(refused[0])}: is there already; give --overwrite always, or another place"
            failures.append(FileResult(source, "failed", error=OutputError(why)))
            continue
        jobs += found
    return [job._replace(places=_with_leftovers(job.places, job.source, sources, taken)) for job in jobs], failures


def _tracks(judge: Judge, source: Path) -> list[tuple[str, Judge]]:
    """What the results of a source are called, and who reads it: one, or one for each sound track if all are asked."""
    how = judge.config.source
    if how.track != ALL_TRACKS:
        return [(source.stem, judge)]
    count = track_count(source, how)
    numbers = range(1, count + 1)
    readers = [judge.twin(how.model_copy(update={"track": number})) for number in numbers]
    names = [source.stem if count == 1 else f"{source.stem}.track{number}" for number in numbers]
    return list(zip(names, readers, strict=True))


def _with_leftovers(places: Places, source: Path, sources: Sequence[Path], taken: dict[Path, Path]) -> Places:
    """With what an earlier run left of the file in the other place; no input and no other's result is named."""
    inputs = {each.resolve() for each in sources}
    stale, held_stale = (
        tuple(path for path in paths if path.resolve() not in inputs and taken.get(path, source) == source)
        for paths in leftovers(places, (), was_quarantined=False)
    )
    return places._replace(stale=stale, held_stale=held_stale)


def _render(job: _Job, folder: Path, words: Words | None, progress: Progress) -> FileResult:
    """Render and judge one file, and bring it to where it belongs."""
    source, places, judge = job
    start_s = time.perf_counter()
    try:
        with workspace(folder) as work:
            rendered = judge.pipeline.with_evidence(staged(places.own, work))
            known = words.of(source.name) if words else None
            judged = judge.judge(source, rendered, known, progress)
            settle(rendered, judged, places)
    except SepkitError as error:
        return FileResult(source, "failed", error=error)
    return FileResult(
        source,
        judged.verdict,
        places.held if judged.verdict == "quarantined" else places.own,
        judged.configuration,
        judged.reasons,
        judged.notes,
        judged.duration_s,
        time.perf_counter() - start_s,
        judged.facts,
        judged.stages,
    )


def _to_stdout(result: FileResult) -> FileResult:
    """Send the main result down the pipe; what is quarantined stays behind."""
    if result.verdict == "quarantined":
        note = "nothing was written, for standard output has no quarantine"
        return replace(result, stems={}, notes=(note, *result.notes))
    try:
        write_stdout(next(iter(result.stems.values())))
    except SepkitError as error:
        return replace(result, verdict="failed", error=error)
    return replace(result, stems={})
