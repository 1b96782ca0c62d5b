"""What a batch will do, decided before anything is rendered: what is to do and why, what is done, what cannot
be done.

A file is done if its input, the resolved configuration and the weights hash to what the journal says, and its
outputs are there with the bytes that were written. Times and sizes of files are not asked: the hashes are the
truth.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sepkit import naming, weights
from sepkit.batch.find import Found
from sepkit.batch.journal import Journal, Record, is_whole, sha256_of, sha256_of_all
from sepkit.errors import OutputError, SepkitError
from sepkit.naming import shown
from sepkit.pipeline import Outputs, Pipeline


@dataclass(frozen=True)
class Identity:
    """What, beside the input, decides the bytes of an output."""

    config_sha256: str
    weights_sha256: str

    @classmethod
    def of(cls, pipeline: Pipeline) -> Identity:
        """Hash the configuration and every file of weights; an absent one stops the batch here."""
        files = pipeline.weights()
        weights.require(files)
        return cls(pipeline.config.fingerprint(), sha256_of_all(weights.sha256(file.path) for file in files))


@dataclass(frozen=True)
class Task:
    """One file to render. reason: why it is not done yet. note: what is special about its output."""

    path: str
    source: Path
    outputs: Outputs
    reason: str
    note: str = ""


@dataclass
class Plan:
    """Every source of the batch stands in exactly one of the three, by its path relative to the folder."""

    tasks: list[Task] = field(default_factory=list)
    done: dict[str, Record] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def make_plan(
    folder: Path,
    found: Found,
    out: Path,
    pipeline: Pipeline,
    journal: Journal,
    identity: Identity,
    watched: Iterable[str] | None = None,
) -> Plan:
    """Sort the sources. Two for one output, or one that would replace a source, end the batch.

    watched: the sources again, wrapped in a bar: hashing what is done already can take its time.
    """
    plan = Plan(failed=dict(found.refused))
    sources = {(folder / path).resolve() for path in found.sources}
    writers: dict[str, str] = {}
    for path in watched or found.sources:
        try:
            outputs = pipeline.outputs(folder / path, (out / path).parent)
            _stay_inside(outputs, out)
        except (SepkitError, OSError) as error:
            plan.failed[path] = one_line(error)
            continue
        for output in written(outputs):
            _claim(output, path, writers, sources)
        record = journal.records.get(path)
        reason = _why_not_done(record, folder / path, outputs, out, identity)
        if record and not reason:
            plan.done[path] = record
        else:
            plan.tasks.append(Task(path, folder / path, outputs, reason, _note(path, outputs)))
    return plan


def written(outputs: Outputs) -> list[Path]:
    """The files that a rendering leaves."""
    return [path for path in outputs if path]


def one_line(error: BaseException) -> str:
    """An error as one line for the report; what is not sepkit's own says what kind it is."""
    text = " ".join(str(error).split())
    return text if isinstance(error, SepkitError) else f"{type(error).__name__}: {text}"


def _why_not_done(record: Record | None, source: Path, outputs: Outputs, out: Path, identity: Identity) -> str:
    """Why a file must be rendered, the cheapest question first; empty where it is done."""
    if record is None:
        return "new"
    if record.config_sha256 != identity.config_sha256:
        return "the configuration changed"
    if record.weights_sha256 != identity.weights_sha256:
        return "the weights changed"
    if [stamp.path for stamp in record.outputs] != [path.relative_to(out).as_posix() for path in written(outputs)]:
        return "its outputs have other names now"
    try:
        if sha256_of(source) != record.input_sha256:
            return "the input changed"
        whole = all(is_whole(out, stamp) for stamp in record.outputs)
    except OSError as error:
        return f"it cannot be compared with the journal ({error.strerror})"
    return "" if whole else "its output is missing or was changed"


def _claim(output: Path, path: str, writers: dict[str, str], sources: set[Path]) -> None:
    key = os.fspath(output)
    if sys.platform in (
        "darwin",
        "win32",
    ):  # there names that differ only in case or composition are one file
        key = unicodedata.normalize("NFC", key).casefold()
    other = writers.setdefault(key, path)
    if other != path:
        raise OutputError(
            f"'{shown(other)}' and '{shown(path)}' would both be written to {shown(output)}; rename one, or "
            "narrow --pattern; nothing was rendered"
        )
    if output.resolve() in sources:
        raise OutputError(f"{shown(output)} is a source of this batch and would be replaced; give another OUT_DIR")


def _stay_inside(outputs: Outputs, out: Path) -> None:
    """A link in an old OUT_DIR must not carry an output to another place."""
    folder = outputs.speech.parent
    if not folder.resolve().is_relative_to(out.resolve()):
        raise OutputError(f"{shown(folder)}: a link leads out of {shown(out)}; remove the link or give another OUT_DIR")


def _note(path: str, outputs: Outputs) -> str:
    """Names that were cut are said, so that nobody looks for the file in vain."""
    if outputs.speech.name.startswith(Path(path).stem):
        return ""
    return f"the name was too long for a suffix within {naming.NAME_MAX_BYTES} bytes and was shortened"
