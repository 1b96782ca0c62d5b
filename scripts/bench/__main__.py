"""Measure what sepkit costs, as Markdown tables.

    python -m scripts.bench [startup|memory|batch|overhead|pilot|all] [--quick]
    python -m scripts.bench ensemble [--quick]
    python -m scripts.bench page
    python -m scripts.bench bypass --speech DIR --music DIR [--quick]
    python -m scripts.bench quality --set OUT [--peer NAME=FOLDER …] [--members-only] [--out FOLDER] [--quick]

A bare time says more about the machine than about sepkit, so each stands beside its counterpart, measured in
turn with it, and the ratio is what counts. All sound is data/pilot/mix.wav, repeated or cut; `quality` has a set of its
own (`scripts.make_mixes`), `bypass` too, `ensemble` runs networks of full size, `page` needs a browser; none of them is
part of `all`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click

from scripts.bench.measuring import PILOT_MIX, growth_percent, sepkit, spend, table, write_config, write_sound
from sepkit.config import default_config_path, dump_config, load_config
from sepkit.config.sections import DenoiseConfig, FuseConfig, PostMaskConfig
from sepkit.errors import SepkitError


class Sizes(NamedTuple):
    """How much is measured: the minutes of the memory bench, and counts of what their names say."""

    minutes: tuple[float, float, float]
    overhead_minutes: float
    overhead_rounds: int
    clips: int
    batch_rounds: int
    startup_pairs: int
    ensemble_s: float
    ensemble_pairs: int
    ensemble_clips: int
    ensemble_minutes: tuple[float, float]
    gpu_s: float


FULL = Sizes(
    (1, 10, 60),
    overhead_minutes=3,
    overhead_rounds=5,
    clips=200,
    batch_rounds=2,
    startup_pairs=20,
    ensemble_s=60,
    ensemble_pairs=5,
    ensemble_clips=100,
    ensemble_minutes=(5, 60),
    gpu_s=600,
)
QUICK = Sizes(
    (0.5, 1, 2),
    overhead_minutes=1,
    overhead_rounds=1,
    clips=6,
    batch_rounds=2,
    startup_pairs=3,
    ensemble_s=8,
    ensemble_pairs=5,
    ensemble_clips=8,
    ensemble_minutes=(5, 10),
    gpu_s=60,
)
CLIP_S = 3.0


def memory(sizes: Sizes, folder: Path) -> str:
    """Peak memory of `sepkit run` against the length of the source."""
    separators = ("passthrough", "nn_filter")
    peaks: dict[str, list[float]] = {separator: [] for separator in separators}
    for minutes in sizes.minutes:
        source = write_sound(folder / "source.wav", 60 * minutes)
        for separator in separators:
            config = write_config(folder, separator)
            spent = sepkit("run", source, "-o", folder / "out", "--config", config)
            peaks[separator].append(spent.peak_mib)
    _, middle, longest = sizes.minutes
    headings = ["Peak memory, MiB", *(f"{minutes:g} min" for minutes in sizes.minutes)]
    headings.append(f"growth from {middle:g} to {longest:g} min (goal: under 5 %)")
    rows: list[list[str | float]] = [
        [name, *row, f"{growth_percent(row[1], row[2]):+.1f} %"] for name, row in peaks.items()
    ]
    return table(headings, rows)


def yardstick_s() -> float:
    """CPU-seconds of scipy's STFT and its inverse on a minute of 44.1 kHz stereo: the least a mask costs."""
    import numpy as np
    from scipy.signal import istft, stft

    sound = np.random.default_rng(0).standard_normal((2, 60 * 44100)).astype(np.float32)
    begin_s = time.process_time()
    _, _, spectrum = stft(sound, nperseg=2048, noverlap=1536)
    istft(spectrum, nperseg=2048, noverlap=1536)
    return time.process_time() - begin_s


def is_model(stage: str) -> bool:
    """Whether a stage's time is a model's own (see `sepkit.render.pipeline.RenderReport`)."""
    return stage.startswith(("member ", "denoiser"))


