"""Single files, standard input and standard output: `sepkit run`. The gate holds here as in a batch.

Names are checked before any model is loaded. What fails is told, and the rest is done.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sepkit.audio.read import track_count
from sepkit.audio.standard_input import PIPE, require_stdin, stdin_source
from sepkit.batch.bars import FileBar, file_bar
from sepkit.batch.edits import OwnEdits, file_edits
from sepkit.batch.file_result import FileResult, Told, failed, say_nothing
from sepkit.batch.film import Film, film_of, make, require
from sepkit.batch.standard_output import require_stdout, to_stdout
from sepkit.batch.target import Target
from sepkit.config import Config
from sepkit.config.sections import ALL_TRACKS
from sepkit.errors import ConfigError, OutputError, SourceError
from sepkit.files.digest import sha256_if_readable
from sepkit.files.naming import real, shown
from sepkit.files.whole_file import require_file
from sepkit.files.workspace import sweep_workspaces, workspace
from sepkit.interruption import interruptible
from sepkit.judge.quarantine import Places, leftovers, settle
from sepkit.judge.verdict import Judge, exit_code
from sepkit.judge.words import Words
from sepkit.render.base import make_task
from sepkit.render.pipeline import Progress

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


class Making(NamedTuple):
    """Of an input that is made of other files once it is known where its results go; until then, its header is there.

    known_as: what people know it as. of: the files, which no result may replace. make: takes what hears the part done.
    """

    known_as: Path
    of: Sequence[Path]
    make: Callable[[Progress], None]


def run_files(
    inputs: Sequence[str],
    out: str,
    config: Config,
    quiet: bool = True,
    told: Told = say_nothing,
    may_overwrite: MayOverwrite = lambda path: True,
    stem: str | None = None,
    making: Making | None = None,
) -> RunReport:
    """Render each input to `out` (a folder, a file, or - for standard output). stem: which one a file or pipe gets.

    making: of the one input, where it is still to be made.
    """
    if out == PIPE:
        require_stdout(inputs, config)
    require_stdin(inputs)
    report = RunReport()
    piped: list[Path] = []

    def tell(result: FileResult) -> None:
        result = result.of_stdin() if result.source in piped else result
        result = result.known_as(making.known_as) if making else result
        report.results.append(result)
        told(result)

    with ExitStack() as stack:
        check = stack.enter_context(interruptible())
        folder = stack.enter_context(tempfile.TemporaryDirectory()) + os.sep if out == PIPE else out
        target = Target.of(folder, len(inputs), stem)
        require(target.formed(config))
        _check_stem(stem, out, target, config)
        judge = Judge(target.formed(config), config.gate_metrics())
        judge.require()
        words = Words(Path(config.words)) if config.words and config.gate else None
        piped += [stack.enter_context(stdin_source()) for name in inputs if name == PIPE]
        sources = [piped[0] if name == PIPE else Path(name) for name in inputs]
        sweep_workspaces(target.folder)
        jobs, others = _plan(judge, sources, target, may_overwrite, making.of if making else ())
        for other in others:
            tell(other)
        for index, job in enumerate(jobs):
            with file_bar(job.source.name, quiet) as bar:

                def progress(part: float, bar: FileBar = bar) -> None:
                    check()
                    bar.reach(part)

                if not index:
                    bar.set_description_str("loading the models")
                    judge.pipeline.load()
                    if making:
                        bar.set_description_str("bringing the clocks together")
                        making.make(progress)
                        bar.reset()
                    bar.set_description_str(shown(job.source.name))
                result = _render(job, target.folder, words, progress)
            tell(to_stdout(result, stem) if out == PIPE and not result.error else result)
    return report


def _check_stem(stem: str | None, out: str, target: Target, config: Config) -> None:
    """What can be wrong with --stem."""
    stems = make_task(config).stems()
    written = [each.name for each in stems if each.written]
    if stem is not None and stem not in written:
        asked_by = {each.name: each.asked_by for each in stems}.get(stem)
        why = f"is written only with {asked_by} in the configuration" if asked_by else "is no stem that is written"
        raise ConfigError(f"--stem {stem}: {why}; choose one of {', '.join(written)}")
    if stem is not None and out != PIPE and target.file is None:
        raise ConfigError(f"--stem {stem}: is for a pipe or one file, and -o is a folder, which gets every stem")


class _Job(NamedTuple):
    """A source, or one track of it; where its results go; who renders and judges it, each a track of its video.

    film: None: its results are sounds. edits: those that it has of its own; None: the configuration's hold. notes: on
    how it was read.
    """

    source: Path
    places: Places
    judges: Sequence[Judge]
    film: Film | None = None
    edits: OwnEdits | None = None
    notes: Sequence[str] = ()


def _plan(
    judge: Judge, sources: Sequence[Path], target: Target, may_overwrite: MayOverwrite, parts: Sequence[Path]
) -> tuple[list[_Job], list[FileResult]]:
    """Every source with its places; what becomes of the others. A clash stops before the start. parts: that a source
    will be made of.
    """
    jobs: list[_Job] = []
    others: list[FileResult] = []
    gated, own = bool(judge.config.gate), file_edits(judge.config)
    for source in sources:
        try:
            edits = own.of(source.name, source) if own else None
            if own and edits == ():
                others.append(FileResult(source, "left out", notes=[own.absent_note(source.name)]))
                continue
            notes = own.taken_notes() if own else []
            found = _jobs(judge, source, target)
            for job in found:
                job.places.stay_inside(target.folder, gated)
            jobs += [job._replace(edits=edits, notes=(*notes, *job.notes)) for job in found]
        except ConfigError:  # the command's fault, not the source's
            raise
        except Exception as error:
            others.append(failed(source, error))
    if own and others and not jobs and not any(each.error for each in others):
        raise SourceError("\n".join(f"{shown(each.source)}: {each.notes[0]}" for each in others))
    results = _results(jobs)
    others += [FileResult(source, "left out", notes=["another input writes it"]) for source in results]
    jobs = [job for job in jobs if job.source not in results]
    inputs = {real(path) for path in (*(job.source for job in jobs), *parts)}
    taken: dict[Path, Path] = {}
    for source, places, *_ in jobs:
        for path in places.possible_files(gated):
            if path in taken:
                raise _clash(path, taken[path], source, target)
            if real(path) in inputs:
                which = "the input itself" if real(path) == real(source) else "an input, which a result would replace"
                raise ConfigError(f"{shown(path)}: is {which}; choose another folder, or another suffix in output")
            taken[path] = source
    kept = []
    for job in jobs:
        places = _with_leftovers(job.places, job.source, sources, taken)
        try:
            kept.append(job._replace(places=places._replace(ours=_given_up(places, gated, may_overwrite))))
        except OutputError as error:
            others.append(failed(job.source, error))
    return kept, others


def _clash(path: Path, one: Path, other: Path, target: Target) -> ConfigError:
    """Of two inputs that would write one file, or of one that was named twice, or has several tracks."""
    if target.file:
        return ConfigError(
            f"-o {shown(target.file)}: is one file for several results; give -o a folder, as -o cleaned/"
        )
    if real(one) == real(other):
        return ConfigError(f"INPUT {shown(other)}: is named twice; name it once")
    return ConfigError(
        f"{shown(path)}: both {shown(one)} and {shown(other)} would write it; give them separate folders"
    )


def _jobs(judge: Judge, source: Path, target: Target) -> list[_Job]:
    """One of a source, or one for each sound track if all are asked; a video takes them all."""
    how, readers = judge.config.source, [judge]
    if how.track == ALL_TRACKS:
        numbers = range(1, track_count(source, how) + 1)
        readers = [judge.twin(how.model_copy(update={"track": number})) for number in numbers]
    film, notes = film_of([reader.pipeline for reader in readers], source, target.stem)
    if film or len(readers) == 1:
        names, shares = [source.stem], [readers]
    else:
        names = [f"{source.stem}.track{number}" for number in numbers]
        shares = [[reader] for reader in readers]
    jobs = []
    for name, share in zip(names, shares, strict=True):
        pipeline, front = share[0].pipeline, target.file.stem if target.file else name
        places = Places.of(pipeline, source, target.outputs(pipeline, source, name, film), target.folder, name, front)
        jobs.append(_Job(source, places, share, film, notes=notes))
    return jobs


def _results(jobs: Sequence[_Job]) -> list[Path]:
    """The inputs that are results of others, as `run *.wav -o .` finds them the second time."""
    written = {
        real(path): real(source)
        for source, places, *_ in jobs
        for path in (*places.own.values(), *places.unwritten)
        if path.stem != source.stem  # where no suffix tells them apart, it may be anybody's
    }
    inputs = [job.source for job in jobs]
    return [source for source in inputs if written.get(real(source), real(source)) != real(source)]


def _with_leftovers(places: Places, source: Path, sources: Sequence[Path], taken: dict[Path, Path]) -> Places:
    """With what an earlier run left of the file in the other place; no input and no other's result is named."""
    inputs = {real(each) for each in sources}
    stale, held_stale = (
        tuple(path for path in paths if real(path) not in inputs and taken.get(path, source) == source)
        for paths in leftovers(places, ())
    )
    return places._replace(stale=stale, held_stale=held_stale)


