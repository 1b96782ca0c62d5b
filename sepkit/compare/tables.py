"""Every line of the results as tables: one a metric, a row a method, a column a condition and one for all mixes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sepkit.compare.method import UNPROCESSED, Method
from sepkit.compare.pairs import EVERY, SetPair
from sepkit.compare.statistics import Interval, differences, interval, is_better
from sepkit.metrics.base import Score

COMPUTE = Score("compute", "CPU-seconds per second of sound", "s/s", "lower")
"""On one thread, all stages, without loading; a row like a metric's."""

LOST, LEFT = "speech_lost", "music_left"
"""The rows of the trade-off, which every comparison but that of edits measures."""
LEAST_BACKGROUND_DB = -60.0
"""A mix whose background lies further below its speech is clean speech."""
MIXED = "speech and background"
"""The column of what holds both. In that of all mixes, clean speech with its hundreds of dB drowns the rest, and a
method that leaves it untouched, infinitely good, is not measured there at all."""
EVERYBODY = "every voice speaks"
"""The column of the mixes in which each of several voices is heard, where that is not so in all: against one voice
alone the mix itself is perfect."""
SILENT_LEVEL = "silent_level"

Lines = Mapping[tuple[str, str], Mapping[str, Any]]
"""Lines of results.jsonl by (method's label, mix's name)."""
Values = dict[str, float]
"""One figure by the mix's name."""


class Cell(NamedTuple):
    """One method in one condition: measured on `n` of `of` mixes.

    value: None where n is 0. difference: to the first configuration, paired; None for itself and where no mix is common
    to both. best: better than every other method, each by a paired interval that excludes 0.
    """

    n: int
    of: int
    value: Interval | None = None
    difference: Interval | None = None
    compared: int = 0
    best: bool = False

    def value_text(self, decimals: int) -> str:
        """As "5.90 [5.12, 6.70]"; of one mix there is no interval, of none a dash."""
        return _text(self.value, self.n, decimals)

    def difference_text(self, decimals: int) -> str:
        """As "+1.20 [+0.80, +1.70]"; empty where there is none."""
        return _text(self.difference, self.compared, decimals, "+") if self.difference else ""

    @property
    def count_text(self) -> str:
        """As "18 of 20", where not all were measured; else empty."""
        return f"{self.n} of {self.of}" if self.n < self.of else ""


class Table(NamedTuple):
    """A metric: its row (no values), and its cells by method and column. why: what was not measured, said plainly."""

    score: Score
    cells: dict[str, dict[str, Cell]]
    why: tuple[str, ...]

    @property
    def decimals(self) -> int:
        """As many as tell methods apart."""
        return 3 if self.score is COMPUTE else 2


class Comparison(NamedTuple):
    """All tables. columns: names of mixes by column. base: the method that the others' differences are to.

    main: the column that the overview and the picture show.
    values: metric → method → mix → figure. notes: what was brought into line in mixes before measuring, how often.
    remarks: what a reader should know of the methods.
    """

    tables: tuple[Table, ...]
    methods: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    main: str
    base: str
    values: dict[str, dict[str, Values]]
    notes: dict[str, int]
    remarks: tuple[str, ...] = ()


def counted(mixes: int) -> str:
    """As "1 mix", "20 mixes"."""
    return f"{mixes} mix" if mixes == 1 else f"{mixes} mixes"


def compare(
    rows: Sequence[Score],
    compared: Sequence[Method],
    pairs: Sequence[SetPair],
    lines: Lines,
    base: Method,
    remarks: Sequence[str] = (),
) -> Comparison:
    """Tables of every metric row, and of compute."""
    columns = _columns(pairs, lines)
    values = {row.name: _values(row, compared, lines) for row in (*rows, COMPUTE)}
    tables = []
    for row in (*rows, COMPUTE):
        rivals = [each.label for each in compared if each.competes]
        if not _has_meaning_of_the_mix(row, lines):
            rivals.remove(UNPROCESSED)
        by_column = {
            column: _column(row, values[row.name], names, base.label, rivals) for column, names in columns.items()
        }
        cells = {each.label: {column: by_column[column][each.label] for column in columns} for each in compared}
        tables.append(Table(row, cells, _why(row, compared, lines)))
    notes = Counter(note for (label, _), line in lines.items() if label == base.label for note in line["notes"])
    labels, main = (
        tuple(each.label for each in compared),
        next(name for name in (MIXED, EVERYBODY, EVERY) if name in columns),
    )
    return Comparison(tuple(tables), labels, columns, main, base.label, values, dict(notes), tuple(remarks))


