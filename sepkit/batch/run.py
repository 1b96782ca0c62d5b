"""The order of a batch on one screen."""

from __future__ import annotations

import shlex
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sepkit.batch.bars import Bars, checking
from sepkit.batch.delivery import UNPACK_BOUND, UnpackBound, pack, unpack
from sepkit.batch.engines.here import render_here
from sepkit.batch.engines.processes import AT_ONCE_ON_A_GPU, render_in_workers, share
from sepkit.batch.estimate import estimate
from sepkit.batch.find import Found, find, matcher
from sepkit.batch.interruption import interruptible
from sepkit.batch.journal import Journal, Record
from sepkit.batch.pages import missing_note
from sepkit.batch.plan import Identity, Item, Plan, make_plan
from sepkit.batch.render import Outcome
from sepkit.batch.report import BatchReport
from sepkit.batch.rows import make_rows
from sepkit.config import Config
from sepkit.config.sections import ALL_TRACKS
from sepkit.errors import ConfigError, OutputError, SourceError
from sepkit.files.hold import held
from sepkit.files.naming import shown
from sepkit.files.whole_file import PART_PATTERN, cannot_write
from sepkit.judge.quarantine import WORK_PREFIX, prune
from sepkit.judge.words import Words, unused_note
from sepkit.models.device import cores, gpus
from sepkit.render.pipeline import Pipeline


@dataclass(frozen=True)
class BatchJob:
    """source: a folder, or a .zip of one. jobs: worker processes, at most one a core; None: one a GPU, or one."""

    config: Config
    source: Path
    out: Path
    pattern: str = "**/*.wav"
    jobs: int | None = None
    dry_run: bool = False
    zip_to: Path | None = None
    unpack_bound: UnpackBound = UNPACK_BOUND
    quiet: bool = False


def run_batch(job: BatchJob) -> BatchReport:
    """Render a folder. What makes the batch impossible raises; what is wrong with one file is in its row."""
    _check(job)
    pipeline = Pipeline(job.config)
    identity = Identity.of(pipeline)
    words = Words(Path(job.config.words)) if job.config.words else None
    return _foresee(job, pipeline, identity, words) if job.dry_run else _run(job, pipeline, identity, words)


def _run(job: BatchJob, pipeline: Pipeline, identity: Identity, words: Words | None) -> BatchReport:
    with _held(job.out) as work:
        folder, found = _sources(job, work)
        journal = Journal(job.out)
        watched = checking(found.sources, job.quiet)
        plan = make_plan(folder, found, job.out, pipeline, journal, identity, watched, words)
        errors, interrupted = _render(job, plan, journal, identity, _gpus(job, pipeline, plan))
        prune(job.out)
        asked = job.jobs or 1
        notes = [f"{asked} jobs were asked for, {cores()} used: one a core"] if asked > cores() else []
        notes += unused_note(words, found.sources)
        rows = make_rows(job.config, plan, journal, errors)
        notes += missing_note(job.out, rows) if job.config.report else []
        report = BatchReport(rows, job.out, job.source, job.config, interrupted, tuple(notes))
        report.write()
        if job.zip_to and not interrupted:
            pack(job.out, [name for row in report.rows for name in row.outputs], job.zip_to)
        return report


def _foresee(job: BatchJob, pipeline: Pipeline, identity: Identity, words: Words | None) -> BatchReport:
    """The dry run: OUT_DIR is read, never written."""
    with tempfile.TemporaryDirectory(prefix="sepkit-") as work:
        folder, found = _sources(job, Path(work))
        journal = Journal(job.out)
        watched = checking(found.sources, job.quiet)
        plan = make_plan(folder, found, job.out, pipeline, journal, identity, watched, words)
        foreseen = estimate(plan, list(journal.records.values()), identity, job.config, job.out)
        notes = tuple(unused_note(words, found.sources))
        rows = make_rows(job.config, plan, journal, {})
        return BatchReport(rows, job.out, job.source, job.config, notes=notes, estimate=foreseen)


