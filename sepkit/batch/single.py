"""Single files, standard input and standard output: `sepkit run`. The gate holds here as in a batch."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sepkit.audio.read import stdin_source
from sepkit.audio.write import write_stdout
from sepkit.config import Config
from sepkit.errors import ConfigError, OutputError, SepkitError
from sepkit.files.naming import shown
from sepkit.judge.quarantine import Places, leftovers, prune, settle, staged, workspace
from sepkit.judge.verdict import Judge, Judged, exit_code
from sepkit.judge.words import Words
from sepkit.render.pipeline import Pipeline

PIPE = "-"


@dataclass
class RunReport:
    """What failed, every verdict, and a line for each file that did not simply pass and each note."""

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
        self.lines += (f"{shown(source)}: {said}" for said in judged.notes)


def run_files(inputs: Sequence[str], out: str, config: Config, quiet: bool = True) -> RunReport:
    """Render each input to `out` (a folder, or - for standard output). What fails is told, the rest is done."""
    if out == PIPE and len(inputs) > 1:
        raise ConfigError(f"-o -: standard output holds one file, found {len(inputs)} inputs; give -o a folder")
    if inputs.count(PIPE) > 1:
        raise ConfigError("INPUT -: standard input can be read once; name it once")
    judge = Judge(config, config.gate_metrics())
    judge.load()
    words = Words(Path(config.words)) if config.words and config.gate else None
    report = RunReport()
    with ExitStack() as stack:
        sources = [stack.enter_context(stdin_source()) if name == PIPE else Path(name) for name in inputs]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()) if out == PIPE else out)
        jobs, report.failures = _plan(judge.pipeline, sources, folder)
        for source, places in jobs:
            try:
                judged = _render(judge, source, places, folder, words, quiet)
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


def _plan(
    pipeline: Pipeline, sources: Sequence[Path], folder: Path
) -> tuple[list[tuple[Path, Places]], list[SepkitError]]:
    """Every source with its places; sources that cannot be read are failures, a clash stops before the start."""
    jobs: list[tuple[Path, Places]] = []
    failures: list[SepkitError] = []
    taken: dict[Path, Path] = {}
    gated = bool(pipeline.config.gate)
    for source in sources:
        try:
            places = Places.of(pipeline.outputs(source, folder), folder, source.stem)
            places.stay_inside(folder, gated)
        except SepkitError as error:
            failures.append(error)
            continue
        for path in places.possible_files(gated):
            if path in taken:
                raise OutputError(f"{path}: both {taken[path]} and {source} would write it; give them separate folders")
            if path.resolve() == source.resolve():
                raise OutputError(f"{path}: is the input itself; choose another folder, or another suffix in output")
            taken[path] = source
        jobs.append((source, places))
    return [(source, _with_leftovers(places, source, sources, taken)) for source, places in jobs], failures


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
