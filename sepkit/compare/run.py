"""The order of a comparison on one screen, and how it goes on where it stopped.

A line of results.jsonl is one method on one mix; where the method cannot work on it, its reason and no figure. Its key
hashes all that decides its figures: the sound and words themselves, the method with its weights, the metrics with
theirs. What has a line is not measured again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sepkit import __version__
from sepkit.batch.bars import unwatched
from sepkit.batch.journal import are_metrics, is_number
from sepkit.compare import markdown, page, picture, spreadsheet, tables
from sepkit.compare.measurer import REFUSED, Measurer, Trial, make_measurer
from sepkit.compare.method import Method
from sepkit.compare.methods import first_configured, methods
from sepkit.compare.pairs import EVERY, SetPair, layout, read_set
from sepkit.compare.tables import LOST, Comparison, counted
from sepkit.config import load_config
from sepkit.errors import ConfigError, SepkitError
from sepkit.files.digest import sha256_of
from sepkit.files.hold import held
from sepkit.files.json_lines import JsonLines
from sepkit.files.naming import shown
from sepkit.render.base import judged, make_task

RESULTS_NAME = "results.jsonl"
Told = Callable[[str], None]
"""Called with a line on each mix that was measured, as soon as it was."""


@dataclass(frozen=True)
class CompareJob:
    """configs: the first is the one that the others are compared with. fusion_rules: also run the other rules.

    baseline: of a comparison of edits, the weights of the network that is told no prompt.
    """

    configs: tuple[Path, ...]
    folder: Path
    out: Path
    fusion_rules: bool = False
    baseline: Path | None = None
    quiet: bool = False


def run_compare(job: CompareJob, told: Told = lambda line: None) -> str:
    """Compare, and write everything into `job.out`. Returns the summary and the paths, for the terminal."""
    configs = [(path, load_config(path)) for path in job.configs]
    task = make_task(configs[0][1])
    stems = judged(task.stems())
    if task.any_order and len(judged(stems, {})) < 2:
        raise ConfigError(f"--config: {shown(job.configs[0])}: speakers.count: give 2 or 3, the voices of each mix")
    pairs = read_set(job.folder, layout([stem.name for stem in stems], task.in_place))
    compared, remarks = methods(configs, pairs, job.fusion_rules, job.baseline)
    measurer = make_measurer(configs[0][1].evaluate, pairs, stems, task.any_order)
    if job.out.exists() and not job.out.is_dir():
        raise ConfigError(f"--out: {shown(job.out)} is a file; give a folder")
    with held(job.out, "comparison"):
        lines = _measured(compared, pairs, measurer, JsonLines(job.out / RESULTS_NAME), job.quiet, told)
    remarks = [*remarks, *_refusals(lines, len(pairs))]
    base = first_configured(compared)
    made = tables.compare(measurer.rows, compared, pairs, lines, base, remarks)
    written = _write(job, made, compared)
    paths = "\n".join(f"→ {shown(path)}" for path in (*written, job.out / RESULTS_NAME))
    said = "".join(f"note: {remark}\n" for remark in remarks)
    return f"{markdown.overview(made)}\n\n{said}{paths}"


def _write(job: CompareJob, made: Comparison, compared: Sequence[Method]) -> tuple[Path, ...]:
    title = f"{shown(job.folder.resolve().name)}: {len(made.methods)} methods on {len(made.columns[EVERY])} mixes"
    files = [
        markdown.write(job.out / "comparison.md", title, made),
        spreadsheet.write(job.out / "comparison.csv", made),
    ]
    points, drawing = [], ""
    if LOST in made.values:
        points = picture.points(made, compared)
        drawing = picture.draw(points)
        files.append(picture.write(job.out / "trade_off.svg", drawing))
    return *files, page.write(job.out / "comparison.html", title, made, points, drawing)


def _measured(
    compared: Sequence[Method],
    pairs: Sequence[SetPair],
    measurer: Measurer,
    results: JsonLines,
    quiet: bool,
    told: Told,
) -> dict[tuple[str, str], dict[str, Any]]:
    """The line of every (method, mix); what has none is measured and written down first."""
    trials = _trials(compared, pairs, measurer.identity())
    done = {line["key"]: line for line in results.records if _is_line(line)}
    todo = [trial for trial in trials if trial.key not in done]
    turns = {line: turn for turn, line in enumerate(dict.fromkeys(method.line for method in compared))}
    todo.sort(key=lambda trial: turns[trial.method.line])  # a line's models are loaded once
    begun = {"total": len(trials), "initial": len(trials) - len(todo)}
    for trial in tqdm(todo, **begun, unit="mix", disable=unwatched(quiet)):
        if trial.key in done:  # two methods that are the same
            continue
        try:
            line = {"key": trial.key, **measurer.measure(trial)}
        except SepkitError as error:
            where = f"{trial.method.label}, {shown(trial.pair.name)}"
            raise type(error)(f"{where}: {error}; what was measured is kept") from error
        results.append(line)
        done[trial.key] = line
        told(_told_line(line))
    return {(trial.method.label, trial.pair.name): done[trial.key] for trial in trials}


def _refusals(lines: Mapping[tuple[str, str], Mapping[str, Any]], mixes: int) -> list[str]:
    """Of each method that refused mixes, how many, and why; a sentence each."""
    found = Counter((label, line[REFUSED]) for (label, _), line in lines.items() if REFUSED in line)
    return [f"{label}: refused {count} of {counted(mixes)}: {why}" for (label, why), count in found.items()]


def _told_line(line: dict[str, Any]) -> str:
    """For people: what was measured, and how long it took."""
    if REFUSED in line:
        return f"{shown(line['mix'])}, {line['method']}: refused: {line[REFUSED]}"
    spent = f" in {line['cpu_s']:.1f} CPU-seconds" if line["cpu_s"] is not None else ""
    return f"{shown(line['mix'])}, {line['method']}: {line['duration_s']:.1f} s of sound{spent}"


def _is_line(line: dict[str, Any]) -> bool:
    """Whether a kept line has the types of one; a damaged one is measured again."""
    took = [line.get(name) for name in ("duration_s", "cpu_s")]
    sound = all(seconds is None or is_number(seconds) for seconds in took)
    texts = isinstance(line.get("key"), str) and isinstance(line.get(REFUSED, ""), str)
    return texts and sound and are_metrics(line.get("metrics"))


def _trials(compared: Sequence[Method], pairs: Sequence[SetPair], metrics: str) -> list[Trial]:
    """Every method on every mix, method by method."""
    contents = {pair.name: [sha256_of(path) if path else "" for path in _places(pair)] for pair in pairs}
    return [
        Trial(method, pair, _key(__version__, method.identity, metrics, *_asked(pair), *contents[pair.name]))
        for method in compared
        for pair in pairs
    ]


def _asked(pair: SetPair) -> tuple[str, ...]:
    return pair.asked.identity() if pair.asked else ()


def _places(pair: SetPair) -> tuple[Path | None, ...]:
    return pair.mix, *pair.truths.values(), pair.background, *map(pair.words.get, pair.truths)


def _key(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
