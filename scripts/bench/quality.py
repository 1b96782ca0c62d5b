"""What the separators make of the validation set, each alone and in the pipeline: `python -m scripts.bench quality`.

    mix ─┬ each embedded member, its own estimate ────┐
         ├ peers: folders rendered by their own code ─┼ SI-SDR, STOI, DNSMOS, energy left, CPU ─ quality.md, .json
         ├ the oracle ratio mask ─────────────────────┤
         └ config/pilot.yaml, its choices changed ────┘

The set is made by `scripts.make_mixes`. A peer's folder holds its answers under the names of the mixes, and in
cost.json, where it is known, `{"cpu_s_per_audio_s": …}`. All runs on one thread; a member's cost is its own, without
resampling.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import soundfile
from tqdm import tqdm

from scripts.bench.quality_scores import FileScore, Scorer, Truth, tables
from scripts.mixes.manifest import read_manifest
from sepkit.audio.read import audio_source
from sepkit.audio.samples import Audio, Samples
from sepkit.clock import Clock
from sepkit.compare.methods import ORACLE, UNPROCESSED
from sepkit.compare.oracle import oracle
from sepkit.config import Config, default_config_path, load_config, plugins
from sepkit.config.sections import (
    DenoiseConfig,
    FuseConfig,
    LoudnessConfig,
    MemberConfig,
    OutputConfig,
    PostMaskConfig,
    StftConfig,
)
from sepkit.errors import ConfigError, SourceError, WeightsError
from sepkit.files.whole_file import make_folder
from sepkit.models import weights
from sepkit.render.ensemble import Member
from sepkit.render.pipeline import Pipeline
from sepkit.render.statistics import measured

MEMBERS = ("nn_filter", "rnnoise", "compact", "deepfilternet")
"""Those whose weights come with the package."""
QUICK_FILES = 3
"""Mixes a condition with --quick."""
STFT = StftConfig(fft_frames=768, hop_frames=192)
"""48 ms, about what the pilot's 2048 frames are at 44.1 kHz; at the set's 16 kHz they would be 128 ms."""


class Answer(NamedTuple):
    """An estimate (1, frames), and the CPU-seconds it took where they are known."""

    estimate: Samples
    cpu_s: float | None = None


Method = Callable[[Truth], Answer]


def read_set(folder: Path, most: int | None = None) -> list[Truth]:
    """The set in `folder`; with `most`, only so many mixes of each condition."""
    taken: defaultdict[tuple[str, float | None], int] = defaultdict(int)
    found = []
    for row in read_manifest(folder / "manifest.csv"):
        taken[row.condition, row.level_db] += 1
        if most is None or taken[row.condition, row.level_db] <= most:
            parts = (read_sound(folder / part / f"{row.name}.flac") for part in ("mix", "speech", "background"))
            found.append(Truth(row.name, row.condition, row.level_db, *parts))
    return found


def read_sound(path: Path) -> Audio:
    """A file of the set or of a peer."""
    try:
        samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise SourceError(f"{path}: cannot be read ({error}); make the set or the peer's answers anew") from error
    return Audio(samples.T, sample_rate)


def member(name: str, sample_rate: int) -> Method:
    """A separator's own estimate, without a pipeline around it."""
    made = Member(MemberConfig.model_validate({"separator": name}), seed=0)
    weights.require(made.separator.weights())
    if made.separator.uses_device:
        import torch

        torch.set_num_threads(1)
    made.separator.load("cpu")

    def separate(truth: Truth) -> Answer:
        clock = Clock()
        made.separator.begin(made.separator.sample_rate or sample_rate)
        (statistics,) = measured(audio_source(truth.mix))
        found = made.estimate(truth.mix.samples, sample_rate, statistics, clock)
        return Answer(found.wanted, clock.seconds[f"member {name}"])

    return separate


def peer(name: str, folder: Path) -> Method:
    """What another program made of the mixes."""
    cost = folder / "cost.json"
    seconds = json.loads(cost.read_text(encoding="utf-8"))["cpu_s_per_audio_s"] if cost.is_file() else None

    def look_up(truth: Truth) -> Answer:
        path = folder / f"{truth.name}.flac"
        heard = read_sound(path)
        if heard.samples.shape != truth.mix.samples.shape or heard.sample_rate != truth.mix.sample_rate:
            raise SourceError(
                f"{path}: {heard.samples.shape} at {heard.sample_rate} Hz, but the mix is {truth.mix.samples.shape} at "
                f"{truth.mix.sample_rate} Hz; a peer ({name}) must keep rate and length"
            )
        return Answer(heard.samples, None if seconds is None else seconds * truth.mix.duration_s)

    return look_up


def pipeline(config: Config) -> Method:
    """A whole configuration; its cost is that of all stages."""
    made = Pipeline(config, threads=1)
    made.load()

    def clean(truth: Truth) -> Answer:
        rendered = made.run(truth.mix)
        return Answer(rendered.speech.samples, sum(rendered.report.seconds_by_stage.values()))

    return clean


