"""One thread for torch in each test worker and in what it starts: many threads beside other processes are much slower.

Under CI, Hypothesis draws the same examples every time; elsewhere it goes on looking for new ones. No test is timed.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"  # read when torch is first imported

settings.register_profile("sepkit", derandomize="CI" in os.environ, deadline=None)
settings.load_profile("sepkit")


@pytest.fixture
def public_path(tmp_path: Path) -> Path:
    """A temporary folder that other users can reach too, for what root must try as nobody."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, or whichever is here. SEPKIT_BROWSER=required makes a missing one fail, else it skips."""
    from playwright.sync_api import Error, sync_playwright

    from scripts.bench.page_costs import chromium

    with sync_playwright() as playwright:
        # Chromium's own sandbox needs a user other than root; nothing but our pages is opened.
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        try:
            opened = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        except Error as error:
            if os.environ.get("SEPKIT_BROWSER") == "required":
                raise
            pytest.skip(f"no Chromium: install it (Debian: apt install chromium) ({str(error).splitlines()[0]})")
        yield opened
        opened.close()
