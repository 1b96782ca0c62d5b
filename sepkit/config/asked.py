"""An edit as it is asked for in one line of a shell, brought into a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sepkit.config.configuration import Config
from sepkit.config.edits import Edit, Mode, well_formed, window_problem
from sepkit.config.labelled import Labelled
from sepkit.config.labels.times import seconds
from sepkit.errors import ConfigError
from sepkit.files.naming import clipped


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


def _check(asked: Asked) -> None:
    """What can be wrong with it, by the name of its option."""
    if asked.labels and asked.windows:
        raise ConfigError("--labels and --window both say where; give one of them")
    if asked.prompt is None and not asked.labels:
        raise ConfigError('--prompt: is absent; name the sound that is meant, as --prompt "dog bark", or give --labels')
    if asked.prompt is not None:
        try:
            well_formed(asked.prompt)
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
