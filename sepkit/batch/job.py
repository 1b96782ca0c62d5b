"""What a batch is asked to do, and what can be wrong with the command itself."""

from __future__ import annotations

import shlex
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path

from sepkit.batch.delivery import UNPACK_BOUND, UnpackBound, check_target
from sepkit.batch.film import require
from sepkit.batch.find import Patterns
from sepkit.config import Config
from sepkit.config.sections import ALL_TRACKS
from sepkit.errors import ConfigError, OutputError, SourceError
from sepkit.files.naming import shown


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


def check(job: BatchJob) -> None:
    """What can be wrong with the command itself."""
    if job.jobs is not None and job.jobs < 1:
        raise ConfigError(f"jobs: {job.jobs} found; give 1 or more")
    require(job.config)
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
