"""What sepkit costs: start-up, memory, a batch and its pages, the time outside the models; the pilot's choices."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from scripts.bench.measuring import PILOT_MIX, growth_percent, sepkit, spend, table, write_config, write_sound
from scripts.bench.sizes import Sizes
from sepkit.config import default_config_path, dump_config, load_config
from sepkit.config.sections import DenoiseConfig, FuseConfig, PostMaskConfig, ReportConfig
from sepkit.config.shipped import shipped

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
    """CPU-seconds by stage, for the two configurations that need no download, in turn and on one thread."""
    from sepkit.render.pipeline import Pipeline

    short = write_sound(folder / "short.wav", CLIP_S)
    pipelines = {name: Pipeline(load_config(shipped()[name]), threads=1) for name in ("pilot", "light")}
    for pipeline in pipelines.values():
        pipeline.render(short, pipeline.outputs(short, folder))  # what happens only once is no cost by the minute
    source = write_sound(folder / "source.wav", 60 * sizes.overhead_minutes)
    rounds = {name: defaultdict[str, list[float]](list) for name in pipelines}
    yardsticks = []
    for _ in range(sizes.overhead_rounds):
        yardsticks.append(yardstick_s())
        for name, pipeline in pipelines.items():
            report = pipeline.render(source, pipeline.outputs(source, folder))
            for stage, seconds in report.seconds_by_stage.items():
                rounds[name][stage].append(seconds / sizes.overhead_minutes)
    costs = {name: {stage: median(each) for stage, each in found.items()} for name, found in rounds.items()}
    return _cost_table(costs, median(yardsticks))


def _cost_table(costs: dict[str, dict[str, float]], yardstick: float) -> str:
    """costs: CPU-seconds per minute of stereo, by configuration and stage."""
    found = {stage: [each.get(stage, 0.0) for each in costs.values()] for each in costs.values() for stage in each}
    ranked = sorted(found.items(), key=lambda item: -max(item[1]))
    outside = [(stage, cost) for stage, cost in ranked if not is_model(stage)]
    outside.append(("**all outside the models** (goal: under 1.2)", [sum(column) for column in _columns(outside)]))
    models = [(stage, cost) for stage, cost in ranked if is_model(stage)]
    rows = [*outside, *models, ("yardstick: STFT and inverse by scipy", [yardstick] * len(costs))]
    whole = [f"{sum(each.values()) / 60:.3f}" for each in costs.values()]
    lines: list[list[str | float]] = [[stage, *cost] for stage, cost in rows]
    lines.append(["**everything, CPU-seconds per second** (goals: at most 0.10, 0.05)", *whole])
    return table(["CPU-seconds per minute of stereo, 44.1 kHz", *costs], lines)


def _columns(rows: Sequence[tuple[str, list[float]]]) -> list[tuple[float, ...]]:
    return list(zip(*(cost for _, cost in rows), strict=True))


def batch(sizes: Sizes, folder: Path) -> str:
    """One batch of clips against a run for each; the batch is repeated between shares of the runs."""
    clips = folder / "clips"
    clips.mkdir()
    for index in range(sizes.clips):
        write_sound(clips / f"{index:03d}.wav", CLIP_S, start_s=index / 10)
    rows = []
    without_pages = folder / default_config_path().name  # `sepkit run` makes none
    pilot_config = load_config(default_config_path()).model_copy(update={"report": None})
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


def pages(sizes: Sizes, folder: Path) -> str:
    """A batch whose files all have a page against the same with a few, in turn."""
    clips = folder / "clips"
    clips.mkdir()
    for index in range(sizes.paged_clips):
        write_sound(clips / f"{index:03d}.wav", CLIP_S, start_s=index / 20)
    config, few = load_config(default_config_path()), max(1, sizes.paged_clips // 15)
    spent_s: defaultdict[str, list[float]] = defaultdict(list)
    for turn in range(sizes.batch_rounds):
        for asked in ("all", few, 0):
            path = folder / f"pages_{asked}.yaml"
            path.write_text(dump_config(config.model_copy(update={"report": ReportConfig(pages=asked)})), "utf-8")
            out = folder / f"{asked}-{turn}"
            spent_s[str(asked)].append(sepkit("batch", clips, out, "--config", path).cpu_s / sizes.paged_clips)
            shutil.rmtree(out)
    rows = [(asked, median(seconds), median(seconds) / median(spent_s["all"])) for asked, seconds in spent_s.items()]
    return table(["report.pages", f"one batch of {sizes.paged_clips}, CPU-seconds a clip", "against all"], rows)


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
    choices |= {f"fuse.mask {mask}": {"fuse": FuseConfig(rule="mean", mask=mask)} for mask in ("power", "root")}
    choices |= {f"post_mask.beta {beta:g}": {"post_mask": PostMaskConfig(beta=beta)} for beta in (1.0, 1.5)}
    choices |= {"denoiser rnnoise": {"denoise": denoise}}
    reference, words = PILOT_MIX.with_name("speech.wav"), PILOT_MIX.with_name("words.txt").read_text()
    rows: list[list[str | float]] = []
    configs = {name: config.model_copy(update=changed) for name, changed in choices.items()}
    for name, chosen in {**configs, "light.yaml": load_config(shipped()["light"])}.items():
        cleaned = Pipeline(chosen).run(PILOT_MIX)
        scores = [
            s for s in evaluate_pair(PILOT_MIX, cleaned.speech, reference, words=words).scores if s.after is not None
        ]
        if not rows:
            rows.append(["the mix itself", *("–" if s.before is None else f"{s.before:.2f}" for s in scores)])
        rows.append([name, *(f"{s.after:.2f}" for s in scores)])
    return table(["On the pilot", *(f"{s.label}, {s.unit}" for s in scores)], rows)
