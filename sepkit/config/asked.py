"""What is asked for in one line of a shell, an edit or how many speakers, brought into a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast, get_args

from pydantic import ValidationError

from sepkit.config import known_names, plugins
from sepkit.config.configuration import Config
from sepkit.config.edits import UNSAID_MODE, Edit, Mode, Where, well_formed, window_problem
from sepkit.config.labelled import Labelled
from sepkit.config.labels import read_labels
from sepkit.config.labels.times import seconds
from sepkit.config.sections import DialogueConfig, MemberConfig, MixGains, SpeakersConfig
from sepkit.config.yaml_file import problems
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped

BOTH = "--labels and --window both say where; give one of them"


class Asked(NamedTuple):
    """What was given of it; None, and no windows, where nothing was. windows: times as they were written."""

    prompt: str | None = None
    mode: Mode | None = None
    windows: tuple[tuple[str, str], ...] = ()
    fade_ms: float | None = None
    strength: float | None = None
    labels: Path | None = None


def editing(config: Config, asked: Asked) -> Config:
    """The configuration with what was asked for in place of its own edits; these hold where nothing was."""
    if config.task != "edit":
        raise ConfigError(f"--config: its task is {config.task}; give one with task: edit, as --config edit")
    if asked == Asked():
        return config
    _check(asked)
    given = {name: getattr(asked, name) for name in ("prompt", "mode", "fade_ms", "strength")}
    if asked.labels:
        edits: tuple[Edit, ...] | Labelled = Labelled(labels=str(asked.labels.absolute()), **given)
    else:
        said = {name: value for name, value in given.items() if value is not None}
        windows = [window(*each) for each in asked.windows]
        edits = (Edit.checked("the edit", **{"mode": "remove", **said, "windows": windows}),)
    return config.model_copy(update={"edits": edits})


def speaking(config: Config, count: str | None) -> Config:
    """The configuration with as many speakers as were asked for; its own where nothing was."""
    if config.task != "speakers":
        raise ConfigError(f"--config: its task is {config.task}; give one with task: speakers, as --config speakers")
    if count is None:
        return config
    asked = SpeakersConfig.model_validate(
        {**config.speakers.model_dump(), "count": int(count) if count.isdecimal() else count}
    )
    members = tuple(_for_as_many(member, asked.count) for member in config.members)
    return config.model_copy(update={"speakers": asked, "members": members})


def _for_as_many(member: MemberConfig, count: int | str) -> MemberConfig:
    """One that learns how voices are mixed, for so many of them; how many others tell lies in their weights."""
    learns = plugins.load("separators", member.separator).Separator.learns_s > 0
    if not (learns and isinstance(count, int) and "speakers" in type(member.options).model_fields):
        return member
    return member.model_copy(update={"options": member.options.model_copy(update={"speakers": count})})


def remixing(config: Config, gains_db: Mapping[str, float]) -> Config:
    """The configuration with the gains of a remix that were asked for; its own where none was."""
    if config.task != "dialogue":
        raise ConfigError(f"--config: its task is {config.task}; give one with task: dialogue, as --config dialogue")
    if not gains_db:
        return config
    own = config.dialogue.mix_gains_db or MixGains()
    try:
        gains = MixGains.model_validate({**own.model_dump(), **gains_db})
    except ValidationError as error:
        told = "; ".join(f"{stem}: {text}" for stem, text in problems(error, MixGains))
        raise ConfigError(f"--gain {told}") from error
    return config.model_copy(update={"dialogue": DialogueConfig(mix_gains_db=gains)})


def with_model(config: Config, name: str | None) -> Config:
    """The configuration with one member, of the name of a member or of a model; its own members where none is given.

    A member that cannot be without options has them where its own name is among its `names()`.
    """
    if name is None:
        return config
    meant = known_names.all_names().get(name.casefold())
    section = {"separator": meant.member, "options": meant.known.options} if meant else {"separator": name}
    try:
        member = MemberConfig.model_validate(section)
    except ValidationError as error:
        told = "; ".join(f"{path}: {text}" for path, text in problems(error, MemberConfig))
        raise ConfigError(f"--model {clipped(name)}: {told}") from error
    return config.model_copy(update={"members": (member,)})


def where(
    windows: Sequence[tuple[str, str]],
    fade_ms: float | None,
    labels: Path | None,
    prompt: str | None = None,
    mode: Mode | None = None,
) -> Where | None:
    """Where something was edited, of windows as they were written or of a label file, and what was asked for there;
    None where nothing of it is given, and the whole file where it is a prompt alone.

    Without `fade_ms` it is the longest of the label file's rows, else an edit's own; likewise prompt and mode, where
    its rows agree. What says no mode was removed, as by `sepkit edit`.
    """
    if labels and windows:
        raise ConfigError(BOTH)
    _check_prompt(prompt)
    if not (labels or windows or prompt):
        for name, value in (("--fade-ms", fade_ms), ("--mode", mode)):
            if value is not None:
                raise ConfigError(
                    f"{name}: belongs to an edit; give --window, --labels or --prompt too, or leave it out"
                )
        return None
    rows = read_labels(labels).rows if labels else ()
    known = [(row.start_s, row.end_s) for row in rows if row.start_s is not None and row.end_s is not None]
    found = tuple(window(*each) for each in windows) or (tuple(known) if len(known) == len(rows) else ())
    fades = [row.fade_ms for row in rows if row.fade_ms is not None] if fade_ms is None else [fade_ms]
    prompts, modes = {row.text for row in rows}, {row.mode or UNSAID_MODE for row in rows} or {UNSAID_MODE}
    return Where(
        windows=found,
        fade_ms=max(fades, default=Where().fade_ms),
        prompt=prompt or (prompts.pop() or None if len(prompts) == 1 else None),
        mode=mode or (cast(Mode, modes.pop()) if len(modes) == 1 and modes <= {*get_args(Mode)} else None),
    )


def _check(asked: Asked) -> None:
    """What can be wrong with it, by the name of its option."""
    if asked.labels and asked.windows:
        raise ConfigError(BOTH)
    if asked.prompt is None and not asked.labels:
        raise ConfigError('--prompt: is absent; name the sound that is meant, as --prompt "dog bark", or give --labels')
    _check_prompt(asked.prompt)


def _check_prompt(prompt: str | None) -> None:
    try:
        if prompt is not None:
            well_formed(prompt)
    except ValueError as error:
        raise ConfigError(f"--prompt: {error}") from error


def window(start: str, end: str) -> tuple[float, float]:
    """A window in seconds."""
    start_s, end_s = seconds(start), seconds(end)
    if start_s is None or end_s is None:
        found = clipped(start if start_s is None else end, 40)
        raise ConfigError(f"--window: '{found}' is no time; give seconds, M:SS or H:MM:SS, as 8.5 or 1:02:30.25")
    if why := window_problem(start_s, end_s):
        raise ConfigError(f"--window {clipped(start, 40)} {clipped(end, 40)}: {why}")
    return start_s, end_s
