"""The order of a batch on one screen."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from sepkit.batch import moves
from sepkit.batch.bars import Bars, checking
from sepkit.batch.delivery import names, pack, unpack
from sepkit.batch.edits import FileEdits, OwnEdits, edits_sha256, file_edits, is_label_file, take_edits
from sepkit.batch.engines.here import render_here
from sepkit.batch.engines.processes import AT_ONCE_ON_A_GPU, render_in_workers, share
from sepkit.batch.estimate import estimate
from sepkit.batch.file_result import FileResult, Told, say_nothing
from sepkit.batch.find import Found, find, matcher, require_any
from sepkit.batch.job import BatchJob, check
from sepkit.batch.journal import JOURNAL_NAME, Journal, Record, by_stem
from sepkit.batch.later_pages import lacking
from sepkit.batch.own_results import leave_out_results
from sepkit.batch.plan import Identity, Item, Plan, RenderItem, make_plan
from sepkit.batch.render import Outcome
from sepkit.batch.report import BatchReport, Row
from sepkit.batch.rows import make_rows
from sepkit.batch.same_folder import CHANGED, require_same
from sepkit.errors import OutputError, SepkitError
from sepkit.files.hold import held
from sepkit.files.naming import seen_from, shown
from sepkit.files.workspace import sweep, workspace
from sepkit.interruption import interruptible
from sepkit.judge.verdict import Judge
from sepkit.judge.words import Words, unused_note
from sepkit.models.device import cores, gpus
from sepkit.render.pipeline import Pipeline


def run_batch(job: BatchJob, told: Told = say_nothing) -> BatchReport:
    """Render a folder. What makes the batch impossible raises; what is wrong with one file is in its row."""
    check(job)
    pipeline = Judge(job.config, job.config.batch_metrics()).pipeline  # refuses what cannot be judged
    identity = Identity.of(pipeline)
    words = Words(Path(job.config.words)) if job.config.words else None
    own = file_edits(job.config)
    if job.dry_run:
        return _foresee(job, pipeline, identity, words, own)
    return _run(job, pipeline, identity, words, own, told)


def _run(
    job: BatchJob, pipeline: Pipeline, identity: Identity, words: Words | None, own: FileEdits | None, told: Told
) -> BatchReport:
    _require_sources(job, pipeline)
    with _held(job.out) as work:
        moves.undo(job.out)
        journal = Journal(job.out)
        journal.drop_damaged()
        folder, found, edits, notes = _sources(job, work, pipeline, journal, own)
        watched = checking(found.sources, job.quiet)
        plan = make_plan(folder, found, job.out, pipeline, journal, identity, watched, words, edits)
        shared = _gpus(job, pipeline, plan)
        errors, interrupted = _render(job, plan, journal, identity, shared, told)
        moves.undo(job.out)  # what failed or was interrupted between its moves
        asked = job.jobs or 1
        notes += [f"{asked} jobs were asked for, {cores()} used: one a core"] if asked > cores() else []
        notes += unused_note(words, found.sources)
        rows = make_rows(job.config, plan, journal, errors)
        if job.config.report and not interrupted:
            missing, interrupted = _make_pages(job, folder, plan, rows, journal, shared)
            notes += missing
        report = BatchReport(rows, job.out, job.source, job.config, interrupted, tuple(notes)).write()
        if job.zip_to and not interrupted:
            pack(job.out, [name for row in report.rows for name in row.outputs], job.zip_to)
        return report


def _foresee(
    job: BatchJob, pipeline: Pipeline, identity: Identity, words: Words | None, own: FileEdits | None
) -> BatchReport:
    """The dry run: OUT_DIR is read, never written."""
    with tempfile.TemporaryDirectory(prefix="sepkit-") as work:
        journal = Journal(job.out)
        folder, found, edits, notes = _sources(job, Path(work), pipeline, journal, own)
        watched = checking(found.sources, job.quiet)
        plan = make_plan(folder, found, job.out, pipeline, journal, identity, watched, words, edits)
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
    items = {item.path: item for item in plan.items}
    errors: dict[str, str] = {}

    def take(path: str, outcome: Outcome, sharing: int) -> None:
        item = items[path]
        outcome = _with_notes(item, outcome, journal)
        errors[path] = outcome.error or _journal(job, item, outcome, journal, identity, sharing)
        told(_result(item, outcome, errors[path]))

    return errors, _work(job, "batch", plan.items, gpus, take)


def _make_pages(
    job: BatchJob, folder: Path, plan: Plan, rows: Sequence[Row], journal: Journal, gpus: tuple[str, ...]
) -> tuple[list[str], bool]:
    """The pages that the configuration asks for and that are not there yet; returns a note for each that could not be
    made or for which something was set aside, and whether the batch was interrupted.
    """
    tried = {item.path for item in plan.items if item.page}
    items = lacking(job.out, folder, list(map(vars, rows)), journal, job.config)
    notes: list[str] = []

    def take(path: str, outcome: Outcome, sharing: int) -> None:
        if outcome.error:
            notes.append(f"{shown(path)}: its page could not be made: {outcome.error}")
        elif outcome.note:
            notes.append(f"{shown(path)}: {outcome.note}")

    interrupted = _work(job, "pages", [item for item in items if item.path not in tried], gpus, take)
    return notes, interrupted


def _work(
    job: BatchJob, name: str, items: Sequence[Item], gpus: tuple[str, ...], take: Callable[[str, Outcome, int], None]
) -> bool:
    """Give the items to one process or several; returns whether that was interrupted.

    name: of the bar. take: called with the path and what became of each, and how many share the machine.
    """
    if not items:  # without loading a model
        return False
    configs = share(job.config, job.jobs, len(items), gpus)
    on_gpus = bool(gpus) or job.config.device.startswith("cuda")
    at_once = AT_ONCE_ON_A_GPU if on_gpus and len(items) > len(configs) else 1
    sharing = len(configs) * at_once
    try:
        with interruptible() as check, Bars(len(items), job.quiet, name) as bars:

            def tell(item: Item, part: float) -> None:
                check()
                bars.tell(item, part)

            working = (
                render_here(job.config, job.out, items, tell)
                if sharing == 1
                else render_in_workers(configs, job.out, items, tell, at_once)
            )
            with closing(working):
                for item, outcome in working:
                    take(item.path, outcome, sharing)
                    bars.finished(item)
                    check()
    except KeyboardInterrupt:
        return True
    return False


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


def _with_notes(item: RenderItem, outcome: Outcome, journal: Journal) -> Outcome:
    """With what is to be said of the item beside."""
    before = journal.records.get(item.path)
    changed = before and before.outputs and before.input_sha256 != outcome.input_sha256
    return replace(outcome, note="; ".join(filter(None, (item.note, CHANGED if changed else "", outcome.note))))


def _journal(
    job: BatchJob, item: RenderItem, outcome: Outcome, journal: Journal, identity: Identity, workers: int
) -> str:
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
        edits_sha256=edits_sha256(item.edits),
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


def _require_sources(job: BatchJob, pipeline: Pipeline) -> None:
    """Raise where there is nothing to do, before OUT_DIR is made; one that has a journal is there already."""
    if os.path.exists(job.out / JOURNAL_NAME):  # noqa: PTH110  a name that no file can have is told where it is made
        return
    matches = matcher(job.pattern, job.exclude)
    if job.source.is_dir():
        found = find(job.source, job.pattern, skipped=job.out, exclude=job.exclude)
    else:
        found = Found([name for name in names(job.source, job.unpack_bound) if matches(name)])
    notes = leave_out_results(found, job.source, pipeline)
    require_any(found, job.source, job.pattern, notes)


def _sources(
    job: BatchJob, work: Path, pipeline: Pipeline, journal: Journal, own: FileEdits | None
) -> tuple[Path, Found, dict[str, OwnEdits] | None, list[str]]:
    """The folder to read, what was found there, with its own edits where it has some, and notes.

    A zip is unpacked under `work` first.
    """
    folder, damaged = job.source, {}
    if not folder.is_dir():
        folder = work / "unpacked"
        folder.mkdir()
        matches = matcher(job.pattern, job.exclude)
        wanted = (lambda path: matches(path) or is_label_file(path)) if own else matches
        damaged = unpack(job.source, folder, wanted, job.unpack_bound)
    found = find(folder, job.pattern, skipped=job.out, exclude=job.exclude)
    found.refused.update(damaged)
    notes = leave_out_results(found, folder, pipeline, journal.written())
    edits, more = take_edits(own, found, folder, job.source) if own else (None, [])
    notes += more
    require_any(found, job.source, job.pattern, notes)
    if not job.replace:
        require_same(folder, found, job.source, job.out, journal)
    return folder, found, edits, [*journal.notes(), *notes]


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
