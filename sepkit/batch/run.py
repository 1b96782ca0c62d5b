"""The order of a batch on one screen."""

from __future__ import annotations

import shlex
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sepkit.batch import moves
from sepkit.batch.bars import Bars, checking
from sepkit.batch.delivery import UNPACK_BOUND, UnpackBound, check_target, pack, unpack
from sepkit.batch.engines.here import render_here
from sepkit.batch.engines.processes import AT_ONCE_ON_A_GPU, render_in_workers, share
from sepkit.batch.estimate import estimate
from sepkit.batch.file_result import FileResult, Told, say_nothing
from sepkit.batch.find import Found, Patterns, find, matcher, require_any
from sepkit.batch.journal import Journal, Record, by_stem
from sepkit.batch.own_results import leave_out_results
from sepkit.batch.pages import missing_note
from sepkit.batch.plan import Identity, Item, Plan, make_plan
from sepkit.batch.render import Outcome
from sepkit.batch.report import BatchReport
from sepkit.batch.rows import make_rows
from sepkit.batch.same_folder import CHANGED, require_same
from sepkit.config import Config
from sepkit.config.sections import ALL_TRACKS
from sepkit.errors import ConfigError, OutputError, SepkitError, SourceError
from sepkit.files.hold import held
from sepkit.files.naming import seen_from, shown
from sepkit.files.workspace import sweep, workspace
from sepkit.interruption import interruptible
from sepkit.judge.verdict import Judge
from sepkit.judge.words import Words, unused_note
from sepkit.models.device import cores, gpus
from sepkit.render.pipeline import Pipeline


@dataclass(frozen=True)
class BatchJob:
    """source: a folder, or a .zip of one. pattern, exclude: which of its files; without, all that are named like sound.

    jobs: worker processes, at most one a core; None: one a GPU, or one. replace: results of another IN_DIR too.
    """

    config: Config
    source: Path
    out: Path
    pattern: Patterns = ()
    jobs: int | None = None
    dry_run: bool = False
    zip_to: Path | None = None
    unpack_bound: UnpackBound = UNPACK_BOUND
    quiet: bool = False
    exclude: Patterns = ()
    replace: bool = False


def run_batch(job: BatchJob, told: Told = say_nothing) -> BatchReport:
    """Render a folder. What makes the batch impossible raises; what is wrong with one file is in its row."""
    _check(job)
    pipeline = Judge(job.config, job.config.batch_metrics()).pipeline  # refuses what cannot be judged
    identity = Identity.of(pipeline)
    words = Words(Path(job.config.words)) if job.config.words else None
    return _foresee(job, pipeline, identity, words) if job.dry_run else _run(job, pipeline, identity, words, told)


def _run(job: BatchJob, pipeline: Pipeline, identity: Identity, words: Words | None, told: Told) -> BatchReport:
    with _held(job.out) as work:
        moves.undo(job.out)
        journal = Journal(job.out)
        journal.drop_damaged()
        folder, found, notes = _sources(job, work, pipeline, journal)
        watched = checking(found.sources, job.quiet)
        plan = make_plan(folder, found, job.out, pipeline, journal, identity, watched, words)
        errors, interrupted = _render(job, plan, journal, identity, _gpus(job, pipeline, plan), told)
        moves.undo(job.out)  # what failed or was interrupted between its moves
        asked = job.jobs or 1
        notes += [f"{asked} jobs were asked for, {cores()} used: one a core"] if asked > cores() else []
        notes += unused_note(words, found.sources)
        rows = make_rows(job.config, plan, journal, errors)
        notes += missing_note(job.out, rows, job.source) if job.config.report else []
        report = BatchReport(rows, job.out, job.source, job.config, interrupted, tuple(notes)).write()
        if job.zip_to and not interrupted:
            pack(job.out, [name for row in report.rows for name in row.outputs], job.zip_to)
        return report


def _foresee(job: BatchJob, pipeline: Pipeline, identity: Identity, words: Words | None) -> BatchReport:
    """The dry run: OUT_DIR is read, never written."""
    with tempfile.TemporaryDirectory(prefix="sepkit-") as work:
        journal = Journal(job.out)
        folder, found, notes = _sources(job, Path(work), pipeline, journal)
        watched = checking(found.sources, job.quiet)
        plan = make_plan(folder, found, job.out, pipeline, journal, identity, watched, words)
        foreseen = estimate(plan, list(journal.records.values()), identity, job.config, job.out)
        notes += unused_note(words, found.sources)
        rows = make_rows(job.config, plan, journal, {})
        return BatchReport(rows, job.out, job.source, job.config, notes=tuple(notes), estimate=foreseen)


def _gpus(job: BatchJob, pipeline: Pipeline, plan: Plan) -> tuple[str, ...]:
    """The GPUs among which the files are dealt out; none where the configuration names a device or uses none."""
    if job.config.device != "auto" or not pipeline.uses_device or len(plan.items) < 2:
        return ()
    return gpus()


def _render(
    job: BatchJob, plan: Plan, journal: Journal, identity: Identity, gpus: tuple[str, ...], told: Told
) -> tuple[dict[str, str], bool]:
    """Render what is to do, each into the journal; returns by path what failed ("" where nothing did), and
    whether the batch was interrupted.
    """
    errors: dict[str, str] = {}
    configs = share(job.config, job.jobs, len(plan.items), gpus)
    on_gpus = bool(gpus) or job.config.device.startswith("cuda")
    at_once = AT_ONCE_ON_A_GPU if on_gpus and len(plan.items) > len(configs) else 1
    sharing = len(configs) * at_once  # files that share the machine
    try:
        with interruptible() as check, Bars(len(plan.items), job.quiet) as bars:

            def tell(item: Item, part: float) -> None:
                check()
                bars.tell(item, part)

            rendering = (
                render_here(job.config, job.out, plan.items, tell)
                if sharing == 1
                else render_in_workers(configs, job.out, plan.items, tell, at_once)
            )
            with closing(rendering):
                for item, outcome in rendering:
                    outcome = _with_notes(item, outcome, journal)
                    errors[item.path] = outcome.error or _journal(job, item, outcome, journal, identity, sharing)
                    bars.finished(item)
                    told(_result(item, outcome, errors[item.path]))
                    check()
    except KeyboardInterrupt:
        return errors, True
    return errors, False