def _gpus(job: BatchJob, pipeline: Pipeline, plan: Plan) -> tuple[str, ...]:
    """The GPUs among which the files are dealt out; none where the configuration names a device or uses none."""
    if job.config.device != "auto" or not pipeline.uses_device or len(plan.items) < 2:
        return ()
    return gpus()


def _render(
    job: BatchJob, plan: Plan, journal: Journal, identity: Identity, gpus: tuple[str, ...]
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
                    errors[item.path] = outcome.error or _journal(item, outcome, journal, identity, sharing)
                    bars.finished(item)
                    check()
    except KeyboardInterrupt:
        return errors, True
    return errors, False


def _journal(item: Item, outcome: Outcome, journal: Journal, identity: Identity, workers: int) -> str:
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
        note="; ".join(filter(None, (item.note, outcome.note))),
        verdict=outcome.verdict,
        configuration=outcome.configuration,
        reasons=outcome.reasons,
        words_sha256=item.words.sha256 if item.words else "",
        stages=outcome.stages,
        stems=outcome.stems,
    )
    try:
        journal.append(record)
    except OutputError as error:
        return str(error)
    return ""


def _check(job: BatchJob) -> None:
    """What can be wrong with the command itself."""
    if job.jobs is not None and job.jobs < 1:
        raise ConfigError(f"jobs: {job.jobs} found; give 1 or more")
    if job.config.source.track == ALL_TRACKS:
        raise ConfigError(
            f"source.track: {ALL_TRACKS} found; a batch takes one track of each file: give a number or a language, or "
            f"use 'sepkit run FILE --track {ALL_TRACKS}'"
        )
    if not job.source.exists():
        raise SourceError(f"{shown(job.source)}: there is no such folder or .zip; check IN_DIR")
    if job.source.is_file() and not zipfile.is_zipfile(job.source) and job.source.suffix.lower() != ".zip":
        raise SourceError(
            f"{shown(job.source)}: is one file, and batch takes a folder or a .zip; for a file: "
            f"sepkit run {shlex.quote(shown(job.source))} -o {shlex.quote(shown(job.out))}"
        )
    if job.out.exists() and not job.out.is_dir():
        raise OutputError(f"{shown(job.out)}: is a file; give a folder as OUT_DIR")
    if job.out.exists() and job.out.samefile(job.source):
        raise OutputError(f"{shown(job.out)}: OUT_DIR is IN_DIR; give a folder of its own, it may lie inside IN_DIR")


def _sources(job: BatchJob, work: Path) -> tuple[Path, Found]:
    """The folder to read and what was found there; a zip is unpacked under `work` first."""
    folder, damaged = job.source, {}
    if not folder.is_dir():
        folder = work / "unpacked"
        folder.mkdir()
        damaged = unpack(job.source, folder, matcher(job.pattern), job.unpack_bound)
    found = find(folder, job.pattern, skipped=job.out)
    found.refused.update(damaged)
    if not found.sources and not found.refused:
        raise SourceError(
            f"{shown(job.source)}: no file matches '{job.pattern}'; check IN_DIR, or give another --pattern"
        )
    return folder, found


@contextmanager
def _held(out: Path) -> Iterator[Path]:
    """Hold OUT_DIR for this run alone, swept of what a killed one left; yields a folder for temporaries."""
    with held(out, "batch"):
        try:
            _sweep(out)
            work = Path(tempfile.mkdtemp(prefix=WORK_PREFIX, dir=out))
        except OSError as error:
            raise cannot_write(out, error) from error
        try:
            yield work
        finally:
            _sweep(out)


def _sweep(out: Path) -> None:
    """Remove what a kill left: folders for temporaries, and outputs that never got their name."""
    for folder in out.glob(f"{WORK_PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)
    for part in out.rglob(PART_PATTERN):
        part.unlink(missing_ok=True)
