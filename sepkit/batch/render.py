"""One file of a batch from source to scores; whatever goes wrong with it becomes its error and ends nothing
else."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sepkit.batch import film, later_pages, moves, pages
from sepkit.batch.edits import with_edits
from sepkit.batch.journal import Stamp, stamp
from sepkit.batch.plan import Item, PageItem, RenderItem
from sepkit.clock import Clock
from sepkit.config import Config
from sepkit.errors import SourceError, one_line
from sepkit.files.digest import sha256_of
from sepkit.files.naming import shown
from sepkit.files.workspace import workspace
from sepkit.judge import quarantine
from sepkit.judge.quarantine import Arrival
from sepkit.judge.verdict import Judge, Judged
from sepkit.render.mask_picture import MaskPicture
from sepkit.report.second_look import SecondLook, Seen

Tell = Callable[[Item, float], None]
"""Called with an item and the part of it that is done, 0 … 1."""


@dataclass(frozen=True)
class Outcome:
    """What became of an item. error: empty where it went well. metrics: as in `Evaluation.as_dict`.

    verdict, configuration, reasons, stages, facts: as in `Judged`. stems: as in `Record`.
    """

    error: str = ""
    input_sha256: str = ""
    outputs: tuple[Stamp, ...] = ()
    duration_s: float = 0.0
    seconds: float = 0.0
    metrics: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    verdict: str = "passed"
    configuration: str = ""
    reasons: tuple[str, ...] = ()
    stages: dict[str, float] = field(default_factory=dict)
    stems: tuple[str, ...] = ()
    facts: dict[str, dict[str, float]] = field(default_factory=dict)


class Renderer:
    """The models and metrics of a configuration, loaded once, which render and judge one item after the other."""

    def __init__(self, config: Config, out: Path, threads: int | None = None) -> None:
        self.config = config
        self.out = out
        self._judge = Judge(config, config.batch_metrics(), threads)

    def twin(self) -> Renderer:
        """Another over the same loaded models, for another thread."""
        other = copy.copy(self)
        other._judge = self._judge.twin()
        return other

    def load(self) -> None:
        """Load the models; what is wrong with them raises here, before any audio is read."""
        self._judge.load()

    def render(self, item: Item, tell: Tell) -> Outcome:
        """Render and measure one file, or make its page. An exception becomes its outcome; an interruption passes."""
        started_s = time.perf_counter()
        try:
            outcome = self._work(item, tell)
        except Exception as error:
            outcome = Outcome(error=one_line(error))
        return replace(outcome, seconds=time.perf_counter() - started_s)

    def _work(self, item: Item, tell: Tell) -> Outcome:
        if isinstance(item, PageItem):
            return self._make_page(item, tell)
        assert isinstance(item, RenderItem)
        return self._render(item, tell)

    def _make_page(self, item: PageItem, tell: Tell) -> Outcome:
        """The page of a file that is rendered already."""
        pipeline = self._judge.pipeline_of(item.row["configuration"])
        look = SecondLook(pipeline) if pipeline else None
        with workspace(self.out) as work:
            note = later_pages.make(self.out, item, self.config, look, work, lambda part: tell(item, part))
        return Outcome(note=note)

    def _render(self, item: RenderItem, tell: Tell) -> Outcome:
        before = _identity(item.source)
        input_sha256 = sha256_of(item.source)
        judge = self._judge if item.edits is None else self._judge.with_edits(item.edits)
        with workspace(self.out) as work:
            masks = MaskPicture() if item.page else None
            results, sounds, judged = film.make(
                [judge], item.source, item.outputs, item.film, work, item.words, lambda part: tell(item, part), masks
            )
            if _identity(item.source) != before:
                raise SourceError(f"{shown(item.source)}: changed while it was read; run it again when it is whole")
            announce = partial(moves.announce, self.out, item.path)
            settled = quarantine.settle(results, judged, item.places, self.out, announce)
            shown_s, of_page = self._write_page(item, judged, Seen(masks, sounds))
        outcome = self._outcome(input_sha256, settled.files, judged, tuple(settled.stems))
        told = settled.notes(lambda path: shown(path.relative_to(self.out)))
        note = "; ".join(filter(None, (outcome.note, *told, *of_page)))
        return replace(outcome, note=note, stages=outcome.stages | shown_s)

    def _write_page(self, item: RenderItem, judged: Judged, seen: Seen) -> tuple[dict[str, float], list[str]]:
        """The file's page, or none where none is asked for yet; returns what it took, and notes."""
        clock = Clock()
        notes = []
        try:
            notes.append(pages.remove(self.out, item.path, item.page))
            if item.page:
                with clock("page"):
                    outputs = item.places.held if judged.verdict == "quarantined" else item.places.own
                    metrics = judged.evaluation.as_dict()["metrics"] if judged.evaluation else {}
                    told = judged.verdict, judged.configuration, judged.reasons, judged.stages, judged.notes
                    said = pages.facts(*told)
                    config = with_edits(self.config, item.edits)
                    sounds = {stem: path for stem, path in seen.evidence.items() if path.exists()}
                    known = metrics, config, seen, said, judged.excerpt
                    pages.write(self.out, item.path, item.source, outputs, {**outputs, **sounds}, *known)
        except Exception as error:  # the file itself is done; its page is not worth losing it
            notes.append(f"its page could not be made: {one_line(error)}")
        return dict(clock.seconds), notes

    def _outcome(self, input_sha256: str, files: list[Arrival], judged: Judged, stems: tuple[str, ...]) -> Outcome:
        evaluation = judged.evaluation
        return Outcome(
            input_sha256=input_sha256,
            outputs=tuple(stamp(self.out, each.there, each.sha256) for each in files),
            duration_s=judged.duration_s,
            metrics=evaluation.as_dict()["metrics"] if evaluation else {},
            note="; ".join((*judged.notes, *(evaluation.notes if evaluation else ()))),
            verdict=judged.verdict,
            configuration=judged.configuration,
            reasons=judged.reasons,
            stages=dict(judged.stages),
            stems=stems,
            facts={stem: dict(found) for stem, found in judged.facts.items()},
        )


def _identity(path: Path) -> tuple[int, int, int]:
    """Differs where a file was written or replaced."""
    status: os.stat_result = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
