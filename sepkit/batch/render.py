"""One file of a batch from source to scores; whatever goes wrong with it becomes its error and ends nothing
else."""

from __future__ import annotations

import copy
import os
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sepkit.audio_write import make_folder
from sepkit.batch.journal import Stamp, sha256_of, stamp
from sepkit.batch.plan import Task, one_line, written
from sepkit.config import Config
from sepkit.errors import SourceError
from sepkit.evaluate import Evaluator, bring_together
from sepkit.metrics.base import Evaluation, Score, not_measured
from sepkit.naming import shown
from sepkit.pipeline import Pipeline

WORK_PREFIX = ".sepkit-work-"
"""Folders in OUT_DIR for what lives as long as a run; what a kill leaves goes at the next start."""

Tell = Callable[[Task, float], None]
"""Called with a task and the part of it that is done, 0 … 1."""


@dataclass(frozen=True)
class Outcome:
    """What became of a task. error: empty where it went well. metrics: as in `Evaluation.as_dict`."""

    error: str = ""
    input_sha256: str = ""
    outputs: tuple[Stamp, ...] = ()
    duration_s: float = 0.0
    seconds: float = 0.0
    metrics: dict[str, Any] = field(default_factory=dict)
    note: str = ""


class Renderer:
    """A pipeline and its metrics, loaded once, which render and measure one task after the other."""

    def __init__(self, config: Config, out: Path, threads: int | None = None) -> None:
        self.config = config
        self.out = out
        self.pipeline = Pipeline(config, threads)
        self.evaluator = Evaluator(config.evaluate.batch_metrics)

    def twin(self) -> Renderer:
        """Another over the same loaded models, for another thread."""
        other = copy.copy(self)
        other.pipeline, other.evaluator = self.pipeline.twin(), Evaluator(self.config.evaluate.batch_metrics)
        return other

    def load(self) -> None:
        """Load the models; what is wrong with them raises here, before any audio is read."""
        self.pipeline.load()

    def render(self, task: Task, tell: Tell) -> Outcome:
        """Render and measure one file. An exception becomes its outcome; an interruption passes through."""
        started_s = time.perf_counter()
        try:
            outcome = self._render(task, tell)
        except Exception as error:
            outcome = Outcome(error=one_line(error))
        return replace(outcome, seconds=time.perf_counter() - started_s)

    def _render(self, task: Task, tell: Tell) -> Outcome:
        before = _identity(task.source)
        input_sha256 = sha256_of(task.source)
        make_folder(task.outputs.speech.parent)
        with tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=self.out) as work:
            fused = Path(work) / f"fused{task.outputs.speech.suffix}" if self.evaluator.metrics else None
            outputs = task.outputs._replace(fused=fused)
            report = self.pipeline.render(task.source, outputs, lambda part: tell(task, part))
            if _identity(task.source) != before:
                for path in written(task.outputs):
                    path.unlink()
                raise SourceError(f"{shown(task.source)}: changed while it was read; run it again when it is whole")
            evaluation = self._measure(task, fused) if fused else None
        return Outcome(
            input_sha256=input_sha256,
            outputs=tuple(stamp(self.out, path) for path in written(task.outputs)),
            duration_s=report.duration_s,
            metrics=evaluation.as_dict()["metrics"] if evaluation else {},
            note="; ".join(evaluation.notes) if evaluation else "",
        )

    def _measure(self, task: Task, fused: Path) -> Evaluation:
        """Score the file against the members' fused estimate; what prevents that stands in every row."""
        longest_s = self.config.evaluate.longest_s
        try:
            excerpt = bring_together(
                task.source, task.outputs.speech, fused, longest_s=longest_s, reference_kind="fused vocals"
            )
        except Exception as error:
            rows = tuple(not_measured(row, one_line(error)) for row in metric_rows(self.evaluator))
            return Evaluation(rows, 0.0, 0.0, 0.0)
        return self.evaluator.evaluate(excerpt)


def metric_rows(evaluator: Evaluator) -> tuple[Score, ...]:
    """Every row that the metrics give, without values."""
    return tuple(row for metric in evaluator.metrics for row in metric.rows())


def render_here(
    config: Config, out: Path, tasks: Iterable[Task], tell: Tell
) -> Generator[tuple[Task, Outcome], None, None]:
    """Render the tasks one after the other in this process."""
    renderer = Renderer(config, out)
    renderer.load()
    for task in tasks:
        yield task, renderer.render(task, tell)


def _identity(path: Path) -> tuple[int, int, int]:
    """Differs where a file was written or replaced."""
    status: os.stat_result = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
