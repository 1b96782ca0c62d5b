"""The pages of a batch: one a file under OUT_DIR/report, mirrored, and OUT_DIR/report.html, which links to them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sepkit.audio.source_file import require_file
from sepkit.batch.journal import STEMS_BEFORE, Journal, Record, are_metrics, by_stem, is_number
from sepkit.batch.report import JSON_NAME, Row
from sepkit.config import Config, parse_config
from sepkit.errors import OutputError, SepkitError, SourceError, one_line
from sepkit.files.digest import sha256_of
from sepkit.files.naming import is_encodable, shown
from sepkit.judge.evaluate import Excerpt, bring_together
from sepkit.judge.verdict import FIRST
from sepkit.metrics.base import ReferenceKind, completed
from sepkit.render.base import main_stem
from sepkit.render.result import Outputs
from sepkit.report import batch_page, file_page, own
from sepkit.report.second_look import SecondLook, Seen


def write(
    out: Path,
    path: str,
    source: Path,
    outputs: Outputs,
    metrics: Mapping[str, Mapping[str, Any]],
    config: Config,
    seen: Seen,
    said: Mapping[str, Any],
    excerpt: Excerpt | None = None,
) -> Path:
    """Write the page of the file `path`. said: as of `facts`. excerpt: what was measured, where anything was."""
    page = _inside(out, path)
    main = main_stem(config)
    if main.name not in outputs:
        raise SourceError(f"{shown(path)}: its record names no {main.name}; run the batch again")
    if excerpt is None:
        against = seen.evidence.get(main.against)
        kind: ReferenceKind = "fused vocals" if against else "truth"
        longest_s = config.evaluate.longest_s
        excerpt = bring_together(
            source, outputs[main.name], against, longest_s=longest_s, reference_kind=kind, how=config.source
        )
    named = {"mix": shown(path), main.name: shown(outputs[main.name].relative_to(out)), **said}
    return file_page.write(page, file_page.evidence(path, excerpt, outputs, metrics, config, seen, named))


def facts(
    verdict: str, configuration: str, reasons: Sequence[str], stages: Mapping[str, float], notes: Sequence[str]
) -> dict[str, Any]:
    """What a page says of a rendering."""
    told = {"verdict": verdict, "configuration_of_the_verdict": configuration, "reasons": "; ".join(reasons)}
    found = {name: value for name, value in told.items() if value}
    return found | {"cpu_seconds": dict(stages), "notes": list(notes)}


def remove(out: Path, path: str, needed: bool) -> str:
    """Remove a page of an earlier rendering, which would show what is there no more.

    needed: its place is; what lies there and is no page of sepkit is set aside. Returns a sentence where one was.
    """
    page = _inside(out, path)
    own.remove_own(page)
    return own.make_way(page) if needed else ""


def missing_note(out: Path, rows: Sequence[Row], source: Path) -> list[str]:
    """A note where finished files have no page: they were rendered before pages were asked for, or it failed.

    source: a folder, or a zip, of which nothing is kept that a page could be made of.
    """
    bare = sum(1 for row in rows if row.outputs and not own.is_own(batch_page.page_path(out, row.path)))
    files = "1 file has no page yet" if bare == 1 else f"{bare} files have no page yet"
    makes = f"`sepkit report {shown(out)}` makes what is missing"
    if not source.is_dir():
        makes = f"unpack {shown(source)} and run the batch over the folder, then {makes}"
    return [f"{files}: {makes}"] if bare else []


class Again(NamedTuple):
    """The batch's page; a line for each file whose page could not be made; what was set aside."""

    page: Path
    problems: list[str]
    notes: list[str]


def again(out: Path, watched: Callable[[Sequence[Any]], Sequence[Any]], look: bool = True) -> Again:
    """Write the pages that a finished batch lacks, then the batch's.

    watched: wraps the files in a bar. look: render each once more, for its masks.
    """
    record, config = _report(out)
    source, rows = out.resolve() / record["source"], record["files"]  # absolute in those of earlier versions
    journal, problems, kept = Journal(out), [], []
    looks = _looks(config, out.resolve()) if look else {}
    for row in watched([row for row in rows if row["outputs"]]):
        try:
            page = _inside(out, row["path"])
            if own.is_own(page):
                continue
            _own(out, source, row)
            _unchanged(source / row["path"], journal.records.get(row["path"]))
            kept.append(own.make_way(page))
            _write_again(out, row, source / row["path"], config, looks)
        except (SepkitError, OSError) as error:
            problems.append(f"{shown(row['path'])}: {one_line(error)}")
    kept.append(own.make_way(out / batch_page.PAGE_NAME))
    return Again(batch_page.write(out, record), problems, [note for note in kept if note])


