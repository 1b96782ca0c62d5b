"""Measure what sepkit costs, as Markdown tables.

    python -m scripts.bench [startup|memory|batch|clips|pages|overhead|pilot|all] [--quick]
    python -m scripts.bench ensemble [--quick] [--row NAME …] [--seconds S] [--pairs N]
    python -m scripts.bench page
    python -m scripts.bench edits|video [--quick]
    python -m scripts.bench voices_speed [--quick]
    python -m scripts.bench bypass --speech DIR --music DIR [--quick]
    python -m scripts.bench quality --set OUT [--peer NAME=FOLDER …] [--table NAME …] [--part N] [--each N]
    python -m scripts.bench sung --set OUT
    python -m scripts.bench detect --set SET
    python -m scripts.bench seeds [--set SET] [--edits SET] [--out OUT]
    python -m scripts.bench voices|speakers|microphones --speech DIR [--quick]
    python -m scripts.bench speakers --set SET --config FILE [--config FILE …] [--quick]

A bare time says more about the machine than about sepkit, so each stands beside its counterpart, measured in
turn with it, and the ratio is what counts. All sound is data/pilot/mix.wav, repeated or cut; `quality` has a set of its
own (`scripts.make_mixes`), `bypass`, `voices`, `speakers` and `microphones` have recordings, `ensemble`, `edits` and
`voices_speed` run networks of full size, `video` has a film of gigabytes, `page` needs a browser, `seeds` sets ours
beside what others published; none of them is part of `all`.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from scripts.bench.clips import clips
from scripts.bench.costs import batch, memory, overhead, pages, pilot, startup
from scripts.bench.measuring import table
from scripts.bench.sizes import FULL, QUICK, Sizes
from sepkit.errors import SepkitError


def ensemble(sizes: Sizes, folder: Path, names: Sequence[str] = ()) -> str:
    """The full ensemble against upstream's own code; see `ensemble_rows`. Rows appear as they are measured."""
    from scripts.bench.ensemble_rows import ROWS, rows

    if unknown := set(names) - set(ROWS):
        raise click.UsageError(f"--row: {', '.join(sorted(unknown))} found; choose of {', '.join(ROWS)}")
    found = []
    for row in rows(folder, sizes, names):
        click.echo(" | ".join(row), err=True)
        found.append(row)
    return table(["What", "against", "found", "goal"], found)


def page(sizes: Sizes, folder: Path) -> str:
    """The page of a batch of 10,000 files beside that of 100, in Chromium; see `scripts.bench.page_costs`."""
    from scripts.bench.page_costs import costs

    few, many = costs(folder, 100), costs(folder, 10_000)
    names = ["rows", "MB", "s to make it", "s to open", "s to the first sort done", "s a sort", "s a filter"]
    rows = [(name, one, other, other / one) for name, one, other in zip(names, few, many, strict=True)]
    return table(["Page of a batch", "100 files", "10,000 files", "ratio"], rows)


def on_one_thread(name: str) -> Any:
    """The bench of that name, loaded only here, for what it loads counts its threads then."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return importlib.import_module(f"scripts.bench.{name}")


def voices_speed(sizes: Sizes, folder: Path) -> str:
    """The networks for several voices, to train and to run; see `scripts.bench.voices_speed`."""
    found: str = on_one_thread("voices_speed").voices_speed(2 if sizes is QUICK else 3)
    return found


def edits(sizes: Sizes, folder: Path) -> str:
    """A window in a long file, the models inside it, memory; see `scripts.bench.edits`."""
    found: str = on_one_thread("edits").edits(sizes, folder)
    return found


def video(sizes: Sizes, folder: Path) -> str:
    """A film over its sound alone, memory, the sync matrix, the kinds of streams; see `scripts.bench.videos`."""
    from scripts.bench.videos import videos

    return videos(sizes, folder)


BENCHES: dict[str, Callable[[Sizes, Path], str]] = {
    "startup": startup,
    "memory": memory,
    "batch": batch,
    "pages": pages,
    "clips": clips,  # these three last: they load libraries into this process
    "overhead": overhead,
    "pilot": pilot,
    "ensemble": ensemble,
    "page": page,
    "edits": edits,
    "voices_speed": voices_speed,
    "video": video,
}
LONG = ("ensemble", "page", "edits", "voices_speed", "video")
"""Not part of `all`."""
APART = ("quality", "sung", "detect", "seeds", "bypass", "voices", "speakers", "microphones")
"""With options of their own."""
QUALITY_TABLES = ("alone", "configurations", "fusion", "stages")
"""As in `scripts.bench.quality`, which is loaded only where it is asked for."""
QUICK_MIXES = 3
"""Of each condition with --quick."""


def quality(folder: Path, peers: Sequence[str], asked: Sequence[str], out: Path, part: int, each: int | None) -> str:
    """Members, peers, configurations and the pilot's choices on the validation set; see `scripts.bench.quality`."""
    named = dict(peer.partition("=")[::2] for peer in peers)
    if not all(named.values()):
        raise click.UsageError(f"--peer: expected NAME=FOLDER, found {', '.join(peers)}")
    paths = {name: Path(path) for name, path in named.items()}
    found: str = on_one_thread("quality").run(folder, paths, asked or QUALITY_TABLES, out, part, each)
    return found


