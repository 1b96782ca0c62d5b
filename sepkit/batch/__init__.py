"""Runs over files. A folder: find, skip what is done, isolate failures, journal, report.

    find ─ plan ─┬ skip what the journal says is done
    (unpack)     └ render, here or in workers ─ journal ─ report ─ (pack)

The tree of the sources is mirrored under OUT_DIR, which also holds the journal, report.json and report.csv. A
run that was interrupted or killed goes on where it stopped when the same command is given again.

Beside that: `single` files, the `pilot` pair with its truth, and `preview`, what a run would do.
"""

from sepkit.batch.delivery import UnpackBound
from sepkit.batch.job import BatchJob
from sepkit.batch.report import BatchReport, Row
from sepkit.batch.run import run_batch

__all__ = ["BatchJob", "BatchReport", "Row", "UnpackBound", "run_batch"]
