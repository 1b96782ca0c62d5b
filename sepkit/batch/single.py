"""Single files, standard input and standard output: `sepkit run`. The gate holds here as in a batch."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sepkit.audio.read import stdin_source
from sepkit.audio.write import write_stdout
from sepkit.config import Config
from sepkit.errors import ConfigError, OutputError, SepkitError, one_line
from sepkit.files.naming import shown
from sepkit.files.workspace import sweep_workspaces, workspace
from sepkit.interruption import interruptible
from sepkit.judge.quarantine import Places, leftovers, real, settle, staged
from sepkit.judge.verdict import Judge, Judged, exit_code
from sepkit.judge.words import Words
from sepkit.render.pipeline import Pipeline

PIPE = "-"


@dataclass
class RunReport:
    """What failed, every verdict, and a line for each file that did not simply pass."""

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
        what = [note, f"by {judged.configuration}" if judged.verdict == "escalated" else "", *judged.reasons]
        if judged.verdict != "passed":
            self.lines.append(f"{judged.verdict}: {shown(source)}: {shown('; '.join(filter(None, what)))}".rstrip(": "))


def run_files(inputs: Sequence[str], out: str, config: Config, quiet: bool = True) -> RunReport:
    """Render each input to `out` (a folder, or - for standard output). What fails is told, the rest is done."""
    _check(inputs, out)
    judge = Judge(config, config.gate_metrics())
    judge.load()
    words = Words(Path(config.words)) if config.words and config.gate else None
    report = RunReport()
    with ExitStack() as stack:
        check = stack.enter_context(interruptible())
        sources = [stack.enter_context(stdin_source()) if name == PIPE else Path(name) for name in inputs]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()) if out == PIPE else out)
        sweep_workspaces(folder)
        for source, places in _plan(judge.pipeline, sources, folder, report):
            try:
                judged, removed = _render(judge, source, places, folder, words, quiet, check)
                note = ""
                if out == PIPE and judged.verdict == "quarantined":
                    note = "nothing was written, for standard output has no quarantine"
                elif out == PIPE:
                    write_stdout(next(iter(places.own.values())))
                report.add(source, judged, note)
                report.lines += [f"removed {shown(path)}, which is not written any more" for path in removed]
            except Exception as error:
                report.failures.append(_failure(source, error))
    return report


def _check(inputs: Sequence[str], out: str) -> None:
    """What can be wrong with the command itself."""
    if out == PIPE and len(inputs) > 1:
        raise ConfigError(f"-o -: standard output holds one file, found {len(inputs)} inputs; give -o a folder")
    if out == PIPE and sys.stdout is None:
        raise ConfigError("-o -: standard output is closed; let something read it, or give -o a folder")
    if inputs.count(PIPE) > 1:
        raise ConfigError("INPUT -: standard input can be read once; name it once")
    if PIPE in inputs and sys.stdin is None:
        raise ConfigError("INPUT -: standard input is closed; send a sound file into it")


def _failure(source: Path, error: Exception) -> SepkitError:
    """What is told of it, without the traceback, which would hold on to the sound that was in hand."""
    return (
        type(error)(str(error))
        if isinstance(error, SepkitError)
        else SepkitError(f"{shown(source)}: {one_line(error)}")
    )


def _plan(pipeline: Pipeline, sources: Sequence[Path], folder: Path, report: RunReport) -> list[tuple[Path, Places]]:
    """Every source with its places; sources that cannot be read are failures, a clash stops before the start."""
    jobs: list[tuple[Path, Places]] = []
    gated = bool(pipeline.config.gate)
    for source in sources:
        try:
            places = Places.of(pipeline, source, folder, folder)
            places.stay_inside(folder, gated)
            jobs.append((source, places))
        except Exception as error:
            report.failures.append(_failure(source, error))
    results = _results(jobs)
    if results:
        names = ", ".join(shown(source.name) for source in results)
        report.lines.append(f"left out, for other inputs write them: {names}")
    jobs = [(source, places) for source, places in jobs if source not in results]
    inputs = {real(source): source for source, _ in jobs}
    taken: dict[Path, Path] = {}
    for source, places in jobs:
        for path in places.possible_files(gated):
            if path in taken:
                raise OutputError(f"{path}: both {taken[path]} and {source} would write it; give them separate folders")
            if real(path) in inputs:
                which = "the input itself" if real(path) == real(source) else f"an input, and {source} would replace it"
                raise OutputError(f"{path}: is {which}; choose another folder, or another suffix in output")
            taken[path] = source
    return [(source, _with_leftovers(places, source, sources, taken)) for source, places in jobs]


def _results(jobs: Sequence[tuple[Path, Places]]) -> list[Path]:
    """The inputs that are results of others, as `run *.wav -o .` finds them the second time."""
    written = {
        real(path): source
        for source, places in jobs
        for path in (*places.own.values(), *places.unwritten)
        if path.stem != source.stem  # where no suffix tells them apart, it may be anybody's
    }
    return [source for source, _ in jobs if real(source) in written]


def _with_leftovers(places: Places, source: Path, sources: Sequence[Path], taken: dict[Path, Path]) -> Places:
    """With what an earlier run left of the file in the other place; no input and no other's result is named."""
    inputs = {real(each) for each in sources}
    stale, held_stale = (
        tuple(path for path in paths if real(path) not in inputs and taken.get(path, source) == source)
        for paths in leftovers(places, ())
    )
    return places._replace(stale=stale, held_stale=held_stale)


def _render(
    judge: Judge,
    source: Path,
    places: Places,
    folder: Path,
    words: Words | None,
    quiet: bool,
    check: Callable[[], None],
) -> tuple[Judged, list[Path]]:
    """Render and judge one file, and bring it to where it belongs; returns too what was removed there."""
    from tqdm import tqdm

    with (
        workspace(folder) as work,
        tqdm(total=100, desc=source.name, unit="%", disable=quiet, leave=False) as bar,
    ):

        def tell(part: float) -> None:
            check()
            bar.update(100 * part - bar.n)

        rendered = judge.pipeline.with_evidence(staged(places.own, work))
        known = words.of(source.name) if words else None
        judged = judge.judge(source, rendered, known, tell)
        return judged, settle(rendered, judged, places, folder).removed
