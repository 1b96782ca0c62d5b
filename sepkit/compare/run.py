"""The order of a comparison on one screen, and how it goes on where it stopped.

A line of results.jsonl is one method on one mix. Its key hashes all that decides its figures: the sound and words
themselves, the method with its weights, the metrics with theirs. What has a line is not measured again.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from sepkit import __version__
from sepkit.batch.bars import unwatched
from sepkit.batch.journal import are_metrics, is_number
from sepkit.compare import markdown, page, picture, spreadsheet, tables
from sepkit.compare.method import Method
from sepkit.compare.methods import first_configured, methods
from sepkit.compare.pairs import EVERY, SetPair, layout, read_set
from sepkit.compare.tables import LOST, Comparison
from sepkit.config import load_config
from sepkit.config.edits import Where
from sepkit.config.sections import EvaluateConfig, MetricConfig
from sepkit.errors import ConfigError, SepkitError, SourceError
from sepkit.files.digest import sha256_of
from sepkit.files.hold import held
from sepkit.files.json_lines import JsonLines
from sepkit.files.naming import shown
from sepkit.judge.evaluate import (
    EDIT_METRICS,
    EMBEDDED_METRICS,
    LENGTH_TOLERANCE_S,
    Evaluator,
    Excerpt,
    bring_together,
    with_metrics,
)
from sepkit.judge.stems import in_one_table, told_apart
from sepkit.judge.words import read_words
from sepkit.metrics.base import Evaluation, Score, not_measured
from sepkit.models import weights
from sepkit.render.base import Stem, judged, make_task

RESULTS_NAME = "results.jsonl"
Told = Callable[[str], None]
"""Called with a line on each mix that was measured, as soon as it was."""
WORDS_METRIC = "wer"
"""Left out of a mix whose words are not known: without them it says how much changed, not what is wrong."""


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


class Trial(NamedTuple):
    """One method on one mix of the set, and the key of its line."""

    method: Method
    pair: SetPair
    key: str


class Measurer:
    """The metrics of a comparison, loaded once."""

    def __init__(self, chosen: EvaluateConfig, stems: Sequence[Stem]) -> None:
        self._chosen = chosen
        self._stems = stems
        self._evaluator = Evaluator(chosen.metrics)
        self._wordless = copy.copy(self._evaluator)
        named = list(zip(chosen.metrics, self._evaluator.metrics, strict=True))
        self._wordless.metrics = tuple(metric for config, metric in named if config.metric != WORDS_METRIC)
        self._of_words = tuple(
            row for config, metric in named if config.metric == WORDS_METRIC for row in metric.rows()
        )

    @property
    def rows(self) -> tuple[Score, ...]:
        """Every row that the metrics give, of every stem, without values."""
        rows = self._evaluator.rows()
        return tuple(row for stem in self._stems for row in told_apart(rows, stem, self._stems))

    def identity(self) -> str:
        """Differs where the figures may."""
        files = [weights.sha256(file.path) if file.path.is_file() else "" for file in self._evaluator.weights()]
        return json.dumps([self._chosen.model_dump(mode="json", include={"metrics", "longest_s"}), files])

    def measure(self, trial: Trial) -> dict[str, Any]:
        """The line of a trial: what the method made of the mix, CPU-seconds and every metric."""
        excerpts = self._excerpts(trial.pair)
        main = next(iter(excerpts.values()))
        truths = {name: each.pair.reference for name, each in excerpts.items() if each.pair.reference}
        answer = trial.method.answer(main.pair.mix, truths, trial.pair)
        found = []
        for stem in self._stems:
            excerpt = excerpts[stem.name]
            pair = replace(excerpt.pair, clean=answer.stems[stem.name])
            if trial.method.of_the_rest:
                pair = replace(pair, reference=pair.background, background=pair.reference)
                if pair.edited and trial.pair.asked:
                    pair = replace(pair, edited=pair.edited._replace(prompt=trial.pair.asked.other_prompt))
            found.append((stem, self._evaluated(replace(excerpt, pair=pair))))
        return _line(trial, answer.cpu_s, in_one_table(found))

    def _excerpts(self, pair: SetPair) -> dict[str, Excerpt]:
        """The mix beside each stem's truth. Background and words are known of a stem that stands alone."""
        alone = len(self._stems) == 1
        background, words = (pair.background, read_words(pair.words)) if alone else (None, None)
        where = pair.asked and Where.of([pair.asked.edit])
        found = {
            name: bring_together(pair.mix, pair.mix, truth, background, words, self._chosen.longest_s, where=where)
            for name, truth in pair.truths.items()
        }
        if where and any(each.end_s - each.start_s < each.whole_s - LENGTH_TOLERANCE_S for each in found.values()):
            raise SourceError(
                f"{shown(pair.mix)}: lasts longer than evaluate.longest_s, {self._chosen.longest_s:g} s; give a "
                "shorter one, or raise that"
            )
        if len({each.pair.mix.frames for each in found.values()}) > 1:
            raise SourceError(f"{shown(pair.mix)}: its stems differ in length; give all of them the mix's")
        return found

    def _evaluated(self, excerpt: Excerpt) -> Evaluation:
        """Every row; those of words with the reason where the words are not known."""
        if excerpt.pair.words is not None:
            return self._evaluator.evaluate(excerpt)
        found = self._wordless.evaluate(excerpt)
        unheard = tuple(not_measured(row, "the words are not known") for row in self._of_words)
        return replace(found, scores=(*found.scores, *unheard))


