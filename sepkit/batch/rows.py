"""The rows of a batch's report: what the plan foresaw, the journal recorded and went wrong, a row for each source."""

from __future__ import annotations

from sepkit.batch.journal import Journal, Record
from sepkit.batch.plan import Plan
from sepkit.batch.report import Row, Status
from sepkit.config import Config
from sepkit.judge.verdict import metric_rows
from sepkit.metrics.base import Score, completed, not_measured


def make_rows(config: Config, plan: Plan, journal: Journal, errors: dict[str, str]) -> tuple[Row, ...]:
    """One row a source, by path. errors: of the items that were reached."""
    expected = metric_rows(config, config.batch_metrics())
    rows = [Row(path, "failed", error=error) for path, error in plan.failed.items()]
    rows += [_finished_row(record, "skipped", expected) for record in plan.done.values()]
    for item in plan.items:
        error = errors.get(item.path)
        if error is None:
            rows.append(Row(item.path, "pending", reason=item.reason, note=item.note))
        elif error:
            rows.append(Row(item.path, "failed", error=error))
        else:
            rows.append(_finished_row(journal.records[item.path], "done", expected))
    return tuple(sorted(rows, key=lambda row: row.path))


def _finished_row(record: Record, status: Status, expected: tuple[Score, ...]) -> Row:
    """A row from the journal. A metric that the configuration has gained since is named as not measured."""
    unmeasured = [not_measured(row, "rendered before this metric was chosen") for row in expected]
    return Row(
        record.path,
        status,
        reason="as the journal says: input, configuration, weights, outputs" if status == "skipped" else "",
        note=record.note,
        duration_s=record.duration_s,
        seconds=record.seconds,
        outputs=tuple(stamp.path for stamp in record.outputs),
        metrics=completed(record.metrics, unmeasured),
        verdict=record.verdict,
        configuration=record.configuration,
        reasons=record.reasons,
        stages=record.stages,
        stems=record.stems,
    )
