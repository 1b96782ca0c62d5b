"""Renders a file once more for what its page shows and no output keeps: the masks, and what the members agreed on.

Place: where a page is made after the rendering. The same configuration gives the same masks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sepkit.errors import SepkitError
from sepkit.render.base import judged
from sepkit.render.mask_picture import MaskPicture
from sepkit.render.pipeline import Pipeline, Progress
from sepkit.render.result import Outputs

NO_MASKS = "Masks are drawn while a file is rendered; this page was made from the files alone."


@dataclass(frozen=True)
class Seen:
    """What no output keeps. masks: None where they are not known, for the reason `why_not`.

    evidence: the stems without a file of their own, where they were written, by name.
    """

    masks: MaskPicture | None = None
    evidence: Outputs = field(default_factory=dict)
    why_not: str = NO_MASKS


class SecondLook:
    """A pipeline whose models are loaded by the first file and kept for the others."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def at(self, source: Path, folder: Path, progress: Progress | None = None) -> Seen:
        """Render `source` to `folder`, which should not outlive the page. What prevents it is said, not raised."""
        masks = MaskPicture()
        try:
            if self._pipeline.task.in_place:
                return Seen(why_not="")
            self._pipeline.load()
            main = judged(self._pipeline.task.stems())[0].name
            path = self._pipeline.outputs(source, folder)[main]
            outputs = self._pipeline.with_evidence({main: path})
            self._pipeline.render(source, outputs, progress, masks)
        except SepkitError as error:
            return Seen(why_not=f"The masks could not be drawn: {error}")
        return Seen(masks, outputs)
