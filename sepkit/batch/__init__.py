"""Runs over files. A folder: find, skip what is done, isolate failures, journal, report.

    find ─ plan ─┬ skip what the journal says is done
    (unpack)     └ render, here or in workers ─ journal ─ report ─ (pack)

The tree of the sources is mirrored under OUT_DIR, which also holds the journal, report.json and report.csv. A
run that was interrupted or killed goes on where it stopped when the same command is given again.

Beside that: `single` files, the `pilot` pair with its truth, and `preview`, what a run would do.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sepkit.batch.delivery import UnpackBound
    from sepkit.batch.job import BatchJob
    from sepkit.batch.report import BatchReport, Row
    from sepkit.batch.run import run_batch

__all__ = ["BatchJob", "BatchReport", "Row", "UnpackBound", "run_batch"]

_HOMES = {
    "BatchJob": "sepkit.batch.job",
    "BatchReport": "sepkit.batch.report",
    "Row": "sepkit.batch.report",
    "UnpackBound": "sepkit.batch.delivery",
    "run_batch": "sepkit.batch.run",
}


def __getattr__(name: str) -> Any:
    """Import the names of a folder's run on first use: a single file needs neither journal nor report."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sepkit.batch' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