def _columns(pairs: Sequence[SetPair], lines: Lines) -> dict[str, tuple[str, ...]]:
    """The names of the mixes in every column: all, those of speech and background, or in which every voice speaks,
    where these are not all, and each condition's.
    """
    unmeasured = {"after": None}

    def silent(name: str) -> bool:
        return lines[UNPROCESSED, name]["metrics"][SILENT_LEVEL]["after"] is not None

    levels = {pair.name: lines[UNPROCESSED, pair.name]["metrics"].get(LEFT, unmeasured)["after"] for pair in pairs}
    mixed = tuple(name for name, level_db in levels.items() if level_db is not None and level_db > LEAST_BACKGROUND_DB)
    spoken = tuple(name for name in levels if SILENT_LEVEL in lines[UNPROCESSED, name]["metrics"] and not silent(name))
    columns = {EVERY: tuple(levels)}
    columns |= {name: part for name, part in ((MIXED, mixed), (EVERYBODY, spoken)) if 0 < len(part) < len(levels)}
    for column in dict.fromkeys(pair.column for pair in pairs if pair.column not in columns):
        columns[column] = tuple(pair.name for pair in pairs if pair.column == column)
    return columns


def _values(row: Score, compared: Sequence[Method], lines: Lines) -> dict[str, Values]:
    """What a row came to, by method and mix."""
    found: dict[str, Values] = {method.label: {} for method in compared}
    for (label, name), line in lines.items():
        if row is not COMPUTE:
            value = line["metrics"][row.name]["after"]
        else:
            value = None if line["cpu_s"] is None else line["cpu_s"] / line["duration_s"]
        if value is not None:
            found[label][name] = value
    return found


def _why(row: Score, compared: Sequence[Method], lines: Lines) -> tuple[str, ...]:
    """Why a row was not measured, on how many mixes, and for which methods where not for all."""
    if row is COMPUTE:
        return ()
    mixes: dict[str, set[str]] = {}
    of: dict[str, list[str]] = {}
    for (label, name), line in lines.items():
        score = line["metrics"][row.name]
        if score["after"] is None:
            why = score["why"] or "not measured: it has no meaning"
            mixes.setdefault(why, set()).add(name)
            of.setdefault(why, []).append(label)
    return tuple(
        f"{why}: {counted(len(names))}"
        + ("" if len(set(of[why])) == len(compared) else f" ({', '.join(dict.fromkeys(of[why]))})")
        for why, names in mixes.items()
    )


def _has_meaning_of_the_mix(row: Score, lines: Lines) -> bool:
    """Whether the mix itself has this figure: speech lost has none, and unprocessed wins nothing by losing none."""
    return row is not COMPUTE and any(line["metrics"][row.name]["before"] is not None for line in lines.values())


def _column(
    row: Score, values: Mapping[str, Values], names: Sequence[str], base: str, rivals: Sequence[str]
) -> dict[str, Cell]:
    """The cells of one column by method."""
    here = {label: {name: found[name] for name in names if name in found} for label, found in values.items()}
    best = _best(row, {label: here[label] for label in rivals if here[label]})
    cells = {}
    for label, found in here.items():
        gains = [] if label == base else differences(found, here[base])
        cells[label] = Cell(
            len(found),
            len(names),
            interval(list(found.values())) if found else None,
            interval(gains) if gains else None,
            len(gains),
            label == best,
        )
    return cells


def _best(row: Score, rivals: Mapping[str, Values]) -> str | None:
    """The one that is better than each of the others, where there is such a one."""
    if row.better == "neither" or len(rivals) < 2:
        return None
    higher = row.better == "higher"
    means = {label: interval(list(found.values())).mean for label, found in rivals.items()}
    first = (max if higher else min)(means, key=lambda label: means[label])
    others = (found for label, found in rivals.items() if label != first)
    return first if all(is_better(rivals[first], other, higher) for other in others) else None


def _text(found: Interval | None, n: int, decimals: int, sign: str = "") -> str:
    if found is None:
        return "–"
    text = found.text(decimals, sign)
    return text if n > 1 else text.partition(" ")[0]