def run_compare(job: CompareJob, told: Told = lambda line: None) -> str:
    """Compare, and write everything into `job.out`. Returns the summary and the paths, for the terminal."""
    configs = [(path, load_config(path)) for path in job.configs]
    task = make_task(configs[0][1])
    stems = judged(task.stems())
    pairs = read_set(job.folder, layout([stem.name for stem in stems], task.in_place))
    compared, remarks = methods(configs, pairs, job.fusion_rules, job.baseline)
    measurer = Measurer(_chosen(configs[0][1].evaluate, pairs), stems)
    if job.out.exists() and not job.out.is_dir():
        raise ConfigError(f"--out: {shown(job.out)} is a file; give a folder")
    with held(job.out, "comparison"):
        lines = _measured(compared, pairs, measurer, JsonLines(job.out / RESULTS_NAME), job.quiet, told)
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


def _told_line(line: dict[str, Any]) -> str:
    """For people: what was measured, and how long it took."""
    spent = f" in {line['cpu_s']:.1f} CPU-seconds" if line["cpu_s"] is not None else ""
    return f"{shown(line['mix'])}, {line['method']}: {line['duration_s']:.1f} s of sound{spent}"


def _is_line(line: dict[str, Any]) -> bool:
    """Whether a kept line has the types of one; a damaged one is measured again."""
    took = [line.get(name) for name in ("duration_s", "cpu_s")]
    sound = all(seconds is None or is_number(seconds) for seconds in took)
    return isinstance(line.get("key"), str) and sound and are_metrics(line.get("metrics"))


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
    return pair.mix, *pair.truths.values(), pair.background, pair.words


def _key(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _line(trial: Trial, cpu_s: float | None, found: Evaluation) -> dict[str, Any]:
    """Ready for JSON. The names are for people; what a line belongs to is its key."""
    return {
        "method": trial.method.label,
        "mix": trial.pair.name,
        "duration_s": found.end_s - found.start_s,
        "cpu_s": cpu_s,
        **found.as_dict(),
    }


def _chosen(evaluate: EvaluateConfig, pairs: Sequence[SetPair]) -> EvaluateConfig:
    """The metrics of the first configuration and the trade-off; those of words only where some are known.

    Of edits: what it measures, and what is measured inside and outside windows.
    """
    if pairs[0].asked:
        return evaluate.model_copy(update={"metrics": with_metrics(evaluate.metrics, EDIT_METRICS)})
    chosen = evaluate.metrics or tuple(map(MetricConfig.named, EMBEDDED_METRICS))
    chosen = with_metrics(chosen, ["trade_off"])
    if not any(pair.words for pair in pairs):
        chosen = tuple(metric for metric in chosen if metric.metric != WORDS_METRIC)
    return evaluate.model_copy(update={"metrics": chosen})