def overhead(sizes: Sizes, folder: Path) -> str:
    """CPU-seconds per minute of audio by stage, for the embedded configuration."""
    from sepkit.render.pipeline import Pipeline

    pipeline = Pipeline(load_config(default_config_path()))
    short = write_sound(folder / "short.wav", CLIP_S)
    pipeline.render(short, pipeline.outputs(short, folder))  # what happens only once is no cost by the minute
    source = write_sound(folder / "source.wav", 60 * sizes.overhead_minutes)
    rounds: defaultdict[str, list[float]] = defaultdict(list)
    yardsticks = []
    for _ in range(sizes.overhead_rounds):
        yardsticks.append(yardstick_s())
        report = pipeline.render(source, pipeline.outputs(source, folder))
        for stage, seconds in report.seconds_by_stage.items():
            rounds[stage].append(seconds / sizes.overhead_minutes)
    costs = {stage: median(seconds) for stage, seconds in rounds.items()}
    yardstick = median(yardsticks)
    ranked = sorted(costs.items(), key=lambda item: -item[1])
    outside = [(stage, cost) for stage, cost in ranked if not is_model(stage)]
    outside.append(("**all outside the models** (goal: under 1.2)", sum(cost for _, cost in outside)))
    models = [(stage, cost) for stage, cost in ranked if is_model(stage)]
    rows = [(stage, cost, cost / yardstick) for stage, cost in outside + models]
    rows.append(("yardstick: STFT and inverse by scipy", yardstick, 1.0))
    return table(["Stage", "CPU-seconds per minute of stereo", "in yardsticks"], rows)


def batch(sizes: Sizes, folder: Path) -> str:
    """One batch of clips against a run for each; the batch is repeated between shares of the runs."""
    clips = folder / "clips"
    clips.mkdir()
    for index in range(sizes.clips):
        write_sound(clips / f"{index:03d}.wav", CLIP_S, start_s=index / 10)
    rows = []
    without_pages = folder / default_config_path().name  # `sepkit run` makes none
    pilot_config = load_config(default_config_path()).model_copy(update={"report": False})
    without_pages.write_text(dump_config(pilot_config), encoding="utf-8")
    for config in (without_pages, write_config(folder, "passthrough")):
        batch_s, run_s = [], []
        for turn in range(sizes.batch_rounds):
            out = folder / f"{config.stem}-{turn}"
            spent = sepkit("batch", clips, out, "--pattern", "*.wav", "--config", config)
            batch_s.append(spent.wall_s / sizes.clips)
            for clip in sorted(clips.iterdir())[turn :: sizes.batch_rounds]:
                run_s.append(sepkit("run", clip, "-o", folder / "runs", "--config", config).wall_s)
        ratio = median(run_s) / median(batch_s)
        rows.append((config.stem, median(batch_s), median(run_s), f"{ratio:.1f} ×"))
    one_batch = f"one batch of {sizes.clips}, s a clip"
    return table(["Configuration", one_batch, "separate runs, s a clip", "faster (goal: at least 15 ×)"], rows)


def startup(sizes: Sizes, folder: Path) -> str:
    """`sepkit --help` against a bare interpreter, in pairs."""
    pairs = [(sepkit("--help").wall_s, spend("-c", "pass").wall_s) for _ in range(sizes.startup_pairs + 1)][
        1:
    ]  # the first pair fills the file cache
    helps, bare = (median(times) for times in zip(*pairs, strict=True))
    more = median(one - other for one, other in pairs)
    rows = [(f"median of {len(pairs)} pairs, s", helps, bare, more)]
    return table(["Start", "sepkit --help", "python -c pass", "more (goal: at most 0.25)"], rows)


def pilot(sizes: Sizes, folder: Path) -> str:
    """The choices in config/pilot.yaml against their alternatives, by every embedded metric, on the pilot itself."""
    from sepkit.judge.evaluate import evaluate_pair
    from sepkit.render.pipeline import Pipeline

    config = load_config(default_config_path())
    denoise = DenoiseConfig.model_validate({"denoiser": "rnnoise"})
    choices: dict[str, dict[str, object]] = {"as it is": {}}
    choices |= {f"fuse.rule {rule}": {"fuse": FuseConfig(rule=rule)} for rule in ("max", "min")}
    choices |= {f"{member.separator} alone": {"members": (member,)} for member in config.members}
    choices |= {f"post_mask.beta {beta:g}": {"post_mask": PostMaskConfig(beta=beta)} for beta in (1.0, 1.5)}
    choices |= {"denoiser rnnoise": {"denoise": denoise}}
    reference, words = PILOT_MIX.with_name("speech.wav"), PILOT_MIX.with_name("words.txt").read_text()
    rows: list[list[str | float]] = []
    for name, changed in choices.items():
        cleaned = Pipeline(config.model_copy(update=changed)).run(PILOT_MIX)
        scores = [
            s for s in evaluate_pair(PILOT_MIX, cleaned.speech, reference, words=words).scores if s.after is not None
        ]
        if not rows:
            rows.append(["the mix itself", *("–" if s.before is None else f"{s.before:.2f}" for s in scores)])
        rows.append([name, *(f"{s.after:.2f}" for s in scores)])
    return table(["On the pilot", *(f"{s.label}, {s.unit}" for s in scores)], rows)


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


