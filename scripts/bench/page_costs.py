"""What the page of a large batch costs: `python -m scripts.bench page`. Needs the extra `dev` and a Chromium.

    rows as report.json has them ─ report.html ─ Chromium ─ open, sort by a metric, filter by text

Each stands beside the page of a hundredth of the rows. Figures are drawn by chance; names and metrics are
such as a batch with `config/pilot.yaml` has.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sepkit.config import default_config_path, load_config
from sepkit.errors import SepkitError
from sepkit.judge.evaluate import Evaluator
from sepkit.metrics.base import Evaluation, measured
from sepkit.report import batch_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STAGES = ("read", "member compact", "member rnnoise", "fuse", "equalise", "encode", "metrics", "page")
SORTED = """() => {
  const button = document.querySelectorAll("#files thead button")[4], started = performance.now();
  button.click();
  document.querySelector("#files tbody tr").getBoundingClientRect();
  return (performance.now() - started) / 1000;
}"""
FILTERED = """() => {
  const text = document.getElementById("text"), started = performance.now();
  text.value = "0099";
  text.dispatchEvent(new Event("input"));
  document.querySelector("#files tbody tr").getBoundingClientRect();
  return (performance.now() - started) / 1000;
}"""


class Costs(NamedTuple):
    """Of one page. first_s: from the start of opening it until it is sorted for the first time."""

    rows: int
    megabytes: float
    made_s: float
    opened_s: float
    first_s: float
    sorted_s: float
    filtered_s: float


def chromium() -> str | None:
    """The path of the Chromium that is here."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def drawn_rows(count: int) -> Iterator[dict[str, Any]]:
    """Rows of a batch that was never run."""
    chance = random.Random(0)
    evaluator = Evaluator(load_config(default_config_path()).evaluate.metrics)
    rows = [row for metric in evaluator.metrics for row in metric.rows()]
    for index in range(count):
        failed = index % 100 == 99
        scores = [] if failed else [measured(row, chance.gauss(0, 3), chance.gauss(3, 3)) for row in rows]
        yield {
            "path": f"speaker {index % 50:03d}/take {index:05d}.wav",
            "status": "failed" if failed else "done",
            "error": "is cut short: its header promises 441000 frames, it holds 220500" if failed else "",
            "note": "",
            "duration_s": None if failed else chance.uniform(2, 12),
            "seconds": None if failed else chance.uniform(0.5, 3),
            "metrics": Evaluation(tuple(scores), 0.0, 0.0, 0.0).as_dict()["metrics"],
            "stages": {} if failed else {stage: chance.uniform(0.01, 0.5) for stage in STAGES},
        }


def costs(folder: Path, count: int) -> Costs:
    """Make the page and use it."""
    from playwright.sync_api import sync_playwright

    record = {"files": list(drawn_rows(count)), "interrupted": False, "notes": []}
    started = time.perf_counter()
    page = batch_page.write(folder, record)
    made_s = time.perf_counter() - started
    browser = chromium()
    if browser is None:
        raise SepkitError("no Chromium is here to open the page; install one (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        tab = opened.new_page()
        started = time.perf_counter()
        tab.goto(page.as_uri())
        opened_s = time.perf_counter() - started
        sorted_s = float(tab.evaluate(SORTED))
        first_s = time.perf_counter() - started
        filtered_s = float(tab.evaluate(FILTERED))
        opened.close()
    return Costs(count, page.stat().st_size / 1e6, made_s, opened_s, first_s, sorted_s, filtered_s)
