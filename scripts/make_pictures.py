"""`python -m scripts.make_pictures`: the pictures of the README. Needs the extra `dev` and a Chromium.

data/pictures/before_after.webp   spectrograms of the pilot's mix and of the speech that came out
data/pictures/report.webp         the page that the pilot run leaves, as a browser shows it
"""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path

import click

from scripts.bench.page_costs import chromium
from sepkit.batch.pilot import PAGE_NAME, run_pilot
from sepkit.config import default_config_path, load_config

FOLDER = Path("data/pictures")
WIDTH, HEIGHT = 1100, 1000
"""Of the page, in pixels: the players, the pictures and the first of the worst moments."""
QUALITY = 80
"""Of WebP: both pictures together stay below 400 KB."""


def photograph(page: Path, target: Path) -> None:
    """What a browser shows of a page before anything is scrolled."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        shown.goto(page.absolute().as_uri())
        shown.screenshot(path=target)
        browser.close()


@click.command()
def main() -> None:
    """Make both pictures anew."""
    if find_spec("playwright") is None:
        raise click.ClickException("playwright is not installed; run: pip install -c requirements.lock -e '.[dev]'")
    from PIL import Image

    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        run_pilot(load_config(default_config_path()), work, work / "eval")
        photograph(work / "eval" / PAGE_NAME, work / "report.png")
        for made, target in (("eval/spectrograms.png", "before_after.webp"), ("report.png", "report.webp")):
            picture = Image.open(work / made).convert("RGB")
            picture.thumbnail((WIDTH, HEIGHT))
            picture.save(FOLDER / target, quality=QUALITY, method=6)
            click.echo(f"→ {FOLDER / target}, {(FOLDER / target).stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
