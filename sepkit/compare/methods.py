"""What is compared: the unprocessed mix, every configuration (under other fusion rules too, if asked), the oracle mask.

For sets of edits the rows beside the configurations are others: `edit_methods`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from sepkit.audio.samples import Audio
from sepkit.compare.edit_methods import Found, edit_methods
from sepkit.compare.method import (
    ORACLE,
    UNPROCESSED,
    Answer,
    Method,
    Models,
    Truths,
    identity,
    line,
    with_rule,
)
from sepkit.compare.oracle import oracle_of
from sepkit.compare.pairs import SetPair
from sepkit.config import Config
from sepkit.config.sections import FuseConfig
from sepkit.errors import ConfigError
from sepkit.files.naming import shown

RULES: tuple[str, ...] = get_args(FuseConfig.model_fields["rule"].annotation)


def methods(
    configs: Sequence[tuple[Path, Config]], pairs: Sequence[SetPair], fusion_rules: bool, baseline: Path | None = None
) -> Found:
    """Every method in the order of the tables; absent weights stop here. baseline: see `edit_methods`."""
    tasks = {config.task: shown(path) for path, config in configs}
    if len(tasks) > 1:
        raise ConfigError(f"--config: {' and '.join(tasks.values())} have different tasks: {', '.join(tasks)}")
    labels = _labels([path for path, _ in configs])
    labelled = list(zip(labels, (config for _, config in configs), strict=True))
    if pairs[0].asked is not None:
        found = edit_methods(labelled, pairs, baseline)
    elif baseline is not None:
        raise ConfigError(f"--baseline: belongs to task: edit, and the configurations have {configs[0][1].task}")
    else:
        found = Found(_separating(labelled, fusion_rules), [])
    counts = Counter(method.label for method in found.methods)
    twice = next((label for label, count in counts.items() if count > 1), None)
    if twice is not None:
        raise ConfigError(f"--config: two methods would be called '{twice}'; rename one of the files")
    return found


def first_configured(found: Sequence[Method]) -> Method:
    """The method that the others are compared with: the first configuration."""
    return next(method for method in found if method.line)


def _separating(configs: Sequence[tuple[str, Config]], fusion_rules: bool) -> list[Method]:
    models = Models()
    return [
        Method(UNPROCESSED, UNPROCESSED, lambda mix, truths, _: Answer(dict.fromkeys(truths, mix))),
        *(method for label, config in configs for method in _configured(models, label, config, fusion_rules)),
        Method(ORACLE, ORACLE, lambda mix, truths, _: Answer(oracle_of(mix, truths)), competes=False),
    ]


def _configured(models: Models, label: str, config: Config, fusion_rules: bool) -> Iterator[Method]:
    yield _method(models, label, config)
    if not fusion_rules or len(config.members) < 2:
        return
    for rule in RULES if config.fuse.mask != "none" else ("mean", "weights"):
        if rule != config.fuse.rule:
            yield _method(models, f"{label} [{rule}]", with_rule(config, rule))


def _method(models: Models, label: str, config: Config) -> Method:
    def answer(mix: Audio, truths: Truths, _: SetPair) -> Answer:
        return models.answer(config, mix, truths)

    rule = config.fuse.rule if len(config.members) > 1 else ""
    return Method(label, identity(config), answer, line(config), rule)


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
