"""Which sounds are in single files, and when: `sepkit detect`. What fails is told, and the rest is done."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from sepkit.audio.read import open_source
from sepkit.audio.standard_input import PIPE, require_stdin, stdin_source
from sepkit.batch.bars import file_bar
from sepkit.batch.file_result import FileResult, failed
from sepkit.config.edits import in_frames
from sepkit.config.labels import Label, write_audacity
from sepkit.config.sections import SourceConfig
from sepkit.errors import ConfigError, OutputError
from sepkit.files.naming import real, shown
from sepkit.files.whole_file import require_file
from sepkit.interruption import interruptible

if TYPE_CHECKING:
    from sepkit.models.events import Event, Listener


By = Literal["embedded", "clap"]
AT_LEAST: dict[By, float] = {"embedded": 0.5, "clap": 0.3}
"""The confidence that is asked for where nobody says: a likelihood; CLAP's is a cosine, which hardly nears 1."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for. sounds: those wanted, by name, of CLAP in any words; none: all that the embedded network
    knows. at_least: confidence. windows: in seconds, in any order; none: the whole file. how: what is taken of a
    source. labels: where a label track goes. margin_s: by which its labels are wider at both ends. by: who hears.
    weights: of CLAP, of the user's own.
    """

    sounds: tuple[str, ...]
    at_least: float
    windows: tuple[tuple[float, float], ...]
    how: SourceConfig
    labels: Path | None = None
    margin_s: float = 0.0
    by: By = "embedded"
    weights: Path | None = None

    def __post_init__(self) -> None:
        if not 0 < self.at_least <= 1:
            raise ConfigError(f"--at-least: {self.at_least:g} found; give a confidence above 0 and up to 1")
        if not (0 <= self.margin_s < math.inf):
            raise ConfigError(f"--margin: {self.margin_s:g} found; give seconds, 0 or more, as 0.1")
        if self.margin_s and not self.labels:
            raise ConfigError("--margin: widens the labels of a track; give --labels FILE too")
        if self.by == "clap" and not self.sounds:
            raise ConfigError('--by clap: hears what words name; give them, as --sound "a door creaks"')
        if self.by != "clap" and self.weights:
            raise ConfigError(f"--weights {shown(self.weights)}: are CLAP's; give --by clap too")


class Detected(NamedTuple):
    """Of one source: what became of it, with its notes, and what was heard."""

    result: FileResult
    events: tuple[Event, ...] = ()


def detect_files(
    inputs: Sequence[str], wanted: Wanted, may_overwrite: Callable[[Path], bool], quiet: bool = True
) -> Iterator[Detected]:
    """What is heard in each input. What is wrong with the command raises before any sound is read."""
    require_stdin(inputs)
    if wanted.labels:
        _require_labels(wanted.labels, inputs, may_overwrite)
    with interruptible() as check, ExitStack() as stack:
        listener = _listener(wanted)
        for name in inputs:
            path = stack.enter_context(stdin_source()) if name == PIPE else Path(name)
            with file_bar(path.name, quiet) as bar:

                def progress(part: float, reach: Callable[[float], None] = bar.reach) -> None:
                    check()
                    reach(part)

                found = _detected(listener, path, wanted, progress)
            yield found._replace(result=found.result.of_stdin()) if name == PIPE else found


def _require_labels(labels: Path, inputs: Sequence[str], may_overwrite: Callable[[Path], bool]) -> None:
    """What can be wrong with the place of a label track."""
    if len(inputs) > 1:
        raise ConfigError(
            f"--labels {shown(labels)}: a label track holds one INPUT, found {len(inputs)}; name one, or give --json, "
            "whose list names the file of each sound"
        )
    if str(labels) == PIPE:
        raise ConfigError("--labels -: a label track goes to a file; name one")
    if any(real(labels) == real(Path(name)) for name in inputs):
        raise ConfigError(f"--labels {shown(labels)}: is the INPUT; name another file")
    require_file(labels)
    if os.path.lexists(labels) and not may_overwrite(labels):
        raise OutputError(f"{shown(labels)}: is there already; give --overwrite always, or another place")


def _listener(wanted: Wanted) -> Listener:
    """Who hears, its weights read and checked."""
    if wanted.by == "clap":
        from sepkit.models.clap import Clap, hearing, own_or_published

        return hearing.listener(Clap(*own_or_published(wanted.weights)), wanted.sounds)
    from sepkit.models.prompted import hearing as tags
    from sepkit.models.prompted import weights

    return tags.listener(weights.load("cpu"))


def _detected(listener: Listener, path: Path, wanted: Wanted, progress: Callable[[float], None]) -> Detected:
    from sepkit.models.events import detect, widened

    try:
        with open_source(path, wanted.how) as source:
            windows = wanted.windows or ((0, source.info.duration_s),)
            spans, beyond = in_frames(windows, source.info.sample_rate, source.info.frames)
            events = detect(listener, source, wanted.at_least, wanted.sounds, spans, progress)
        if wanted.labels:
            wide = widened(events, wanted.margin_s, source.info.duration_s)
            write_audacity(wanted.labels, (Label(start_s, end_s, sound) for sound, start_s, end_s in wide))
    except ConfigError:  # the command's fault, not the source's
        raise
    except Exception as error:
        return Detected(failed(path, error))
    return Detected(FileResult(path, "passed", notes=(*source.info.notes, *beyond)), tuple(events))
