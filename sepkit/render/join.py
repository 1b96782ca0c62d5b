"""From what was rendered window by window to the stems of a source: bodies joined at their seams, and the rests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np

from sepkit.audio.samples import Samples
from sepkit.audio.windows import Seam, Window
from sepkit.render.base import Stem


class Join:
    """Of one source. stems: those that are wanted."""

    def __init__(self, stems: Sequence[Stem]) -> None:
        self._rests = [stem for stem in stems if stem.rest_of]
        self._made = sorted({name for stem in stems for name in stem.rest_of or (stem.name,)})
        self._seams = defaultdict[str, Seam](Seam)

    def body(self, made: Mapping[str, Samples], mix: Samples, window: Window) -> dict[str, Samples]:
        """The next body of each stem: (channels, body_stop − body_start).

        made: what was rendered, by stem, start … stop of the window. mix: of the body.
        """
        found = {name: self._seams[name].join(made[name], window) for name in self._made}
        return found | {
            stem.name: reduce(np.subtract, [found[name] for name in stem.rest_of], mix) for stem in self._rests
        }