def choices(config: Config) -> dict[str, Config]:
    """The configuration with every stage that changes tone or level left out, and what is to be decided, changed."""
    plain = {"equalise": None, "loudness": LoudnessConfig(target_lufs=None, ceiling_dbtp=None), "stft": STFT}
    config = config.model_copy(update={**plain, "output": OutputConfig(), "device": "cpu"})
    found = {"pilot.yaml": config}
    if "compact" not in plugins.names("separators"):
        return found
    compact = MemberConfig.model_validate({"separator": "compact"})
    kept = {member.separator: member for member in config.members}
    nn_filter = kept.get("nn_filter") or MemberConfig.model_validate({"separator": "nn_filter"})
    rnnoise = config.denoise or DenoiseConfig.model_validate({"denoiser": "rnnoise"})
    changed: dict[str, object]
    for denoise in (None, rnnoise):
        for post_mask in (None, PostMaskConfig(beta=1.0)):
            name = "compact" + (f" → {denoise.denoiser}" if denoise else "") + (" → β 1" if post_mask else "")
            changed = {"members": (compact,), "denoise": denoise, "post_mask": post_mask}
            found[name] = config.model_copy(update=changed)
    rnnoise_member = MemberConfig.model_validate({"separator": "rnnoise"})
    for other in (nn_filter, rnnoise_member):
        for rule in ("max", "mean", "min"):
            fuse = FuseConfig.model_validate({"rule": rule})
            changed = {"members": (compact, other), "fuse": fuse, "denoise": None, "post_mask": None}
            found[f"{rule}(compact, {other.separator})"] = config.model_copy(update=changed)
    return found


def alone(peers: dict[str, Path], sample_rate: int) -> Iterator[tuple[str, Method]]:
    """The methods that are no pipeline, the unprocessed mix first."""
    yield UNPROCESSED, lambda truth: Answer(truth.mix.samples)
    for name in MEMBERS:
        if name in plugins.names("separators"):
            yield from _ready(name, partial(member, name, sample_rate))
    for name, folder in peers.items():
        yield name, peer(name, folder)
    yield ORACLE, lambda truth: Answer(oracle(truth.mix, truth.speech, truth.background).samples)


def _ready(name: str, make: Callable[[], Method]) -> Iterator[tuple[str, Method]]:
    """The method, or a line that says why it is left out."""
    try:
        yield name, make()
    except WeightsError as error:
        tqdm.write(f"{name} is left out: {error}")


def measure(
    methods: Iterator[tuple[str, Method]], truths: Sequence[Truth], scorer: Scorer
) -> tuple[list[FileScore], dict[str, float | None]]:
    """Scores of every file, and each method's CPU-seconds per second of audio."""
    scores, cost = list[FileScore](), dict[str, float | None]()
    for name, method in methods:
        method(truths[0])  # what happens only once is no cost by the second
        spent: list[float | None] = []
        for truth in tqdm(truths, desc=name, unit="mix", disable=None):
            answer = method(truth)
            spent.append(answer.cpu_s)
            scores.append(scorer.score(name, truth, answer.estimate))
        known = [seconds for seconds in spent if seconds is not None]
        cost[name] = sum(known) / sum(truth.mix.duration_s for truth in truths) if known else None
    return scores, cost


def run(folder: Path, peers: dict[str, Path], members_only: bool, out: Path, quick: bool) -> str:
    """Measure everything, write quality.md and quality.json below `out`, and return the tables."""
    truths = read_set(folder, QUICK_FILES if quick else None)
    if not truths:
        raise ConfigError(f"--set: {folder / 'manifest.csv'} names no mixes; make a set with scripts.make_mixes")
    scorer = Scorer()
    scores, cost = measure(alone(peers, truths[0].mix.sample_rate), truths, scorer)
    parts = [f"# On the validation set\n\n{_size(truths)}", f"## Alone\n\n{tables(scores, cost)}"]
    if not members_only:
        before = [score for score in scores if score.method == UNPROCESSED]
        made = choices(load_config(default_config_path()))
        rendered, spent = measure(_pipelines(made), truths, scorer)
        parts.append(f"## In the pipeline\n\n{tables([*before, *rendered], spent)}")
        scores += [score._replace(method=f"pipeline {score.method}") for score in rendered]
        cost |= {f"pipeline {name}": seconds for name, seconds in spent.items()}
    text = "\n\n".join(parts)
    make_folder(out)
    (out / "quality.md").write_text(text + "\n", encoding="utf-8")
    record = {"cpu_s_per_audio_s": cost, "files": [score._asdict() for score in scores]}
    (out / "quality.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return text


def _pipelines(configs: dict[str, Config]) -> Iterator[tuple[str, Method]]:
    for name, config in configs.items():
        yield from _ready(name, partial(pipeline, config))


def _size(truths: Sequence[Truth]) -> str:
    minutes = sum(truth.mix.duration_s for truth in truths) / 60
    return f"{len(truths)} mixes, {minutes:.0f} minutes; means with 95 % bootstrap intervals over the files."
