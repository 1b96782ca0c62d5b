"""The trade-off picture: music left against speech lost, a point a method, the fusion rules of one ensemble a line.

Points are means over the same mixes: those of the main column on which every method was measured. Text
and axes take the colour of the page that the picture stands in (SVG's `currentColor`), and text stays text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sepkit.compare.method import Method
from sepkit.compare.methods import RULES
from sepkit.compare.statistics import Interval, interval
from sepkit.compare.tables import COMPUTE, LEFT, LOST, Comparison
from sepkit.files.whole_file import whole_file
from sepkit.report.pictures import CURRENT as INK
from sepkit.report.pictures import inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST_LOST_DB = -40.0
"""A ten-thousandth of the speech: points beyond, such as the mix itself, stand at the picture's edge."""
MARGIN_DB = 2.0
COLOURS = ("#2f7fd6", "#cf5b34", "#279062", "#a05cd0", "#b07d0c", "#d0478a", "#4f8a8b")
"""At least 3 : 1 on white and on the dark page's ground."""
MARKERS = "osD^vP*X<>ph"
WIDTH_INCHES, PLOT_INCHES, LEGEND_ROW_INCHES = 5.4, 3.7, 0.24
LEGEND_COLUMNS = 2


class Point(NamedTuple):
    """A method's means over `n` mixes, dB, and its CPU-seconds per second of sound where it has any."""

    method: str
    line: str
    rule: str
    lost: Interval
    left: Interval
    compute: Interval | None
    n: int


def points(made: Comparison, compared: Sequence[Method]) -> list[Point]:
    """A point for every method that has one."""
    lost, left, compute = (made.values[name] for name in (LOST, LEFT, COMPUTE.name))
    drawn = [method for method in compared if lost[method.label] and left[method.label]]
    common = [
        name
        for name in made.columns[made.main]
        if drawn and all(name in lost[each.label] and name in left[each.label] for each in drawn)
    ]
    if not common:
        return []

    def mean(values: dict[str, float]) -> Interval:
        return interval([values[name] for name in common])

    return [
        Point(
            each.label,
            each.line,
            each.rule,
            mean(lost[each.label]),
            mean(left[each.label]),
            mean(compute[each.label]) if compute[each.label] else None,
            len(common),
        )
        for each in drawn
    ]


def write(path: Path, drawing: str) -> Path:
    """Write trade_off.svg."""
    with whole_file(path) as part:
        part.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{drawing}\n', encoding="utf-8")
    return path


def draw(found: Sequence[Point]) -> str:
    """The picture as an SVG element."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: Any = {
        **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
        "text.parse_math": False,
        "font.size": 11,
    }
    with matplotlib.rc_context(settings):
        rows = -(-len(found) // LEGEND_COLUMNS)
        figure = Figure(figsize=(WIDTH_INCHES, PLOT_INCHES + rows * LEGEND_ROW_INCHES), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        edge_db = _limits(axes, found)
        _lines(axes, found, edge_db)
        for number, point in enumerate(found):
            _point(axes, point, edge_db, _colour(point, found), MARKERS[number % len(MARKERS)])
        axes.set_xlabel("speech lost, dB   (← better)")
        axes.set_ylabel("music left, dB   (↓ better)")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.2, color=INK)
        if found:
            figure.legend(loc="outside lower left", frameon=False, ncols=LEGEND_COLUMNS)
        return inline_svg(figure)


def _limits(axes: Axes, found: Sequence[Point]) -> float:
    """Fit the axes to the points; returns the edge at which those beyond it stand."""
    inside = [point.lost for point in found if point.lost.mean > LEAST_LOST_DB]
    edge_db = min((lost.low for lost in inside), default=LEAST_LOST_DB) - MARGIN_DB
    axes.set_xlim(edge_db, max((lost.high for lost in inside), default=0.0) + MARGIN_DB)
    axes.set_ylim(
        min((point.left.low for point in found), default=0.0) - MARGIN_DB,
        max((point.left.high for point in found), default=0.0) + MARGIN_DB,
    )
    return edge_db


def _lines(axes: Axes, found: Sequence[Point], edge_db: float) -> None:
    """Join the fusion rules of one ensemble and name them; those that do the same have one place and one name."""
    order = {rule: place for place, rule in enumerate(RULES)}
    for line in dict.fromkeys(point.line for point in found if point.rule):
        places: dict[tuple[float, float], list[str]] = {}
        for point in sorted((each for each in found if each.line == line), key=lambda each: order[each.rule]):
            places.setdefault((max(point.lost.mean, edge_db), point.left.mean), []).append(point.rule)
        colour = next(_colour(point, found) for point in found if point.line == line)
        axes.plot(*zip(*places, strict=True), color=colour, linewidth=1.2, alpha=0.7)
        for place, rules in places.items():
            _say(axes, ", ".join(rules), place)


def _say(axes: Axes, text: str, place: tuple[float, float]) -> None:
    axes.annotate(text, place, xytext=(8, 6), textcoords="offset points", fontsize=9)


def _point(axes: Axes, point: Point, edge_db: float, colour: str, marker: str) -> None:
    lost_db, left_db = point.lost.mean, point.left.mean
    beyond = lost_db < edge_db
    axes.errorbar(
        max(lost_db, edge_db),
        left_db,
        xerr=None if beyond else [[lost_db - point.lost.low], [point.lost.high - lost_db]],
        yerr=[[left_db - point.left.low], [point.left.high - left_db]],
        fmt=marker,
        color=colour,
        markerfacecolor=colour if point.line else "none",
        markersize=8,
        elinewidth=0.8,
        label=point.method,
        clip_on=not beyond,
    )
    if beyond:
        _say(axes, f"{lost_db:.0f} dB".replace("-", "−"), (edge_db, left_db))


def _colour(point: Point, found: Sequence[Point]) -> str:
    """One a line of fusion rules; the page's own for what is no configuration."""
    lines = list(dict.fromkeys(each.line for each in found if each.line))
    return COLOURS[lines.index(point.line) % len(COLOURS)] if point.line else INK