def _report(out: Path) -> tuple[dict[str, Any], Config]:
    """What report.json holds, and the configuration in it."""
    try:
        record = json.loads((out / JSON_NAME).read_text(encoding="utf-8"))
        config = parse_config(record["configuration"], shown(out / JSON_NAME))
        if not all(map(_is_row, record["files"])) or "\0" in record["source"]:
            raise ValueError("its rows are not as a batch writes them")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(
            f"{shown(out / JSON_NAME)}: cannot be read ({one_line(error)}); run the batch again"
        ) from error
    rows = [{**row, "metrics": completed(row["metrics"])} for row in record["files"]]
    notes = record.get("notes")
    told = [note for note in notes if isinstance(note, str)] if isinstance(notes, list) else []
    return {**record, "files": rows, "notes": told, "interrupted": record.get("interrupted") is True}, config


def _is_row(row: Any) -> bool:
    """Whether this is a row of a report.json as a batch writes it: anybody can write into a file."""
    texts = [row[name] for name in ("path", "status", "error", "note", "verdict", "configuration")]
    texts += [*row["outputs"], *row["reasons"], *(row.get("stems") or ())]
    numbers = [row["duration_s"], row["seconds"], *row["stages"].values()]
    return (
        all(isinstance(text, str) and is_encodable(text) for text in texts)
        and all(number is None or is_number(number) for number in numbers)
        and are_metrics(row["metrics"])
    )


def _write_again(
    out: Path, row: Mapping[str, Any], source: Path, config: Config, looks: Mapping[str, SecondLook]
) -> None:
    notes = row["note"].split("; ") if row["note"] else []  # as the journal joins them
    said = facts(row["verdict"], row["configuration"], row["reasons"], row["stages"], notes)
    with tempfile.TemporaryDirectory(prefix="sepkit-") as work:
        look = looks.get(row["configuration"])
        seen = look.at(source, Path(work)) if look else Seen()
        files = by_stem(row.get("stems") or STEMS_BEFORE, row["outputs"], row["verdict"])
        outputs = {stem: out / name for stem, name in files.items()}
        write(out, row["path"], source, outputs, row["metrics"], config, seen, said)


def _looks(config: Config, out: Path) -> dict[str, SecondLook]:
    """By the name that the journal gives a configuration; "" is that of journals from before there were several."""
    config = config.model_copy(update={"escalate_to": tuple(str(out / path) for path in config.escalate_to)})
    names = [Path(path).name for path in config.escalate_to]
    first = SecondLook(config)
    others = {name: SecondLook(each) for name, each in zip(names, config.escalations(), strict=True)}
    return {FIRST: first, "": first, **others}


def _own(out: Path, source: Path, row: Mapping[str, Any]) -> None:
    """A page lets one hear what it is made of: a record from a stranger must not name other files of this machine."""
    if not (source / row["path"]).absolute().is_relative_to(source) or ".." in Path(row["path"]).parts:
        raise SourceError(f"its source lies outside {shown(source)}; run the batch again")
    for name in row["outputs"]:
        if not (out / name).resolve().is_relative_to(out.resolve()):
            raise SourceError(f"{shown(name)} lies outside {shown(out)}; run the batch again")


def _unchanged(source: Path, record: Record | None) -> None:
    """What was rendered must be what is shown as before."""
    require_file(source)
    if record is None or sha256_of(source) != record.input_sha256:
        raise SourceError(f"{shown(source)}: is not what was rendered any more; run the batch again")


def _inside(out: Path, path: str) -> Path:
    """Where the page of a file lies; a link must not carry it to another place."""
    page = batch_page.page_path(out, path)
    if not page.resolve().is_relative_to(out.resolve()):
        raise OutputError(f"{shown(page)}: leads out of {shown(out)}; remove the link that it follows")
    return page
