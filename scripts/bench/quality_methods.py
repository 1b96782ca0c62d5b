"""What `scripts.bench quality` measures: the members alone, other programs, the oracle, and whole configurations.

Configurations get the mixes at `PIPELINE_HZ`, for which their transform is meant, and are scored at the set's own rate.
A member separates each mix once, however many configurations have it; its cost counts in each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from scripts.bench.quality_scores import Truth
from sepkit.audio import resample
from sepkit.audio.read import audio_source
from sepkit.audio.samples import Audio, Samples
from sepkit.clock import Clock
from sepkit.compare.method import ORACLE
from sepkit.compare.oracle import oracle
from sepkit.config import Config, plugins
from sepkit.config.sections import MemberConfig
from sepkit.errors import SourceError
from sepkit.models import weights
from sepkit.render.ensemble import Estimate, Member
from sepkit.render.pipeline import Pipeline
from sepkit.render.statistics import Statistics, measured
from sepkit.separators.base import Place

MEMBERS = ("nn_filter", "rnnoise", "compact", "deepfilternet")
"""Those whose weights come with the package."""
PIPELINE_HZ = 44_100


class Answer(NamedTuple):
    """An estimate (1, frames), and the CPU-seconds it took where they are known."""

    estimate: Samples
    cpu_s: float | None = None


Method = Callable[[Truth], Answer]


def read_sound(path: Path) -> Audio:
    """A file of the set or of a peer."""
    try:
        samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise SourceError(f"{path}: cannot be read ({error}); make the set or the peer's answers anew") from error
    return Audio(samples.T, sample_rate)


def alone(peers: Mapping[str, Path], sample_rate: int) -> dict[str, Callable[[], Method]]:
    """What makes each method that is no pipeline, but for the unprocessed mix."""
    own = {name: partial(member, name, sample_rate) for name in MEMBERS if name in plugins.names("separators")}
    return {**own, **{name: partial(peer, name, folder) for name, folder in peers.items()}, ORACLE: lambda: _oracle}


def unprocessed(truth: Truth) -> Answer:
    """The mix as it is."""
    return Answer(truth.mix.samples)


def _oracle(truth: Truth) -> Answer:
    return Answer(oracle(truth.mix, truth.speech, truth.background).samples)


def member(name: str, sample_rate: int, **options: str) -> Method:
    """A separator's own estimate, without a pipeline around it."""
    made = Member(MemberConfig.model_validate({"separator": name, "options": options}), seed=0)
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


@dataclass
class Last:
    """What a member was last given, what it found, and the seconds that took."""

    stretch: Samples = field(default_factory=lambda: np.empty((0, 0), np.float32))
    found: Estimate | None = None
    clock: Clock = field(default_factory=Clock)


class Once(Member):
    """A member that does not separate the same stretch twice in a row, whichever pipeline hands it over."""

    def __init__(self, config: MemberConfig, seed: int, last: Last) -> None:
        super().__init__(config, seed)
        self._last = last

    def estimate(
        self, stretch: Samples, sample_rate: int, statistics: Statistics, clock: Clock, place: Place | None = None
    ) -> Estimate:
        """As a member's; `clock` gets the seconds that it took the first time."""
        last = self._last
        if last.found is None or not np.array_equal(last.stretch, stretch):
            last.stretch, last.clock = stretch.copy(), Clock()
            last.found = super().estimate(stretch, sample_rate, statistics, last.clock, place)
        for stage, seconds in last.clock.seconds.items():
            clock.seconds[stage] += seconds
        return last.found._replace(weight=self.weight)


class Pipelines:
    """Configurations that share their loaded models and their members' estimates."""

    def __init__(self) -> None:
        self._loaded: dict[str, Pipeline] = {}
        self._lasts: dict[str, Last] = {}

    def method(self, config: Config) -> Method:
        """A whole configuration; its cost is that of all stages."""
        config = config.model_copy(update={"device": "cpu"})
        made = self._with_models(config).twin(config)

        def clean(truth: Truth) -> Answer:
            rate, frames = truth.mix.sample_rate, truth.mix.frames
            rendered = made.run(Audio(resample.resample(truth.mix.samples, rate, PIPELINE_HZ), PIPELINE_HZ))
            speech = resample.resample(rendered.speech.samples, PIPELINE_HZ, rate, frames)
            return Answer(speech, sum(rendered.report.seconds_by_stage.values()))

        return clean

    def _with_models(self, config: Config) -> Pipeline:
        """A pipeline whose members, denoiser and transform are the configuration's: what a twin cannot change."""
        key = config.model_dump_json(include={"members", "denoise", "stft", "seed"})
        if key not in self._loaded:
            made = Pipeline(config, threads=1)
            made.ensemble.members = [self._once(each, config.seed) for each in config.members]
            made.load()
            self._loaded[key] = made
        return self._loaded[key]

    def _once(self, config: MemberConfig, seed: int) -> Once:
        what = config.model_copy(update={"weight": 1.0}).model_dump_json()
        return Once(config, seed, self._lasts.setdefault(what, Last()))
