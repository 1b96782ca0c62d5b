"""The quality gate: which bounds of a configuration a cleaned file breaks, in words.

Place: after the metrics of one rendering; what follows (the next configuration, quarantine) is `verdict`'s. A bound
whose metric could not be measured is broken: nothing passes for want of a number.
"""

from __future__ import annotations

import math
from pathlib import Path

from sepkit.audio.read import probe
from sepkit.config import Config
from sepkit.config.bounds import LENGTH_EQUAL, Bound
from sepkit.config.sections import SourceConfig
from sepkit.errors import SepkitError
from sepkit.metrics.base import Score

MOST_DIGITS = 6
"""After the point, where a value and its bound would else look the same."""


def broken(config: Config, scores: tuple[Score, ...], source: Path, clean: Path) -> tuple[str, ...]:
    """A reason for every bound that does not hold; empty where the file passes."""
    by_row = {score.name: score for score in scores}
    reasons = [_broken_bound(bound, by_row.get(bound.row)) for bound in config.bounds()]
    if (config.gate or {}).get(LENGTH_EQUAL):
        reasons.append(_broken_length(source, clean, config.source))
    return tuple(filter(None, reasons))


def _broken_bound(bound: Bound, score: Score | None) -> str:
    against_input = bound.kind in ("rise", "fall")
    if score is None:
        return _unmeasured(bound, "it is not among the metrics")
    before, value = score.exact
    if value is not None and against_input:
        value = None if before is None else value - before if bound.kind == "rise" else before - value
    if value is None or math.isnan(value):
        why = score.why or f"no value on the {'input' if against_input else 'file'}"
        return _unmeasured(bound, why.removeprefix("not measured: "))
    if value >= bound.limit if bound.kind == "min" else value <= bound.limit:
        return ""
    found, limit = _figures(value, bound)
    if against_input:
        moved = "rose" if bound.kind == "rise" else "fell"
        found, limit = (text.replace("%", "percentage points") for text in (found, limit))
        return f"{bound.name} {moved} by {found}, at most {limit} against the input is allowed (gate.{bound.key})"
    asked = "at least" if bound.kind == "min" else "at most"
    return f"{bound.name} {found}, {asked} {limit} is asked (gate.{bound.key})"


def _unmeasured(bound: Bound, why: str) -> str:
    return f"{bound.name} could not be measured: {why} (gate.{bound.key})"


def _figures(value: float, bound: Bound) -> tuple[str, str]:
    """Both numbers with the row's unit, in as few digits as tell them apart."""
    fewest = 0 if bound.unit == "frames" else 2
    for digits in range(fewest, MOST_DIGITS + 1):
        texts = f"{value:.{digits}f}", f"{bound.limit:.{digits}f}"
        if texts[0] != texts[1]:
            break
    unit = "" if bound.unit == "0–1" else f" {bound.unit.split(' ')[0]}"
    return texts[0] + unit, texts[1] + unit


def _broken_length(source: Path, clean: Path, how: SourceConfig) -> str:
    """Compares the files themselves: a pair of the metrics is already cut to one length."""
    try:
        asked, found = probe(source, how).frames, probe(clean).frames
    except SepkitError as error:
        return f"length could not be measured: {error} (gate.{LENGTH_EQUAL})"
    if asked == found:
        return ""
    return f"length {found} frames, the input's {asked} are asked (gate.{LENGTH_EQUAL})"
