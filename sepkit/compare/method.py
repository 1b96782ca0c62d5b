"""A method of a comparison, and how those that are configurations share their loaded models.

Configurations that differ in what loads nothing else (their fusion rule, their edits) share their models, and are one
line in the picture. Only one such line is loaded at a time, so that memory is that of the largest configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sepkit.audio.samples import Audio
from sepkit.batch.plan import Identity
from sepkit.compare.pairs import SetPair
from sepkit.config import Config
from sepkit.config.sections import FuseConfig
from sepkit.render.pipeline import Pipeline

UNPROCESSED = "unprocessed"
ORACLE = "oracle ratio mask"
WARM_UP_S = 10.0
"""Of the first mix, rendered once and not counted: what happens only once is no cost by the second."""


class Answer(NamedTuple):
    """An estimate of each judged stem, and the CPU-seconds they took where that means anything."""

    stems: dict[str, Audio]
    cpu_s: float | None = None


Truths = Mapping[str, Audio]
"""The judged stems as they are known to be, of the mix's shape."""
Answerer = Callable[[Audio, Truths, SetPair], Answer]
"""Called with a mix whose stems are known, and its place in the set."""


@dataclass(frozen=True)
class Method:
    """One row of the tables.

    answer: what it makes of a mix. identity: differs where the answers may. line: methods that share their models have
    the same. rule: the fusion rule, "" where nothing is fused. competes: it is a method, and no bound nor another's
    variant. of_the_rest: it is asked for the rest of the mix, and measured against that.
    """

    label: str
    identity: str
    answer: Answerer
    line: str = ""
    rule: str = ""
    competes: bool = True
    of_the_rest: bool = False


class Models:
    """The pipeline last asked for, whose models other configurations of its line use too."""

    def __init__(self) -> None:
        self._line = ""
        self._pipeline: Pipeline | None = None

    def answer(self, config: Config, mix: Audio, truths: Truths) -> Answer:
        """Render a mix on one thread."""
        rendered = self._loaded(config, mix).twin(config).run(mix)
        stems = {name: rendered.stems[name] for name in truths}
        return Answer(stems, sum(rendered.report.seconds_by_stage.values()))

    def _loaded(self, config: Config, mix: Audio) -> Pipeline:
        if self._pipeline is None or self._line != line(config):
            self._pipeline = None  # its models go before the next ones come
            pipeline = Pipeline(config, threads=1)
            pipeline.run(Audio(mix.samples[:, : round(WARM_UP_S * mix.sample_rate)], mix.sample_rate))
            self._pipeline, self._line = pipeline, line(config)
        return self._pipeline


def identity(config: Config) -> str:
    """Of a configuration and its weights; absent ones stop here."""
    found = Identity.of(Pipeline(config))
    return f"{found.config_sha256} {found.weights_sha256}"


def line(config: Config) -> str:
    """The same for configurations that load the same."""
    return f"{with_rule(config.model_copy(update={'edits': ()}), 'mean').fingerprint()} {config.device}"


def with_rule(config: Config, rule: str) -> Config:
    """The same under another fusion rule."""
    fuse = FuseConfig.model_validate(config.fuse.model_dump() | {"rule": rule})
    return config.model_copy(update={"fuse": fuse})