def speakers(speech: Path | None, folder: Path | None, configs: Sequence[Path], quick: bool) -> str:
    """Whether voices stay on their stems over an hour; of a set, what configurations reach on it."""
    with tempfile.TemporaryDirectory() as scratch:
        if folder is not None:
            found: str = on_one_thread("speakers_goals").run(folder, configs, Path(scratch), quick)
        else:
            found = on_one_thread("speakers").run(speech, Path(scratch), quick)
        return found


def bypass(sizes: Sizes, speech: Path, music: Path) -> str:
    """How often clean recordings and mixes with music are passed untouched; see `scripts.bench.bypass_rates`."""
    from scripts.bench.bypass_rates import rates

    rows = rates(speech, music, 4 if sizes is QUICK else 40)
    headings = ("measured", "bypassed", "little taken", "silent pauses", "a room's", "quietest pause, dB")
    return table(["Recordings", *headings], rows)


@click.command()
@click.argument(
    "which",
    default="all",
    type=click.Choice([*BENCHES, *APART, "all"]),
)
@click.option("--quick", is_flag=True, help="Small sizes: shows that the benches run, not what sepkit costs.")
@click.option(
    "--set",
    "folder",
    type=click.Path(path_type=Path),
    help="quality, sung, detect, speakers, seeds: what scripts.make_mixes wrote.",
)
@click.option(
    "--edits", "edit_set", type=click.Path(path_type=Path), help="seeds: what scripts.make_mixes --esc50 wrote."
)
@click.option(
    "--config", "configs", multiple=True, type=click.Path(path_type=Path), help="speakers --set: what is measured."
)
@click.option("--speech", type=click.Path(path_type=Path), help="bypass: clean speech; else: a file a speaker.")
@click.option("--music", type=click.Path(path_type=Path), help="bypass: music.")
@click.option("--peer", "peers", multiple=True, metavar="NAME=FOLDER", help="quality: another program's answers.")
@click.option("--members-only", is_flag=True, help="quality: the same as --table alone.")
@click.option("--table", "asked", multiple=True, type=click.Choice(QUALITY_TABLES), help="quality: these alone.")
@click.option("--each", type=click.IntRange(1), help="quality: so many mixes of each condition [default: all].")
@click.option("--part", default=1, type=click.IntRange(1), help="quality: DNSMOS of every so many mixes [default: 1].")
@click.option("--row", "rows", multiple=True, metavar="NAME", help="ensemble: only this row; may be given again.")
@click.option("--seconds", type=click.FloatRange(1), help="ensemble: of sound [default: 60, with --quick 8].")
@click.option("--pairs", type=click.IntRange(1), help="ensemble: runs of each side, in turn [default: 5].")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="quality, seeds: for results [default: artifacts/quality, artifacts/seeds].",
)
def main(
    which: str,
    quick: bool,
    folder: Path | None,
    edit_set: Path | None,
    configs: tuple[Path, ...],
    speech: Path | None,
    music: Path | None,
    peers: tuple[str, ...],
    members_only: bool,
    asked: tuple[str, ...],
    each: int | None,
    part: int,
    rows: tuple[str, ...],
    seconds: float | None,
    pairs: int | None,
    out: Path | None,
) -> None:
    """Measure what sepkit costs and what it is worth, as Markdown tables."""
    sizes = QUICK if quick else FULL
    if (rows or seconds or pairs) and which != "ensemble":
        raise click.UsageError("--row, --seconds and --pairs belong to ensemble")
    sizes = sizes._replace(ensemble_s=seconds or sizes.ensemble_s, ensemble_pairs=pairs or sizes.ensemble_pairs)
    click.echo(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores{', quick' if quick else ''}")
    out = out or Path("artifacts") / which
    try:
        if which == "seeds":
            click.echo(f"\n{on_one_thread('seeds').run(folder, edit_set, out)}")
        if which in ("quality", "sung", "detect"):
            if folder is None:
                raise click.UsageError(f"{which} needs --set, the folder that `python -m scripts.make_mixes` wrote")
            chosen = ("alone",) if members_only else asked
            least = each or (QUICK_MIXES if quick else None)
            alone = {"sung": "sung", "detect": "detection"}
            if which in alone:
                click.echo(f"\n{on_one_thread(alone[which]).run(folder)}")
            else:
                click.echo(f"\n{quality(folder, peers, chosen, out, part, least)}")
        if which == "bypass":
            if speech is None or music is None:
                raise click.UsageError("bypass needs --speech and --music, folders of recordings")
            click.echo(f"\n{bypass(sizes, speech, music)}")
        if which in ("voices", "speakers", "microphones"):
            if speech is None and (which != "speakers" or folder is None):
                raise click.UsageError(f"{which} needs --speech, a folder that holds a file a speaker")
            if which == "speakers":
                click.echo(f"\n{speakers(speech, folder, configs, quick)}")
            else:
                given = (speech, quick) if which == "microphones" else (speech,)
                click.echo(f"\n{on_one_thread(which).run(*given)}")
    except SepkitError as error:
        raise click.ClickException(str(error)) from error
    for name, bench in (BENCHES | {"ensemble": partial(ensemble, names=rows)}).items():
        if which == name or (which == "all" and name not in LONG):
            with tempfile.TemporaryDirectory() as scratch:
                click.echo(f"\n{bench(sizes, Path(scratch))}")


if __name__ == "__main__":
    main()
