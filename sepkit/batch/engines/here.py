"""In this process: one file after the other."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path

from sepkit.batch.plan import Item
from sepkit.batch.render import Outcome, Renderer, Tell
from sepkit.config import Config


def render_here(
    config: Config, out: Path, items: Iterable[Item], tell: Tell
) -> Generator[tuple[Item, Outcome], None, None]:
    """Render the items one after the other in this process."""
    renderer = Renderer(config, out)
    renderer.load()
    for item in items:
        yield item, renderer.render(item, tell)
