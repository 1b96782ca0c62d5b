"""Renders a file once more for what its page shows and no output keeps: the masks, and what the members agreed on.

Place: where a page is made after the rendering (`sepkit report`). The same configuration gives the same masks.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sepkit.config import Config
from sepkit.errors import SepkitError
from sepkit.render.mask_picture import MaskPicture
from sepkit.render.pipeline import Outputs, Pipeline

NO_MASKS = "Masks are drawn while a file is rendered; this page was made from the files alone."


class Seen(NamedTuple):
    """What no output keeps. masks and fused: None where they are not known, for the reason `why_not`."""

    masks: MaskPicture | None = None
    fused: Path | None = None
    why_not: str = NO_MASKS


class SecondLook:
    """A configuration whose models are loaded by the first file and kept for the others."""

    def __init__(self, config: Config) -> None:
        self._pipeline = Pipeline(config)

    def at(self, source: Path, folder: Path) -> Seen:
        """Render `source` to `folder`, which should not outlive the page. What prevents it is said, not raised."""
        masks = MaskPicture()
        try:
            self._pipeline.load()
            speech = self._pipeline.outputs(source, folder).speech
            outputs = Outputs(speech, fused=folder / f".fused{speech.suffix}")
            self._pipeline.render(source, outputs, masks=masks)
        except SepkitError as error:
            return Seen(why_not=f"The masks could not be drawn: {error}")
        return Seen(masks, outputs.fused)
