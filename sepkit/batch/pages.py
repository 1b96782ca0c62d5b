"""The pages of a batch: one a file under OUT_DIR/report, mirrored, and OUT_DIR/report.html, which links to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sepkit.audio.read import probe
from sepkit.config import Config
from sepkit.errors import OutputError, SourceError
from sepkit.files.naming import shown
from sepkit.judge.evaluate import Excerpt, bring_together
from sepkit.metrics.base import ReferenceKind
from sepkit.render.base import judged, main_stem, make_task
from sepkit.render.result import Outputs
from sepkit.report import batch_page, file_page, own
from sepkit.report.second_look import Seen


def write(
    out: Path,
    path: str,
    source: Path,
    outputs: Outputs,
    sounds: Outputs,
    metrics: Mapping[str, Mapping[str, Any]],
    config: Config,
    seen: Seen,
    said: Mapping[str, Any],
    excerpt: Excerpt | None = None,
) -> Path:
    """Write the page of the file `path`. said: as of `facts`. excerpt: what was measured, where anything was.

    sounds: the same as `outputs`, of which one may be a video.
    """
    page = inside(out, path)
    main, task = main_stem(config), make_task(config)
    if main.name not in sounds:
        raise SourceError(f"{shown(path)}: its record names no {main.name}; run the batch again")
    if excerpt is None:
        against = seen.evidence.get(main.against)
        kind: ReferenceKind = "own estimate" if against else "truth"
        longest_s = config.evaluate.longest_s
        excerpt = bring_together(
            source, sounds[main.name], against, longest_s=longest_s, reference_kind=kind, how=config.source
        )
    stems = judged(task.stems(probe(sounds[main.name])))
    results = {*(stem.name for stem in stems), *dict(task.documents())}
    named: dict[str, Any] = {"mix": shown(path)}
    named |= {name: shown(file.relative_to(out)) for name, file in outputs.items() if name in results}
    return file_page.write(page, file_page.evidence(path, excerpt, sounds, metrics, config, seen, {**named, **said}))


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
    page = inside(out, path)
    own.remove_own(page)
    return own.make_way(page) if needed else ""


def inside(out: Path, path: str) -> Path:
    """Where the page of a file lies; a link must not carry it to another place."""
    page = batch_page.page_path(out, path)
    if not page.resolve().is_relative_to(out.resolve()):
        raise OutputError(f"{shown(page)}: leads out of {shown(out)}; remove the link that it follows")
    return page
