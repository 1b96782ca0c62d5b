"""The comparison as a page: the trade-off picture with its numbers, an overview, a table a metric by condition."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sepkit.compare import markdown
from sepkit.compare.picture import Point
from sepkit.compare.statistics import LEAST_FILES
from sepkit.compare.tables import Comparison, counted
from sepkit.report.html import write_page


def write(path: Path, title: str, made: Comparison, points: Sequence[Point], drawing: str) -> Path:
    """Write comparison.html. Everything but the drawing, which is matplotlib's, is escaped by the template."""
    from markupsafe import Markup

    return write_page(
        path,
        "compare.html",
        title=title,
        kind="comparison",
        made=made,
        headings={table.score.name: markdown.heading(table) for table in made.tables},
        points=points,
        drawing=Markup(drawing),
        least_files=LEAST_FILES,
        counted=counted,
    )
