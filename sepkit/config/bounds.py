"""The grammar of the quality gate: which bounds a configuration may set, and on which row of which metric.

    <row>_<unit>_max: 12     at most             <row>_rise_<unit>: 3   after − before, at most
    <row>_<unit>_min: 12     at least            <row>_fall_<unit>: 3   before − after, at most

<row> is a row's name, or its metric's where that gives one row: `wer` whoever recognises. <unit> is db, pct, lufs,
dbtp, s or frames, and left out where the scale has none. `residual` is short for `music_residual`. `length_equal: true`
is the one key that no metric answers.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import ValidationError

from sepkit.config import plugins
from sepkit.config.yaml_file import LONGEST_KEY, Options, OptionsError, found_text
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped

LENGTH_EQUAL = "length_equal"
UNITS = {"dB": "db", "%": "pct", "LUFS": "lufs", "dBTP": "dbtp", "s": "s", "frames": "frames", "0–1": "", "MOS 1–5": ""}
"""A row's unit as it stands in a key."""
SHORT = {"music_residual": "residual"}
GRAMMAR = (
    "a metric's row, its unit if it has one, and max, min, rise or fall: stoi_min, wer_rise_pct, residual_db_max; or "
    "length_equal"
)
MOST_NAMED = 3
"""Unknown bounds that are each told with what was meant; of more, as many are named."""
KINDS: tuple[Kind, ...] = ("max", "min", "rise", "fall")

Kind = Literal["max", "min", "rise", "fall"]
Chosen = Sequence[tuple[str, Options]]
"""Metrics by name with their options, the first of a name counting."""


@dataclass(frozen=True)
class Bound:
    """One bound. name: the row as the key calls it; row: as the metric, made with `options`, does.

    limit: in the row's own unit.
    """

    key: str
    kind: Kind
    limit: float
    name: str
    row: str
    unit: str
    metric: str
    options: Options


def parse_bounds(gate: Mapping[str, Any], chosen: Chosen) -> tuple[Bound, ...]:
    """The bounds of a gate, `length_equal` left out; what is wrong with any of its keys is an `OptionsError`.

    chosen: the metrics that the configuration names elsewhere; those it does not name have their defaults.
    """
    if not gate:
        return ()  # without loading every metric
    known = {bound.key: bound for bound in _known(chosen)}
    unknown = [key for key in gate if key not in known and key != LENGTH_EQUAL]
    problems, found = _unknown(unknown, known), []
    for key, value in gate.items():
        wrong = _problem(key, value, known) if key in known or key == LENGTH_EQUAL else ""
        if wrong:
            problems.append((key, wrong))
        elif key in known:
            found.append(replace(known[key], limit=float(value)))
    if problems:
        raise OptionsError(problems)
    return tuple(found)


def _unknown(keys: Sequence[Any], known: Mapping[str, Bound]) -> list[tuple[str, str]]:
    """A problem for each key that is no bound; many of them are one problem."""
    named = [clipped(str(key), LONGEST_KEY) for key in keys[:MOST_NAMED]]
    if len(keys) > MOST_NAMED:
        more = f"{', '.join(named)} and {len(keys) - MOST_NAMED} more"
        return [("", f"{len(keys)} unknown bounds ({more}); a bound is {GRAMMAR}")]
    found = []
    for name, key in zip(named, keys, strict=False):
        if broken := _broken_metric(str(key)):
            found.append((name, broken))
            continue
        close = difflib.get_close_matches(str(key), [*known, LENGTH_EQUAL], n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        found.append((name, f"unknown bound{hint} ({GRAMMAR})"))
    return found


def _problem(key: str, value: Any, known: Mapping[str, Bound]) -> str:
    """What is wrong with the value of a bound; empty where nothing is."""
    if key == LENGTH_EQUAL:
        return "" if isinstance(value, bool) else f"true or false is asked, found {found_text(value)}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return f"a number is asked, found {found_text(value)}"
    if known[key].kind in ("rise", "fall") and value < 0:
        return f"0 or more is asked, found {found_text(value)}"
    return ""


def _broken_metric(key: str) -> str:
    """What is the matter with the metric that a key begins with; empty where there is none, or it is whole."""
    for metric in plugins.names("metrics"):
        if key.startswith(metric):
            try:
                plugins.load("metrics", metric)
            except ConfigError as error:
                return str(error)
    return ""


def _known(chosen: Chosen) -> Iterator[Bound]:
    """Every bound that can be set; where two rows would have one key, the first holds it, aliases come last."""
    options: dict[str, list[Options]] = {name: _defaults(name) for name in plugins.names("metrics")}
    options |= {name: [given for named, given in chosen if named == name] for name, _ in chosen}
    aliases: list[Bound] = []
    rows: list[Bound] = []
    for metric, all_given in options.items():
        for given in all_given:
            scores = _rows(metric, given)
            rows += [bound for score in scores for bound in _bounds(score.name, score, metric, given)]
            short = [metric, SHORT.get(metric, metric)] if len(scores) == 1 else []
            aliases += [bound for name in short for bound in _bounds(name, scores[0], metric, given)]
    seen: set[str] = set()
    for bound in (*rows, *aliases):
        if bound.key not in seen:
            seen.add(bound.key)
            yield bound


def _defaults(metric: str) -> list[Options]:
    """The options of a metric that no configuration names; none where it is broken, or needs to be told some."""
    try:
        given: Options = plugins.load("metrics", metric).Options()
        _rows(metric, given)
    except (ConfigError, ValidationError):
        return []
    return [given]


def _rows(metric: str, options: Options) -> Sequence[Any]:
    made = plugins.make("metrics", metric, options)
    with plugins.blamed("metrics", metric):
        rows: Sequence[Any] = made.rows()
    return rows


def _bounds(name: str, score: Any, metric: str, options: Options) -> Iterator[Bound]:
    unit = UNITS.get(score.unit, score.unit.lower())
    for kind in KINDS:
        parts = (name, kind, unit) if kind in ("rise", "fall") else (name, unit, kind)
        yield Bound("_".join(filter(None, parts)), kind, 0.0, name, score.name, score.unit, metric, options)
