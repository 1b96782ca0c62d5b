"""Pages of files that are rendered already: those that a large batch chooses at its end, and those that
`sepkit report` makes.

Each file is rendered once more for its masks. The page shows what the record says and what lies on the disk.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sepkit.audio.source_file import require_file
from sepkit.batch import film, pages
from sepkit.batch.edits import rendered_edits, with_edits
from sepkit.batch.journal import STEMS_BEFORE, Journal, are_metrics, by_stem, is_number
from sepkit.batch.plan import PageItem
from sepkit.batch.report import JSON_NAME, heard
from sepkit.config import Config, parse_config
from sepkit.config.labelled import Labelled
from sepkit.config.sections import ReportConfig
from sepkit.errors import SepkitError, SourceError, one_line
from sepkit.files.digest import sha256_of
from sepkit.files.naming import is_encodable, shown
from sepkit.judge.verdict import FIRST
from sepkit.metrics.base import completed
from sepkit.render.pipeline import Pipeline, Progress
from sepkit.report import batch_page, own
from sepkit.report.second_look import SecondLook, Seen
from sepkit.report.worth_a_look import FileRow, worth_a_look


def lacking(out: Path, source: Path, rows: Sequence[FileRow], journal: Journal, config: Config) -> list[PageItem]:
    """The files whose pages the configuration asks for and that have none. source: the folder that they lie in."""
    asked = config.report or ReportConfig()
    wanted = worth_a_look(rows, asked.pages, config.seed)
    rows = [row for row in rows if row["path"] in wanted and not own.is_own(batch_page.page_path(out, row["path"]))]
    records = {row["path"]: journal.records.get(row["path"]) for row in rows}
    edits = rendered_edits(config, source, {path: each.edits_sha256 for path, each in records.items() if each})
    return [
        PageItem(path, source / path, row, record.input_sha256 if record else "", edits.get(path))
        for row, (path, record) in zip(rows, records.items(), strict=True)
    ]


def make(
    out: Path, item: PageItem, config: Config, look: SecondLook | None, work: Path, progress: Progress | None = None
) -> str:
    """Write the page of a file; returns a sentence where something was set aside for it.

    look: of the configuration that rendered it; None: no masks. work: a folder that does not outlive the page.
    """
    page, row = pages.inside(out, item.path), item.row
    for name in row["outputs"]:  # a record from a stranger must not name other files of this machine
        if not (out / name).resolve().is_relative_to(out.resolve()):
            raise SourceError(f"{shown(name)} lies outside {shown(out)}; run the batch again")
    require_file(item.source)
    if sha256_of(item.source) != item.input_sha256:  # what was rendered must be what is shown as before
        raise SourceError(f"{shown(item.source)}: is not what was rendered any more; run the batch again")
    kept = own.make_way(page)
    seen = look.at(item.source, work, progress) if look else Seen()
    notes = row["note"].split("; ") if row["note"] else []  # as the journal joins them
    said = pages.facts(row["verdict"], row["configuration"], row["reasons"], row["stages"], notes)
    files = by_stem(row.get("stems") or STEMS_BEFORE, row["outputs"], row["verdict"])
    outputs = {stem: out / name for stem, name in files.items()}
    sounds = film.heard(outputs, item.source, config, work)
    known = row["metrics"], with_edits(config, item.edits), seen, said
    pages.write(out, item.path, item.source, outputs, sounds, *known)
    return kept


class Again(NamedTuple):
    """The batch's page; a line for each file whose page could not be made; what was set aside; how many were made."""

    page: Path
    problems: list[str]
    notes: list[str]
    made: int


def again(
    out: Path,
    watched: Callable[[Sequence[PageItem]], Iterable[PageItem]],
    look: bool = True,
    every: bool = False,
) -> Again:
    """Write the pages that a finished batch lacks, then the batch's.

    watched: wraps the files in a bar. look: render each once more, for its masks. every: whatever the configuration
    asks for.
    """
    record, config = _report(out)
    source, journal = out.resolve() / record["source"], Journal(out)  # absolute in those of earlier versions
    if isinstance(config.edits, Labelled):
        config = config.model_copy(update={"edits": config.edits.seen_from(out)})
    asked = config.model_copy(update={"report": ReportConfig(pages="all")}) if every else config
    looks, problems, kept, made = _looks(config, out.resolve()) if look else {}, [], [], 0
    for item in watched(lacking(out, source, record["files"], journal, asked)):
        try:
            _inside(source, item)
            with tempfile.TemporaryDirectory(prefix="sepkit-") as work:
                kept.append(make(out, item, config, looks.get(item.row["configuration"]), Path(work)))
            made += 1
        except (SepkitError, OSError) as error:
            problems.append(f"{shown(item.path)}: {one_line(error)}")
    kept.append(own.make_way(out / batch_page.PAGE_NAME))
    return Again(batch_page.write(out, record, heard(config)), problems, [note for note in kept if note], made)


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


def _looks(config: Config, out: Path) -> Mapping[str, SecondLook]:
    """By the name that the journal gives a configuration; "" is that of journals from before there were several."""
    config = config.model_copy(update={"escalate_to": tuple(str(out / path) for path in config.escalate_to)})
    names = [Path(path).name for path in config.escalate_to]
    first = SecondLook(Pipeline(config))
    others = {name: SecondLook(Pipeline(each)) for name, each in zip(names, config.escalations(), strict=True)}
    return {FIRST: first, "": first, **others}


def _inside(source: Path, item: PageItem) -> None:
    """A page lets one hear what it is made of: a record from a stranger must not name other files of this machine."""
    if not item.source.absolute().is_relative_to(source) or ".." in Path(item.path).parts:
        raise SourceError(f"its source lies outside {shown(source)}; run the batch again")
