"""Feed sepkit damaged media, configurations, journals, zips and weights, and count what it does.

    python -m scripts.fuzz --minutes 10 [--seed 0] [--only media] [--keep artifacts/fuzz]

    seeds ─ mutate ─ a case in a folder of its own ─ sepkit's own command in a forked child, within limits ─ outcome

A case follows from the seed and its number alone. Input that brings out what must not be is kept in a folder with the
command and what it said; the exit code is 1 then. Refusals and renderings are both fine. Needs a system that can fork.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click

from scripts.bench.measuring import table
from scripts.fuzz import child
from scripts.fuzz.cases import KINDS, lay
from scripts.fuzz.outcome import BAD, OUTCOMES, judge, keep
from scripts.fuzz.seeds import Seeds, make_seeds

TELL_EVERY_S = 10.0


@click.command()
@click.option("--minutes", default=10.0, show_default=True, type=click.FloatRange(min=0.01), help="How long.")
@click.option("--seed", default=0, show_default=True, help="The same seed tries the same cases in the same order.")
@click.option("--only", "kinds", multiple=True, type=click.Choice(KINDS), help="Only this kind; may be given again.")
@click.option("--keep", "kept", default=Path("artifacts/fuzz"), type=click.Path(path_type=Path), show_default=True)
def main(minutes: float, seed: int, kinds: tuple[str, ...], kept: Path) -> None:
    """Feed sepkit damaged files and count what it does."""
    with tempfile.TemporaryDirectory(prefix="sepkit-fuzz-") as scratch:
        os.environ |= {"XDG_CACHE_HOME": scratch}
        seeds = make_seeds(Path(scratch))
        child.warm()
        counts, bad = _run(seeds, Path(scratch), kept, minutes * 60, seed, kinds or KINDS)
    headings = ["input", *OUTCOMES]
    click.echo(table(headings, [[kind, *(str(counts[kind, outcome]) for outcome in OUTCOMES)] for kind in KINDS]))
    click.echo(f"{sum(counts.values())} cases, seed {seed}; {len(bad)} that must not be")
    for path in bad:
        click.echo(f"→ {path}")
    sys.exit(1 if bad else 0)


def _run(
    seeds: Seeds, scratch: Path, kept: Path, duration_s: float, seed: int, kinds: tuple[str, ...]
) -> tuple[Counter[tuple[str, str]], list[Path]]:
    """Try cases until the time is over; returns how often each kind came to each outcome, and what was kept."""
    counts: Counter[tuple[str, str]] = Counter()
    bad: list[Path] = []
    begin_s = told_s = time.monotonic()
    number = 0
    while time.monotonic() - begin_s < duration_s:
        chance = random.Random(f"{seed}/{number}")
        case = lay(kinds[number % len(kinds)], chance, seeds, scratch / f"case-{number}")
        ended = child.run(case)
        outcome = judge(case, ended)
        counts[case.kind, outcome] += 1
        if outcome in BAD:
            bad.append(keep(case, ended, outcome, kept / f"{seed}-{number}-{outcome.replace(' ', '-')}"))
            click.echo(f"{outcome}: {bad[-1]}", err=True)
        case.remove()
        number += 1
        if time.monotonic() - told_s > TELL_EVERY_S:
            told_s = time.monotonic()
            click.echo(f"{number} cases in {told_s - begin_s:.0f} s", err=True)
    return counts, bad


if __name__ == "__main__":
    main()
