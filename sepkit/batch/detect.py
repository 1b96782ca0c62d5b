"""Which sounds are in single files, and when: `sepkit detect`. What fails is told, and the rest is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
from sepkit.models.prompted import weights

if TYPE_CHECKING:
    from sepkit.models.prompted.events import Event
    from sepkit.models.prompted.network import PromptedNet


@dataclass(frozen=True)
class Wanted:
    """What is asked for. sounds: those wanted, by name; none: all. at_least: confidence. windows: in seconds, in any
    order; none: the whole file. how: what is taken of a source. labels: where a label track goes.
    """

    sounds: tuple[str, ...]
    at_least: float
    windows: tuple[tuple[float, float], ...]
    how: SourceConfig
    labels: Path | None

    def __post_init__(self) -> None:
        if not 0 < self.at_least <= 1:
            raise ConfigError(f"--at-least: {self.at_least:g} found; give a confidence above 0 and up to 1")


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
        network = weights.load("cpu")
        for name in inputs:
            path = stack.enter_context(stdin_source()) if name == PIPE else Path(name)
            with file_bar(path.name, quiet) as bar:

                def progress(part: float, reach: Callable[[float], None] = bar.reach) -> None:
                    check()
                    reach(part)

                found = _detected(network, path, wanted, progress)
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


def _detected(network: PromptedNet, path: Path, wanted: Wanted, progress: Callable[[float], None]) -> Detected:
    from sepkit.models.prompted.events import detect

    try:
        with open_source(path, wanted.how) as source:
            windows = wanted.windows or ((0, source.info.duration_s),)
            spans, beyond = in_frames(windows, source.info.sample_rate, source.info.frames)
            events = detect(network, source, wanted.at_least, wanted.sounds, spans, progress)
        if wanted.labels:
            write_audacity(wanted.labels, (Label(each.start_s, each.end_s, each.sound) for each in events))
    except ConfigError:  # the command's fault, not the source's
        raise
    except Exception as error:
        return Detected(failed(path, error))
    return Detected(FileResult(path, "passed", notes=(*source.info.notes, *beyond)), tuple(events))
