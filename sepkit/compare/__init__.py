"""Configurations beside each other on a set of pairs whose parts are known: `sepkit compare`.

    set ─ pairs ─┐
    methods ─────┴ render, measure ─ results.jsonl ─ tables ─┬ comparison.md, .csv, .html
                                                             └ trade_off.svg

Methods are the unprocessed mix, each configuration, and the oracle ratio mask, which knows the truth and is an upper
bound. What is measured is on disk before the next mix is begun; the same command goes on where an earlier one stopped.
"""

from sepkit.compare.run import CompareJob, run_compare

__all__ = ["CompareJob", "run_compare"]
