"""The one-command run: clean a mix, measure the pair, leave a table to read, snippets to hear and a picture to see."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from sepkit.audio.read import probe
from sepkit.batch.bars import file_bar
from sepkit.batch.file_result import FileResult, Told, say_nothing
from sepkit.batch.journal import are_metrics
from sepkit.config import Config, dump_config, parse_config
from sepkit.config.edits import Where
from sepkit.errors import SourceError, one_line
from sepkit.files.naming import seen_from, shown
from sepkit.files.whole_file import make_folder
from sepkit.judge.evaluate import EDIT_METRICS, Evaluator, Excerpt, bring_together, with_metrics
from sepkit.judge.stems import Truth, bring_stem, in_one_table
from sepkit.judge.words import Known, read_words
from sepkit.metrics.base import Evaluation, completed
from sepkit.models.weights import WeightFile, sha256
from sepkit.render.base import Stem, judged, main_stem, make_task
from sepkit.render.mask_picture import MaskPicture
from sepkit.render.pipeline import Pipeline
from sepkit.render.result import Outputs, RenderReport, lack_of_speech
from sepkit.report import file_page, own, snippets, spectrograms, summary
from sepkit.report.second_look import SecondLook, Seen
from sepkit.report.summary import METRICS_NAME

PAGE_NAME = "report.html"
EVAL_NAME = "eval"
"""The folder of the tables and the page, within that of all results, where none is named."""
TRUTH_FACTS = ("true_speech", "true_background")
"""The names in metrics.json of the files that hold the truth."""


def run_pilot(
    config: Config,
    artifacts: Path,
    eval_dir: Path,
    source: Path | None = None,
    quiet: bool = True,
    told: Told = say_nothing,
) -> str:
    """Clean the configuration's pilot mix, or `source`, of which nothing more is known. Returns the table."""
    mix = source or Path(config.pilot.mix)
    if not source and not mix.is_file():
        raise SourceError(
            f"pilot.mix: {shown(mix)} is not here; sepkit's own lies in the project's folder: go there, or give a file "
            "of your own: sepkit pilot FILE"
        )
    start_s = time.perf_counter()
    pipeline, truth = Pipeline(config), Truth() if source else _pilot_truth(config)
    results, kept = pipeline.outputs(mix, make_folder(artifacts / "pilot")), ""
    masks = MaskPicture() if config.report else None
    with tempfile.TemporaryDirectory(prefix=".sepkit-", dir=artifacts / "pilot") as work:
        outputs = pipeline.with_evidence(results, Path(work))
        with file_bar(mix.name, quiet) as bar:
            pipeline.load()
            report = pipeline.render(mix, outputs, bar.reach, masks)
        results = {name: path for name, path in results.items() if path.is_file()}  # an optional stem may have none
        stems = pipeline.task.stems(probe(mix, config.source))
        chosen = judged(stems, outputs)

        def bring(stem: Stem) -> Excerpt:
            return bring_stem(config, mix, outputs, stem, chosen, truth)

        names = [*(stem.name for stem in stems if not stem.inner), *dict(pipeline.task.documents())]
        truth = truth._replace(no_speech=lack_of_speech(report.notes))
        facts = _facts(mix, results, names, report, truth.of(chosen[0], chosen))
        measured = _measure(config, chosen, bring, eval_dir, facts, pipeline.weights(), quiet)
        excerpt, evaluation = measured.excerpt, measured.evaluation
        told(measured.told(_result(mix, results, report), start_s))
        if config.report:
            kept = own.make_way(eval_dir / PAGE_NAME)
            _write_page(config, excerpt, evaluation, eval_dir, facts, results, Seen(masks, outputs))
    spectrograms.picture(excerpt.pair.mix, excerpt.pair.clean, make_folder(eval_dir) / "spectrograms.png")
    ab = make_folder(artifacts / "ab")
    snippets.write_snippets(
        excerpt.pair.mix, excerpt.pair.clean, ab, config.evaluate.snippet_s, config.evaluate.snippets
    )
    page = eval_dir / PAGE_NAME if config.report else None
    written = [path for path in (*results.values(), ab, eval_dir, page) if path]
    lines = [*([f"note: {kept}"] if kept else []), *(f"→ {shown(path)}" for path in written)]
    parts = summary.lead(evaluation, report.notes), summary.table(evaluation), "\n".join(lines)
    return "\n\n".join(filter(None, parts))


