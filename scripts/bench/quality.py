"""What the separators make of the validation set, alone and in the pipeline: `python -m scripts.bench quality`.

    mix ─┬ unprocessed, members, peers, oracle ─ alone ─────────────┐
         ├ pilot, light, the earlier default ─── configurations ────┼ SI-SDR, STOI, DNSMOS,
         ├ rules and masks ───────────────────── fusion ────────────┤ energy left, CPU ─ quality.md, .json
         └ each stage switched ───────────────── stages ────────────┘

The set is made by `scripts.make_mixes`. A peer's folder holds its answers under the names of the mixes, and in
cost.json, where it is known, `{"cpu_s_per_audio_s": …}`. All runs on one thread; a member's cost is its own, without
resampling. DNSMOS takes most of the time: `--part N` lets it hear every N-th mix of each condition. `--each N` takes
the first N mixes of each.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

from tqdm import tqdm

from scripts.bench.quality_choices import configurations, fusions, stages
from scripts.bench.quality_methods import Method, Pipelines, alone, read_sound, unprocessed
from scripts.bench.quality_scores import FileScore, Scorer, Truth, overview, separation, tables
from scripts.mixes.manifest import read_manifest
from sepkit.compare.method import UNPROCESSED
from sepkit.config import Config, default_config_path, load_config
from sepkit.errors import ConfigError, WeightsError
from sepkit.files.whole_file import make_folder

CHOICES = {"configurations": configurations, "fusion": fusions, "stages": stages}
SHOWN = {"alone": (tables,), "configurations": (separation, overview), "fusion": (overview,), "stages": (overview,)}
"""What can be asked for, and how it is shown."""

Cost = dict[str, float | None]


def read_set(folder: Path, most: int | None = None) -> list[Truth]:
    """The set in `folder`; with `most`, only so many mixes of each condition."""
    taken: Counter[tuple[str, float | None]] = Counter()
    found = []
    for row in read_manifest(folder / "manifest.csv"):
        taken[row.condition, row.level_db] += 1
        if most is None or taken[row.condition, row.level_db] <= most:
            parts = (read_sound(folder / part / f"{row.name}.flac") for part in ("mix", "speech", "background"))
            found.append(Truth(row.name, row.condition, row.level_db, *parts))
    return found


def every(part: int, truths: Sequence[Truth]) -> set[str]:
    """The names of every `part`-th mix of each condition."""
    seen: Counter[str] = Counter()
    found = set()
    for truth in truths:
        if seen[truth.column] % part == 0:
            found.add(truth.name)
        seen[truth.column] += 1
    return found


def measure(
    makers: Mapping[str, Callable[[], Method]], truths: Sequence[Truth], scorer: Scorer, title: str
) -> tuple[list[FileScore], Cost]:
    """Scores of every file, and each method's CPU-seconds per second of audio.

    All methods take one mix, then all the next: so members separate it once, and costs are compared side by side.
    """
    methods = _ready(makers)
    for method in methods.values():
        method(truths[-1])  # what happens only once is no cost by the second
    scores, spent = list[FileScore](), {name: list[float | None]() for name in methods}
    for truth in tqdm(truths, desc=title, unit="mix", disable=None):
        for name, method in methods.items():
            answer = method(truth)
            spent[name].append(answer.cpu_s)
            scores.append(scorer.score(name, truth, answer.estimate))
    audio_s = sum(truth.mix.duration_s for truth in truths)
    return scores, {
        name: None if None in seconds else sum(filter(None, seconds)) / audio_s for name, seconds in spent.items()
    }


def _ready(makers: Mapping[str, Callable[[], Method]]) -> dict[str, Method]:
    """The methods, each with a line instead where its weights are not here."""
    methods = {}
    for name, make in makers.items():
        try:
            methods[name] = make()
        except WeightsError as error:
            tqdm.write(f"{name} is left out: {error}")
    return methods


def run(
    folder: Path, peers: dict[str, Path], asked: Collection[str], out: Path, part: int = 1, each: int | None = None
) -> str:
    """Measure the tables that are asked for, write quality.md and quality.json below `out`, and return the tables.

    part: DNSMOS hears every so many mixes of a condition. each: so many mixes a condition; None: all.
    """
    truths = read_set(folder, each)
    if not truths:
        raise ConfigError(f"--set: {folder / 'manifest.csv'} names no mixes; make a set with scripts.make_mixes")
    heard = every(part, truths)
    scorer, default = Scorer(heard), load_config(default_config_path())
    before, _ = measure({UNPROCESSED: lambda: unprocessed}, truths, scorer, UNPROCESSED)
    record: dict[str, object] = {}
    parts = [f"# On the validation set\n\n{_size(truths, heard)}"]
    for title in (title for title in SHOWN if title in asked):
        makers = alone(peers, truths[0].mix.sample_rate) if title == "alone" else _pipelines(CHOICES[title](default))
        found, cost = measure(makers, truths, scorer, title)
        scores = [*before, *found]
        record[title] = {"cpu_s_per_audio_s": cost, "files": [score._asdict() for score in scores]}
        parts += [f"## {title.capitalize()}", *(make(scores, cost) for make in SHOWN[title])]
    text = "\n\n".join(parts)
    make_folder(out)
    (out / "quality.md").write_text(text + "\n", encoding="utf-8")
    (out / "quality.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return text


def _pipelines(configs: Mapping[str, Config]) -> dict[str, Callable[[], Method]]:
    pipelines = Pipelines()
    return {name: partial(pipelines.method, config) for name, config in configs.items()}


def _size(truths: Sequence[Truth], heard: Collection[str]) -> str:
    minutes = sum(truth.mix.duration_s for truth in truths) / 60
    opinions = "" if len(heard) == len(truths) else f", DNSMOS of {len(heard)} of them"
    return f"{len(truths)} mixes, {minutes:.0f} minutes{opinions}; means with 95 % bootstrap intervals over the files."
