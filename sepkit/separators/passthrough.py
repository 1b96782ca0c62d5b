"""The member that leaves everything in, to show what the rest of the pipeline does by itself.

Source: none needed; no weights.
"""

from __future__ import annotations

from sepkit import config
from sepkit.separators.base import BaseSeparator, Estimates, Mix


class Options(config.Options):
    """Nothing to set."""


class Separator(BaseSeparator):
    """Any rate, any channels, no context."""

    def separate(self, mix: Mix) -> Estimates:
        """The mix (channels, frames), as a copy."""
        return Estimates(mix.samples.copy())