def _given_up(places: Places, gated: bool, may_overwrite: MayOverwrite) -> frozenset[tuple[Path, str | None]]:
    """What may be replaced, as it is now: there is no journal to say whose it is, so the user does.

    Raises where a result has to be where something is that may not be replaced.
    """
    written, former = places.possible_files(gated), {*places.held.values(), places.reasons, places.reasons_before}
    found: list[tuple[Path, str | None]] = []
    for path in dict.fromkeys([*written, *sorted(former & {*places.stale})]):
        if not os.path.lexists(path):
            continue
        if path in written:
            require_file(path)
        if may_overwrite(path):
            found.append((path, sha256_if_readable(path)))
        elif path in written:
            raise OutputError(f"{shown(path)}: is there already; give --overwrite always, or another place")
    return frozenset(found)


def _render(job: _Job, folder: Path, words: Words | None, progress: Progress) -> FileResult:
    """Render and judge one file, and bring it to where it belongs."""
    source, places = job.source, job.places
    start_s = time.perf_counter()
    try:
        judges = [each if job.edits is None else each.with_edits(job.edits) for each in job.judges]
        known = words.of(source.name) if words else None
        with workspace(folder) as work:
            results, _, judged = make(judges, source, places.own, job.film, work, known, progress)
            settled = settle(results, judged, places, folder)
    except Exception as error:
        return failed(source, error)
    return FileResult(
        source,
        judged.verdict,
        settled.stems,
        judged.configuration,
        judged.reasons,
        (*job.notes, *judged.notes, *settled.notes(shown)),
        judged.duration_s,
        time.perf_counter() - start_s,
        judged.facts,
        judged.stages,
    )
