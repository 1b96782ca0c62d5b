"""Results of sepkit that lie among the sources of a batch, and are none."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sepkit.batch.find import Found
from sepkit.files.naming import real, shown
from sepkit.render.pipeline import Pipeline

MOST_NAMED = 3


def leave_out_results(
    found: Found, folder: Path, pipeline: Pipeline, written: Collection[Path] = frozenset()
) -> list[str]:
    """Take them out of `found`: what `written` says a journal has, and what bears a suffix of the task's stems.

    Returns a note where there are some. A suffix that begins with a letter or digit tells no result from a word.
    """
    suffixes = tuple(stem.suffix for stem in pipeline.task.stems() if stem.suffix and not stem.suffix[0].isalnum())
    results = [
        path
        for path in found.sources
        if Path(path).stem.endswith(suffixes) or (written and real(folder / path) in written)
    ]
    if not results:
        return []
    found.sources = sorted(set(found.sources) - set(results))
    names = ", ".join(map(shown, results[:MOST_NAMED])) + (", …" if len(results) > MOST_NAMED else "")
    return [f"left out, for they are results of sepkit: {len(results)} ({names})"]
