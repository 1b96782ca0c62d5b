"""What short clips cost: `python -m scripts.bench clips`. Users of speech synthesis have them by the hundred thousand.

Each is a `sepkit` process with the configuration that nothing chooses, as a user starts it; the page of a file is left
out. They are measured in turn with `import torch`, which no run with a network can do without, and with the yardstick.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median

from scripts.bench.costs import CLIP_S, yardstick_s
from scripts.bench.measuring import Spent, sepkit, spend, table, write_sound
from scripts.bench.sizes import Sizes
from sepkit.config import default_config_path, dump_config, load_config

Cost = tuple[float, float]
"""Wall-clock and CPU-seconds."""


def clips(sizes: Sizes, folder: Path) -> str:
    """A run of one clip, a clip of a batch, and each further clip of a batch that has begun."""
    few, many = (_written(folder / str(count), count) for count in (sizes.few_clips, sizes.many_clips))
    config = folder / default_config_path().name
    without_pages = load_config(default_config_path()).model_copy(update={"report": None})
    config.write_text(dump_config(without_pages), encoding="utf-8")
    rounds: dict[str, list[Cost]] = {}

    def add(what: str, *cost: float) -> None:
        rounds.setdefault(what, []).append((cost[0], cost[-1]))

    for turn in range(sizes.clip_rounds):
        add("yardstick: STFT and inverse by scipy, a minute", yardstick_s())
        add("`import torch` alone", *_cost(spend("-c", "import torch")))
        clip = next(many.iterdir())
        run = _cost(sepkit("run", clip, "-o", folder / f"run-{turn}", "--config", config))
        add("`sepkit run` of a clip (goal: at most 2.0 s)", *run)
        short, long = (
            _cost(sepkit("batch", each, folder / f"{each.name}-{turn}", "--config", config)) for each in (few, many)
        )
        add(
            f"a clip of a batch of {sizes.many_clips} (goal: at most 0.35 s)",
            *(each / sizes.many_clips for each in long),
        )
        further = ((one - other) / (sizes.many_clips - sizes.few_clips) for one, other in zip(long, short, strict=True))
        add("each further clip of a batch", *further)
    costs = {what: [median(each) for each in zip(*found, strict=True)] for what, found in rounds.items()}
    yardstick = next(iter(costs.values()))[-1]
    rows = [(what, wall, cpu, cpu / yardstick) for what, (wall, cpu) in costs.items()]
    return table([f"Clips of {CLIP_S:g} s", "s", "CPU-seconds", "CPU in yardsticks"], rows)


def _written(folder: Path, count: int) -> Path:
    folder.mkdir()
    for index in range(count):
        write_sound(folder / f"{index:03d}.wav", CLIP_S, start_s=index / 10)
    return folder


def _cost(spent: Spent) -> Cost:
    return spent.wall_s, spent.cpu_s