def evaluate_files(
    config: Config,
    mix: Path,
    clean: Path,
    reference: Path | None,
    background: Path | None,
    words: Path | None,
    out_dir: Path | None,
    quiet: bool = True,
    told: Told = say_nothing,
    where: Where | None = None,
) -> str:
    """Measure a pair of files; returns the table and, where `out_dir` is given, writes it there.

    where: the mix was edited, where it was; what says how well is then measured too.
    """
    start_s, longest_s, main = time.perf_counter(), config.evaluate.longest_s, main_stem(config)
    excerpt = bring_together(mix, clean, reference, background, read_words(words), longest_s, where=where)
    if where is not None:
        metrics = with_metrics(config.evaluate.metrics, EDIT_METRICS)
        config = config.model_copy(update={"evaluate": config.evaluate.model_copy(update={"metrics": metrics})})
    facts = {"mix": shown(mix), main.name: shown(clean), **_truth_facts(Truth(reference, background))}
    measured = _measure(config, [main], lambda stem: excerpt, out_dir, facts, quiet=quiet)
    notes = [*excerpt.notes]
    if out_dir and config.report:
        notes += filter(None, [own.make_way(out_dir / PAGE_NAME)])
        _write_page(config, excerpt, measured.evaluation, out_dir, facts, {main.name: clean}, Seen())
    told(measured.told(FileResult(mix, "passed", {main.name: clean}, notes=notes), start_s))
    return summary.table(measured.evaluation)


class _Measured(NamedTuple):
    """The first stem's pair, the rows of all stems, and the CPU-seconds of each metric."""

    excerpt: Excerpt
    evaluation: Evaluation
    seconds: dict[str, float]

    def told(self, result: FileResult, start_s: float) -> FileResult:
        """With what all took since `start_s`, by the clock."""
        spent_s, stages = time.perf_counter() - start_s, {**result.stages, **self.seconds}
        return replace(result, duration_s=self.excerpt.whole_s, seconds=spent_s, stages=stages)


def page_again(folder: Path, look: bool = True) -> tuple[Path, str]:
    """Write the page of a folder that an earlier run left, from its metrics.json and the files that it names.

    Returns it, and a sentence where something that lay there was set aside.

    folder: that of the tables, or the one that holds it. look: render the mix once more, for the masks, where it was
    rendered at all.
    """
    if not (folder / METRICS_NAME).is_file() and (folder / EVAL_NAME / METRICS_NAME).is_file():
        folder /= EVAL_NAME
    neither = f"{shown(folder)}: holds neither a batch's report.json nor a pilot run's {METRICS_NAME}"
    advice = "give the folder that one of them wrote"
    if not (folder / METRICS_NAME).is_file():
        raise SourceError(f"{neither}; {advice}")
    try:
        record = json.loads((folder / METRICS_NAME).read_text(encoding="utf-8"))
        run, metrics = record["run"], record["metrics"]
        if not are_metrics(metrics):
            raise ValueError("its metrics are not as sepkit writes them")
        metrics = completed(metrics)
        config = parse_config(run["configuration"], str(folder / METRICS_NAME))
        task = make_task(config)
        stems = task.stems()
        names = [*(stem.name for stem in stems), *dict(task.documents())]
        outputs = {name: Path(run[name]) for name in names if run.get(name)}
        mix, reference, background = (Path(run[name]) if run.get(name) else None for name in ("mix", *TRUTH_FACTS))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"{neither} that can be read ({one_line(error)}); {advice}") from error
    main = judged(stems)[0]
    if mix is None or main.name not in outputs:
        raise SourceError(f"{shown(folder / METRICS_NAME)}: names no mix and {main.name}; run the pilot again")
    with tempfile.TemporaryDirectory(prefix="sepkit-") as work:
        seen = SecondLook(Pipeline(config)).at(mix, Path(work)) if look and "cpu_seconds" in run else Seen()
        truth = Truth(reference, background)
        excerpt = bring_stem(config, mix, seen.evidence | outputs, main, judged(stems), truth)
        kept = own.make_way(folder / PAGE_NAME)
        return _write_page(config, excerpt, metrics, folder, run, outputs, seen), kept


