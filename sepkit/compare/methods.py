"""What is compared: the unprocessed mix, every configuration (under other fusion rules too, if asked), the oracle mask.

Configurations that differ in the fusion rule alone share their loaded models, and are one line in the picture. Only one
such line is loaded at a time, so that memory is that of the largest configuration.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, get_args

from sepkit.audio.samples import Audio
from sepkit.batch.plan import Identity
from sepkit.compare.oracle import oracle
from sepkit.config import Config
from sepkit.config.sections import FuseConfig
from sepkit.errors import ConfigError
from sepkit.files.naming import shown
from sepkit.render.pipeline import Pipeline

UNPROCESSED = "unprocessed"
ORACLE = "oracle ratio mask"
RULES: tuple[str, ...] = get_args(FuseConfig.model_fields["rule"].annotation)
WARM_UP_S = 10.0
"""Of the first mix, rendered once and not counted: what happens only once is no cost by the second."""


class Answer(NamedTuple):
    """An estimate of each judged stem, and the CPU-seconds they took where that means anything."""

    stems: dict[str, Audio]
    cpu_s: float | None = None


Truths = Mapping[str, Audio]
"""The judged stems as they are known to be, of the mix's shape."""


@dataclass(frozen=True)
class Method:
    """One row of the tables.

    answer: what it makes of a mix whose stems are known. identity: differs where the answers may. line: methods that
    differ in their fusion rule alone have the same. rule: the fusion rule, "" where nothing is fused. uses_truth: it is
    no method, but a bound.
    """

    label: str
    identity: str
    answer: Callable[[Audio, Truths], Answer]
    line: str = ""
    rule: str = ""
    uses_truth: bool = False


class _Models:
    """The pipeline last asked for, whose models a configuration that differs in its rule alone uses too."""

    def __init__(self) -> None:
        self._line = ""
        self._pipeline: Pipeline | None = None

    def answer(self, config: Config, mix: Audio, truths: Truths) -> Answer:
        """Render a mix on one thread."""
        rendered = self._loaded(config, mix).twin(config).run(mix)
        stems = {name: rendered.stems[name] for name in truths}
        return Answer(stems, sum(rendered.report.seconds_by_stage.values()))

    def _loaded(self, config: Config, mix: Audio) -> Pipeline:
        if self._pipeline is None or self._line != _line(config):
            self._pipeline = None  # its models go before the next ones come
            pipeline = Pipeline(config, threads=1)
            pipeline.run(Audio(mix.samples[:, : round(WARM_UP_S * mix.sample_rate)], mix.sample_rate))
            self._pipeline, self._line = pipeline, _line(config)
        return self._pipeline


def methods(configs: Sequence[tuple[Path, Config]], fusion_rules: bool) -> list[Method]:
    """Every method in the order of the tables; absent weights stop here."""
    tasks = {config.task: shown(path) for path, config in configs}
    if len(tasks) > 1:
        raise ConfigError(f"--config: {' and '.join(tasks.values())} have different tasks: {', '.join(tasks)}")
    models = _Models()
    configured = [
        method
        for label, (_, config) in zip(_labels([path for path, _ in configs]), configs, strict=True)
        for method in _configured(models, label, config, fusion_rules)
    ]
    found = [
        Method(UNPROCESSED, UNPROCESSED, lambda mix, truths: Answer(dict.fromkeys(truths, mix))),
        *configured,
        Method(ORACLE, ORACLE, _oracle, uses_truth=True),
    ]
    twice = next((label for label, count in Counter(method.label for method in found).items() if count > 1), None)
    if twice is not None:
        raise ConfigError(f"--config: two methods would be called '{twice}'; rename one of the files")
    return found


def first_configured(found: Sequence[Method]) -> Method:
    """The method that the others are compared with: the first configuration."""
    return next(method for method in found if method.line)


def _configured(models: _Models, label: str, config: Config, fusion_rules: bool) -> Iterator[Method]:
    yield _method(models, label, config)
    if not fusion_rules or len(config.members) < 2:
        return
    for rule in RULES if config.fuse.mask != "none" else ("mean", "weights"):
        if rule != config.fuse.rule:
            yield _method(models, f"{label} [{rule}]", _with_rule(config, rule))


def _with_rule(config: Config, rule: str) -> Config:
    fuse = FuseConfig.model_validate(config.fuse.model_dump() | {"rule": rule})
    return config.model_copy(update={"fuse": fuse})


def _method(models: _Models, label: str, config: Config) -> Method:
    identity = Identity.of(Pipeline(config))
    rule = config.fuse.rule if len(config.members) > 1 else ""
    return Method(
        label,
        f"{identity.config_sha256} {identity.weights_sha256}",
        partial(models.answer, config),
        _line(config),
        rule,
    )


def _line(config: Config) -> str:
    """The same for configurations that differ in the fusion rule alone."""
    return f"{_with_rule(config, 'mean').fingerprint()} {config.device}"


def _oracle(mix: Audio, truths: Truths) -> Answer:
    rests = {name: Audio(mix.samples - truth.samples, mix.sample_rate) for name, truth in truths.items()}
    return Answer({name: oracle(mix, truth, rests[name]) for name, truth in truths.items()})


def _labels(paths: Sequence[Path]) -> list[str]:
    """Each configuration's stem; with its folder, then whole, where that says no difference."""
    whole = [path.resolve() for path in paths]
    twice = next((path for path, count in Counter(whole).items() if count > 1), None)
    if twice is not None:
        raise ConfigError(f"--config: {shown(twice)} is given twice; give it once")
    names = [(path.stem, f"{path.parent.name}/{path.stem}", str(path)) for path in whole]
    stems = Counter([UNPROCESSED, ORACLE, *(name[0] for name in names)])
    folders = Counter(name[1] for name in names)
    return [
        shown(stem if stems[stem] == 1 else folder if folders[folder] == 1 else path) for stem, folder, path in names
    ]
