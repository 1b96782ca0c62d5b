"""`sepkit plan`: what would run on a file or a folder, with which weights, and what it would take; writes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from sepkit.audio.read import SourceInfo, probe
from sepkit.batch import film
from sepkit.batch.edits import FileEdits, OwnEdits, file_edits, take_edits
from sepkit.batch.find import Found, Patterns, find, require_any
from sepkit.batch.own_results import leave_out_results
from sepkit.config import Config
from sepkit.config.sections import SourceConfig
from sepkit.errors import SepkitError, SourceError
from sepkit.files.naming import shown
from sepkit.judge.verdict import Judge, all_weights
from sepkit.judge.words import Words, unused_note
from sepkit.models.device import cores
from sepkit.models.weights import fetch_command, size_text
from sepkit.plan.forecast import Forecast, forecast
from sepkit.render.pipeline import Pipeline


def plan_text(config: Config, source: Path, pattern: Patterns, again: bool) -> str:
    """The plan for the terminal. again: measure this machine anew."""
    film.require(config)
    pipeline = Judge(config, config.batch_metrics()).pipeline  # refuses what cannot be judged
    words = Words(Path(config.words)) if config.words else None
    paths, edits, notes = _sources(source, pattern, pipeline, file_edits(config))
    infos, left_out = _probed(paths, notes, config.source)
    absent = [file for file in pipeline.weights() if not file.path.is_file()]
    foreseen = None if absent else forecast(pipeline, infos, again, edits)
    lines = [
        _sources_line(infos),
        _device_line(pipeline),
        *_member_lines(pipeline, foreseen),
        f"then: {', '.join(pipeline.task.stages())}",
        *_gate_lines(config),
        *(_words_lines(words, source, paths) if words else []),
        *_weight_lines(config),
        *(_cost_lines(foreseen) if foreseen else [_unknown_line(len(absent))]),
        _disk_line(pipeline, infos),
        *left_out,
    ]
    return "\n".join(lines)


def _sources(
    source: Path, pattern: Patterns, pipeline: Pipeline, own: FileEdits | None
) -> tuple[list[Path], dict[Path, OwnEdits], list[str]]:
    """What is to be read, with its own edits where it has some; and what is left out and why."""
    if source.is_file():
        folder, found, notes = source.parent, Found([source.name]), list[str]()
    else:
        folder, found, notes = source, *_found(source, pattern, pipeline)
    edits, more = take_edits(own, found, folder, folder) if own else ({}, [])
    notes += more
    require_any(found, source, pattern, notes)
    notes += [f"left out: {shown(folder / path)}: {reason}" for path, reason in found.refused.items()]
    return [folder / path for path in found.sources], {folder / path: each for path, each in edits.items()}, notes


def _found(source: Path, pattern: Patterns, pipeline: Pipeline) -> tuple[Found, list[str]]:
    """What a folder holds, and what of it is left out and why."""
    if source.exists() and not source.is_dir():
        raise SourceError(f"{shown(source)}: is a pipe or a device; give a file or a folder as INPUT")
    if not source.is_dir():
        raise SourceError(f"{shown(source)}: there is no such file or folder; check INPUT")
    found = find(source, pattern)
    return found, leave_out_results(found, source, pipeline)


def _probed(sources: Sequence[Path], notes: Sequence[str], how: SourceConfig) -> tuple[list[SourceInfo], list[str]]:
    """What can be read, and a line for each that cannot; where that is all of them, it raises."""
    infos, left_out = [], list(notes)
    for path in sources:
        try:
            infos.append(probe(path, how))
        except SepkitError as error:
            left_out.append(f"left out: {error}")
    if not infos:
        raise SourceError("\n".join(left_out))
    return infos, left_out


def _sources_line(infos: Sequence[SourceInfo]) -> str:
    forms = sorted({f"{info.sample_rate} Hz, {_counted(info.channels, 'channel')}" for info in infos})
    total_s = sum(info.duration_s for info in infos)
    return f"sources: {len(infos)}, {duration_text(total_s)} of audio ({'; '.join(forms)})"


def _device_line(pipeline: Pipeline) -> str:
    return f"device: {pipeline.device}, {_counted(cores(), 'processor core')}"


def _member_lines(pipeline: Pipeline, foreseen: Forecast | None) -> list[str]:
    if foreseen is None:
        return [f"member {member.name}" for member in pipeline.ensemble.members]
    windows = sum(work.windows for work in foreseen.works)
    rendered_s = sum(work.rendered_s for work in foreseen.works)
    lines = [f"windows: {windows}, {duration_text(rendered_s)} with their context"]
    for index, member in enumerate(pipeline.ensemble.members):
        passes = sum(work.members[index].passes for work in foreseen.works)
        seen_s = sum(work.members[index].seen_s for work in foreseen.works)
        what = member.separator.describe()
        name = f"{member.name} ({what})" if what else member.name
        learned_s = sum(work.learned_s for work in foreseen.works) if member.separator.learns_s else 0
        learning = f", learning from {duration_text(learned_s)} first" if learned_s else ""
        lines.append(f"member {name}: {_counted(passes, 'pass', 'passes')} over {duration_text(seen_s)}{learning}")
    return lines


def _counted(count: int, thing: str, things: str = "") -> str:
    return f"1 {thing}" if count == 1 else f"{count} {things or f'{thing}s'}"


def _gate_lines(config: Config) -> list[str]:
    """What a file must keep and what comes after a failure; the time and memory below are of the first attempt."""
    if not config.gate:
        return []
    names = [shown(Path(path).name) for path in config.escalate_to]
    bounds = ", ".join(f"{key} {value}" for key, value in config.gate.items())
    return [f"gate: {bounds}; a file that fails: {', then '.join([*names, 'quarantine'])}"]


def _words_lines(words: Words, source: Path, paths: Sequence[Path]) -> list[str]:
    """How many inputs have words, which have none, and which words have no input."""
    relatives = [path.name if path == source else path.relative_to(source).as_posix() for path in paths]
    missing = [f"no words: {shown(path)}: {why}" for path in relatives if (why := words.of(path).why)]
    known = len(relatives) - len(missing)
    return [f"words: of {known} of {len(relatives)} files", *missing, *unused_note(words, relatives)]


def _weight_lines(config: Config) -> list[str]:
    lines = []
    for file in dict.fromkeys(all_weights(config)):
        here = "here" if file.path.is_file() else f"absent: {fetch_command(file)}" if file.url else "absent"
        licences = f"code {file.licence_code}, weights {file.licence_weights}"
        lines.append(f"weights {file.model}: {file.path.name}, {size_text(file.size_bytes)}, {licences}; {here}")
    return lines


def _cost_lines(foreseen: Forecast) -> list[str]:
    peak = (
        "not known on this system" if foreseen.peak_bytes is None else f"about {size_text(round(foreseen.peak_bytes))}"
    )
    time = f"time: about {duration_text(foreseen.seconds)} (from noise, {foreseen.basis}; metrics and pages apart)"
    return [time, f"peak memory: {peak}"]


def _unknown_line(absent: int) -> str:
    files = "1 file of weights is" if absent == 1 else f"{absent} files of weights are"
    return f"time, memory: not known before {files} here"


def _disk_line(pipeline: Pipeline, infos: Sequence[SourceInfo]) -> str:
    disk_bytes = sum(film.disk_bytes(info, pipeline) for info in infos)
    return f"disk: at most {size_text(disk_bytes)} for results ({size_text(shutil.disk_usage('.').free)} free here)"


def duration_text(seconds: float) -> str:
    """A length for people: "4.2 s", "3 min 20 s", "2 h 05 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