BENCHES: dict[str, Callable[[Sizes, Path], str]] = {
    "startup": startup,
    "memory": memory,
    "batch": batch,
    "overhead": overhead,  # these two last: they load the pipeline into this process
    "pilot": pilot,
    "ensemble": ensemble,
    "page": page,
}
LONG = ("ensemble", "page")
"""Not part of `all`."""


def quality(sizes: Sizes, folder: Path, peers: Sequence[str], members_only: bool, out: Path) -> str:
    """Members, peers and the pilot's choices on the validation set in `folder`; see `scripts.bench.quality`."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    from scripts.bench import quality as bench

    named = dict(peer.partition("=")[::2] for peer in peers)
    if not all(named.values()):
        raise click.UsageError(f"--peer: expected NAME=FOLDER, found {', '.join(peers)}")
    return bench.run(folder, {name: Path(path) for name, path in named.items()}, members_only, out, sizes is QUICK)


def bypass(sizes: Sizes, speech: Path, music: Path) -> str:
    """How often clean recordings and mixes with music are passed untouched; see `scripts.bench.bypass_rates`."""
    from scripts.bench.bypass_rates import rates

    rows = rates(speech, music, 4 if sizes is QUICK else 40)
    headings = ("measured", "bypassed", "little taken", "silent pauses", "a room's", "quietest pause, dB")
    return table(["Recordings", *headings], rows)


@click.command()
@click.argument("which", default="all", type=click.Choice([*BENCHES, "quality", "bypass", "all"]))
@click.option("--quick", is_flag=True, help="Small sizes: shows that the benches run, not what sepkit costs.")
@click.option("--set", "folder", type=click.Path(path_type=Path), help="quality: what scripts.make_mixes wrote.")
@click.option("--speech", type=click.Path(path_type=Path), help="bypass: recordings of clean speech.")
@click.option("--music", type=click.Path(path_type=Path), help="bypass: music.")
@click.option("--peer", "peers", multiple=True, metavar="NAME=FOLDER", help="quality: another program's answers.")
@click.option("--members-only", is_flag=True, help="quality: without the pipelines.")
@click.option("--row", "rows", multiple=True, metavar="NAME", help="ensemble: only this row; may be given again.")
@click.option("--out", default=Path("artifacts/quality"), type=click.Path(path_type=Path), help="quality: for results.")
def main(
    which: str,
    quick: bool,
    folder: Path | None,
    speech: Path | None,
    music: Path | None,
    peers: tuple[str, ...],
    members_only: bool,
    rows: tuple[str, ...],
    out: Path,
) -> None:
    """Measure what sepkit costs and what it is worth, as Markdown tables."""
    sizes = QUICK if quick else FULL
    if rows and which != "ensemble":
        raise click.UsageError("--row belongs to ensemble")
    click.echo(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores{', quick' if quick else ''}")
    try:
        if which == "quality":
            if folder is None:
                raise click.UsageError("quality needs --set, the folder that `python -m scripts.make_mixes` wrote")
            click.echo(f"\n{quality(sizes, folder, peers, members_only, out)}")
        if which == "bypass":
            if speech is None or music is None:
                raise click.UsageError("bypass needs --speech and --music, folders of recordings")
            click.echo(f"\n{bypass(sizes, speech, music)}")
    except SepkitError as error:
        raise click.ClickException(str(error)) from error
    for name, bench in (BENCHES | {"ensemble": partial(ensemble, names=rows)}).items():
        if which == name or (which == "all" and name not in LONG):
            with tempfile.TemporaryDirectory() as scratch:
                click.echo(f"\n{bench(sizes, Path(scratch))}")


if __name__ == "__main__":
    main()