def _measure(
    config: Config,
    stems: Sequence[Stem],
    bring: Callable[[Stem], Excerpt],
    out_dir: Path | None,
    facts: dict[str, Any],
    weights: tuple[WeightFile, ...] = (),
    quiet: bool = True,
) -> _Measured:
    """Measure the pair of each stem, and write the tables where there is a folder.

    facts: gain weights and configuration.
    """
    evaluator = Evaluator(config.evaluate.metrics)
    main = bring(stems[0])
    found: list[tuple[Stem, Evaluation]] = []
    with file_bar("measuring", quiet) as bar:

        def follow(label: str, part: float) -> None:
            bar.set_description_str(f"measuring {label}")
            bar.reach((len(found) + part) / len(stems))

        for stem in stems:
            found.append((stem, evaluator.evaluate(bring(stem) if found else main, follow)))
    evaluation = in_one_table(found)
    files = dict.fromkeys((*weights, *evaluator.weights()))
    facts |= {"weights": [weight_facts(file) for file in files], "configuration": dump_config(config)}
    if out_dir:
        summary.write(make_folder(out_dir), evaluation, facts)
    return _Measured(main, evaluation, dict(evaluator.clock.seconds))


def _write_page(
    config: Config,
    excerpt: Excerpt,
    evaluation: Evaluation | dict[str, Any],
    folder: Path,
    facts: dict[str, Any],
    outputs: Outputs,
    seen: Seen,
) -> Path:
    metrics = evaluation if isinstance(evaluation, dict) else evaluation.as_dict()["metrics"]
    files = {name: Path(facts[name]) for name in ("mix", *outputs, *TRUTH_FACTS) if facts.get(name)}
    told = facts | {name: seen_from(folder, path) for name, path in files.items() if path.is_absolute()}
    found = file_page.evidence(files["mix"].name, excerpt, outputs, metrics, config, seen, told)
    return file_page.write(folder / PAGE_NAME, found)


def _facts(mix: Path, outputs: Outputs, stems: Sequence[str], report: RenderReport, truth: Truth) -> dict[str, Any]:
    """What was run: the files, the level, the time. stems: what somebody could get, the main one first."""
    main = stems[0]  # whose facts keep their names
    finished = {
        name if stem == main else f"{stem}_{name}": value
        for stem, facts in report.facts.items()
        for name, value in facts.items()
    }
    return {
        "mix": shown(mix),
        **{name: shown(outputs[name]) if name in outputs else None for name in stems},
        **_truth_facts(truth),
        **finished,
        "notes": list(report.notes),
        "cpu_seconds": report.seconds_by_stage,
    }


def _result(mix: Path, outputs: Outputs, report: RenderReport) -> FileResult:
    stages, facts, notes = report.seconds_by_stage, report.facts, report.notes
    return FileResult(mix, "passed", outputs, notes=notes, facts=facts, stages=stages)


def _truth_facts(truth: Truth) -> dict[str, str | None]:
    known = (truth.reference, truth.background)
    return {name: shown(path) if path else None for name, path in zip(TRUTH_FACTS, known, strict=True)}


def weight_facts(file: WeightFile) -> dict[str, str]:
    """Of a file that was used, ready for JSON."""
    here = file.path.is_file()
    return {
        "model": file.model,
        "file": file.path.name,
        "sha256": sha256(file.path) if here else "not here",
        "licence": file.licence_weights,
    }


def _pilot_truth(config: Config) -> Truth:
    """The truth that the configuration names; what of it cannot be read is told before anything is rendered."""
    named = {name: getattr(config.pilot, name) for name in ("reference", "background", "words")}
    found = {name: Path(path) for name, path in named.items() if path}
    for name, path in found.items():
        try:
            read_words(path) if name == "words" else probe(path)
        except SourceError as error:
            raise SourceError(f"pilot.{name}: {error}; set it to null where it is not known") from error
    return Truth(found.get("reference"), found.get("background"), Known(read_words(found.get("words"))))
