"""The one-command run: clean a mix, measure the pair, leave a table to read, snippets to hear and a picture to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from sepkit.audio_write import make_folder
from sepkit.config import Config, dump_config
from sepkit.errors import SourceError
from sepkit.evaluate import Evaluator, Excerpt, bring_together
from sepkit.metrics.base import ReferenceKind
from sepkit.naming import shown
from sepkit.pipeline import Outputs, Pipeline, RenderReport
from sepkit.report import snippets, spectrograms, summary
from sepkit.weights import WeightFile, sha256


class Truth(NamedTuple):
    """What is known about a mix besides itself."""

    reference: Path | None = None
    background: Path | None = None
    words: str | None = None


def run_pilot(config: Config, artifacts: Path, eval_dir: Path, source: Path | None = None) -> str:
    """Clean the configuration's pilot mix, or `source`, of which nothing more is known. Returns the table."""
    pipeline = Pipeline(config)
    pipeline.load()
    mix, truth = (source, Truth()) if source else (Path(config.pilot.mix), _pilot_truth(config))
    outputs = pipeline.outputs(mix, make_folder(artifacts / "pilot"))
    if truth.reference is None and truth.background is None:
        outputs = outputs._replace(fused=outputs.speech.with_name(f".{mix.stem[:100]}.fused.wav"))
    try:
        report = pipeline.render(mix, outputs)
        excerpt = _excerpt(config, mix, outputs, truth)
    finally:
        if outputs.fused:
            outputs.fused.unlink(missing_ok=True)
    table = _write(config, excerpt, eval_dir, _facts(mix, outputs, report), pipeline.weights())
    spectrograms.picture(excerpt.pair.mix, excerpt.pair.clean, make_folder(eval_dir) / "spectrograms.png")
    ab = make_folder(artifacts / "ab")
    snippets.write_snippets(
        excerpt.pair.mix, excerpt.pair.clean, ab, config.evaluate.snippet_s, config.evaluate.snippets
    )
    written = [path for path in (outputs.speech, outputs.background, ab, eval_dir) if path]
    return table + "\n\n" + "\n".join(f"→ {shown(path)}" for path in written)


def evaluate_files(
    config: Config,
    mix: Path,
    clean: Path,
    reference: Path | None,
    background: Path | None,
    words: Path | None,
    out_dir: Path | None,
) -> str:
    """Measure a pair of files; returns the table and, where `out_dir` is given, writes it there."""
    truth = Truth(reference, background, _read_words(words))
    found = bring_together(mix, clean, *truth, longest_s=config.evaluate.longest_s)
    facts = {"mix": shown(mix), "clean": shown(clean)}
    return _write(config, found, out_dir, facts)


def _excerpt(config: Config, mix: Path, outputs: Outputs, truth: Truth) -> Excerpt:
    """The pair to measure: against the truth where it is known, else against the fused vocals."""
    kind: ReferenceKind = "fused vocals" if outputs.fused else "truth"
    against = truth._replace(reference=outputs.fused) if outputs.fused else truth
    return bring_together(mix, outputs.speech, *against, longest_s=config.evaluate.longest_s, reference_kind=kind)


def _write(
    config: Config, excerpt: Excerpt, out_dir: Path | None, facts: dict[str, Any], weights: tuple[WeightFile, ...] = ()
) -> str:
    evaluator = Evaluator(config.evaluate.metrics)
    evaluation = evaluator.evaluate(excerpt)
    if out_dir:
        files = dict.fromkeys((*weights, *evaluator.weights()))
        facts |= {"weights": [_weight_facts(file) for file in files], "configuration": dump_config(config)}
        summary.write(make_folder(out_dir), evaluation, facts)
    return summary.table(evaluation)


def _facts(mix: Path, outputs: Outputs, report: RenderReport) -> dict[str, Any]:
    """What was run: the files, the level, the time."""
    return {
        "mix": shown(mix),
        "speech": shown(outputs.speech),
        "background": shown(outputs.background) if outputs.background else None,
        "loudness_before_levelling_lufs": report.lufs_rendered,
        "levelling_gain_db": report.gain_db,
        "cpu_seconds": report.seconds_by_stage,
    }


def _weight_facts(file: WeightFile) -> dict[str, str]:
    here = file.path.is_file()
    return {
        "model": file.model,
        "file": file.path.name,
        "sha256": sha256(file.path) if here else "not here",
        "licence": file.licence_weights,
    }


def _pilot_truth(config: Config) -> Truth:
    pilot = config.pilot
    return Truth(
        Path(pilot.reference) if pilot.reference else None,
        Path(pilot.background) if pilot.background else None,
        _read_words(Path(pilot.words) if pilot.words else None),
    )


def _read_words(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{shown(path)}: cannot be read as UTF-8 text ({error}); give a file with the words spoken"
        ) from error
