"""Single files, standard input and standard output: `sepkit run`. The gate holds here as in a batch."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sepkit.audio.read import track_count
from sepkit.audio.standard_input import stdin_source
from sepkit.audio.write import write_stdout
from sepkit.config import Config
from sepkit.config.sections import ALL_TRACKS
from sepkit.errors import ConfigError, OutputError, SepkitError
from sepkit.files.naming import shown
from sepkit.judge.quarantine import Places, leftovers, prune, settle, staged, workspace
from sepkit.judge.verdict import Judge, Judged, exit_code
from sepkit.judge.words import Words

PIPE = "-"


@dataclass
class RunReport:
    """What failed, every verdict, and a line for each file that did not simply pass, and for each note."""

    failures: list[SepkitError] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """As of a batch."""
        return exit_code(bool(self.failures), self.verdicts)

    def add(self, source: Path, judged: Judged, note: str = "") -> None:
        """Count a file."""
        self.verdicts.append(judged.verdict)
        self.lines += (f"note: {shown(source)}: {shown(each)}" for each in judged.notes)
        what = [note, f"by {judged.configuration}" if judged.verdict == "escalated" else "", *judged.reasons]
        if judged.verdict != "passed":
            self.lines.append(f"{judged.verdict}: {shown(source)}: {shown('; '.join(filter(None, what)))}".rstrip(": "))


def run_files(inputs: Sequence[str], out: str, config: Config, quiet: bool = True) -> RunReport:
    """Render each input to `out` (a folder, or - for standard output). What fails is told, the rest is done."""
    if out == PIPE and len(inputs) > 1:
        raise ConfigError(f"-o -: standard output holds one file, found {len(inputs)} inputs; give -o a folder")
    if inputs.count(PIPE) > 1:
        raise ConfigError("INPUT -: standard input can be read once; name it once")
    judge = Judge(config, config.gate_metrics())
    judge.load()
    words = Words(Path(config.words)) if config.words and config.gate else None
    if out == PIPE and config.source.track == ALL_TRACKS:
        raise ConfigError(f"-o -: standard output holds one file, found --track {ALL_TRACKS}; give -o a folder")
    report = RunReport()
    with ExitStack() as stack:
        sources = [stack.enter_context(stdin_source()) if name == PIPE else Path(name) for name in inputs]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()) if out == PIPE else out)
        jobs, report.failures = _plan(judge, sources, folder)
        for source, places, reader in jobs:
            try:
                judged = _render(reader, source, places, folder, words, quiet)
                note = ""
                if out == PIPE and judged.verdict == "quarantined":
                    note = "nothing was written, for standard output has no quarantine"
                elif out == PIPE:
                    write_stdout(next(iter(places.own.values())))
                report.add(source, judged, note)
            except SepkitError as error:
                report.failures.append(error)
        prune(folder)
    return report


class _Job(NamedTuple):
    """A source, or one track of it; where its results go; who renders and judges it."""

    source: Path
    places: Places
    judge: Judge


def _plan(judge: Judge, sources: Sequence[Path], folder: Path) -> tuple[list[_Job], list[SepkitError]]:
    """Every source with its places; sources that cannot be read are failures, a clash stops before the start."""
    jobs: list[_Job] = []
    failures: list[SepkitError] = []
    taken: dict[Path, Path] = {}
    gated = bool(judge.config.gate)
    for source in sources:
        try:
            found = [
                _Job(source, Places.of(reader.pipeline.outputs(source, folder, name), folder, name), reader)
                for name, reader in _tracks(judge, source)
            ]
            for job in found:
                job.places.stay_inside(folder, gated)
        except SepkitError as error:
            failures.append(error)
            continue
        for path in (path for job in found for path in job.places.possible_files(gated)):
            if path in taken:
                raise OutputError(f"{path}: both {taken[path]} and {source} would write it; give them separate folders")
            if path.resolve() == source.resolve():
                raise OutputError(f"{path}: is the input itself; choose another folder, or another suffix in output")
            taken[path] = source
        jobs += found
    return [job._replace(places=_with_leftovers(job.places, job.source, sources, taken)) for job in jobs], failures


def _tracks(judge: Judge, source: Path) -> list[tuple[str, Judge]]:
    """What the results of a source are called, and who reads it: one, or one for each sound track if all are asked."""
    how = judge.config.source
    if how.track != ALL_TRACKS:
        return [(source.stem, judge)]
    count = track_count(source, how)
    numbers = range(1, count + 1)
    readers = [judge.twin(how.model_copy(update={"track": number})) for number in numbers]
    names = [source.stem if count == 1 else f"{source.stem}.track{number}" for number in numbers]
    return list(zip(names, readers, strict=True))


def _with_leftovers(places: Places, source: Path, sources: Sequence[Path], taken: dict[Path, Path]) -> Places:
    """With what an earlier run left of the file in the other place; no input and no other's result is named."""
    inputs = {each.resolve() for each in sources}
    stale, held_stale = (
        tuple(path for path in paths if path.resolve() not in inputs and taken.get(path, source) == source)
        for paths in leftovers(places, (), was_quarantined=False)
    )
    return places._replace(stale=stale, held_stale=held_stale)


def _render(judge: Judge, source: Path, places: Places, folder: Path, words: Words | None, quiet: bool) -> Judged:
    """Render and judge one file, and bring it to where it belongs."""
    from tqdm import tqdm

    with (
        workspace(folder) as work,
        tqdm(total=100, desc=source.name, unit="%", disable=quiet, leave=False) as bar,
    ):
        rendered = judge.pipeline.with_evidence(staged(places.own, work))
        known = words.of(source.name) if words else None
        judged = judge.judge(source, rendered, known, lambda part: bar.update(100 * part - bar.n))
        settle(rendered, judged, places)
    return judged