def _result(item: Item, outcome: Outcome, error: str) -> FileResult:
    """What became of an item, for people; as in a report, its paths begin at IN_DIR and OUT_DIR."""
    source = Path(item.path)
    if error:
        return FileResult(source, "failed", error=SepkitError(f"{shown(source)}: {error}"))
    files = by_stem(outcome.stems, [stamp.path for stamp in outcome.outputs], outcome.verdict)
    return FileResult(
        source,
        outcome.verdict,
        {stem: Path(path) for stem, path in files.items()},
        outcome.configuration,
        outcome.reasons,
        [outcome.note] if outcome.note else [],
        outcome.duration_s,
        outcome.seconds,
        outcome.facts,
        outcome.stages,
    )


def _with_notes(item: Item, outcome: Outcome, journal: Journal) -> Outcome:
    """With what is to be said of the item beside."""
    before = journal.records.get(item.path)
    changed = before and before.outputs and before.input_sha256 != outcome.input_sha256
    return replace(outcome, note="; ".join(filter(None, (item.note, CHANGED if changed else "", outcome.note))))


def _journal(job: BatchJob, item: Item, outcome: Outcome, journal: Journal, identity: Identity, workers: int) -> str:
    """Record a success; one that cannot be recorded would be rendered again, and counts as failed."""
    record = Record(
        path=item.path,
        input_sha256=outcome.input_sha256,
        config_sha256=identity.config_sha256,
        weights_sha256=identity.weights_sha256,
        outputs=outcome.outputs,
        duration_s=outcome.duration_s,
        seconds=outcome.seconds,
        workers=workers,
        metrics=outcome.metrics,
        note=outcome.note,
        verdict=outcome.verdict,
        configuration=outcome.configuration,
        reasons=outcome.reasons,
        words_sha256=item.words.sha256 if item.words else "",
        stages=outcome.stages,
        stems=outcome.stems,
        in_dir=seen_from(job.out, job.source),
    )
    try:
        journal.append(record)
        moves.forget(journal.path.parent, item.path)
    except OutputError as error:
        return str(error)
    return ""


def _check(job: BatchJob) -> None:
    """What can be wrong with the command itself."""
    if job.jobs is not None and job.jobs < 1:
        raise ConfigError(f"jobs: {job.jobs} found; give 1 or more")
    if job.config.source.track == ALL_TRACKS:
        files = f"{shlex.quote(shown(job.source))}/*" if job.source.is_dir() else "FILE"
        raise ConfigError(
            f"source.track: {ALL_TRACKS} found; a batch takes one track of each file: give a number or a language, or "
            f"for every track: sepkit run {files} -o {shlex.quote(shown(job.out))} --track {ALL_TRACKS}, with your "
            "options"
        )
    source, out = _mode(job.source), _mode(job.out)
    if source is None:
        raise SourceError(f"{shown(job.source)}: there is no such folder or .zip; check IN_DIR")
    if not (stat.S_ISDIR(source) or stat.S_ISREG(source)):
        raise SourceError(f"{shown(job.source)}: is a pipe or a device; give a folder or a .zip as IN_DIR")
    if stat.S_ISREG(source) and not zipfile.is_zipfile(job.source) and job.source.suffix.lower() != ".zip":
        raise SourceError(
            f"{shown(job.source)}: is one file, and batch takes a folder or a .zip; for a file: "
            f"sepkit run {shlex.quote(shown(job.source))} -o {shlex.quote(shown(job.out))}, with your options"
        )
    if out is not None and not stat.S_ISDIR(out):
        raise OutputError(f"{shown(job.out)}: is a file; give a folder as OUT_DIR")
    if out is not None and job.out.samefile(job.source):
        raise OutputError(f"{shown(job.out)}: OUT_DIR is IN_DIR; give a folder of its own, it may lie inside IN_DIR")
    if job.zip_to:
        check_target(job.zip_to, job.source, job.out)


def _mode(path: Path) -> int | None:
    """What lies at a path; None where nothing does, or nothing can."""
    try:
        return path.stat().st_mode
    except OSError:
        return None


def _sources(job: BatchJob, work: Path, pipeline: Pipeline, journal: Journal) -> tuple[Path, Found, list[str]]:
    """The folder to read, what was found there, and notes; a zip is unpacked under `work` first."""
    folder, damaged = job.source, {}
    if not folder.is_dir():
        folder = work / "unpacked"
        folder.mkdir()
        damaged = unpack(job.source, folder, matcher(job.pattern, job.exclude), job.unpack_bound)
    found = find(folder, job.pattern, skipped=job.out, exclude=job.exclude)
    found.refused.update(damaged)
    notes = leave_out_results(found, folder, pipeline, journal.written())
    require_any(found, job.source, job.pattern, notes)
    if not job.replace:
        require_same(folder, found, job.source, job.out, journal)
    return folder, found, [*journal.notes(), *notes]


@contextmanager
def _held(out: Path) -> Iterator[Path]:
    """Hold OUT_DIR for this run alone, swept of what killed ones left; yields a folder for temporaries."""
    with held(out, "batch"):
        sweep(out)
        try:
            with workspace(out) as work:
                yield work
        finally:
            sweep(out)  # workers that were killed could not clean up
