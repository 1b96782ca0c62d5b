"""`sepkit evaluate` of several voices: the files of one mix in, a table of all of them out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sepkit.batch.bars import file_bar
from sepkit.batch.file_result import FileResult, Told, say_nothing
from sepkit.batch.pilot import PAGE_NAME, weight_facts
from sepkit.config import Config, dump_config
from sepkit.config.sections import EvaluateConfig
from sepkit.errors import ConfigError
from sepkit.files.naming import real, seen_from, shown
from sepkit.files.whole_file import make_folder
from sepkit.judge.evaluate import VOICE_METRICS, Evaluator, Excerpt, with_metrics
from sepkit.judge.voices import evaluate_voices, side_by_side
from sepkit.judge.words import read_words
from sepkit.metrics.base import Evaluation, Pair
from sepkit.render.base import Stem
from sepkit.report import file_page, own, summary

TRUE = ("", "true_")
"""How the names of facts begin that are files: of a voice, and of its truth."""


class VoiceFiles(NamedTuple):
    """references: in an order of their own. words: of each reference, or none at all."""

    mix: Path
    cleans: tuple[Path, ...]
    references: tuple[Path, ...]
    words: tuple[Path, ...] = ()


def evaluate_voice_files(
    config: Config | None, voices: VoiceFiles, out_dir: Path | None, quiet: bool = True, told: Told = say_nothing
) -> str:
    """Returns the table, and whose voice is in which file; where `out_dir` is given, writes them there.

    config: its metrics are measured too; without one, `VOICE_METRICS` alone.
    """
    start_s, section = time.perf_counter(), config.evaluate if config else EvaluateConfig()
    section = section.model_copy(update={"metrics": with_metrics(section.metrics, VOICE_METRICS)})
    _require_own(voices.references)
    evaluator = Evaluator(section.metrics)
    words = [read_words(path) or "" for path in voices.words]
    with file_bar("measuring", quiet) as bar:

        def follow(label: str, part: float) -> None:
            bar.set_description_str(f"measuring {label}")
            bar.reach(part)

        made = evaluate_voices(
            voices.mix, voices.cleans, voices.references, words, evaluator, section.longest_s, follow
        )
    found = {f"speaker_{number}": voices.cleans[file - 1] for number, file in enumerate(made.permutation or (), 1)}
    where = ", ".join(f"{name} is in {shown(path)}" for name, path in found.items())
    note = f"permutation {', '.join(map(str, made.permutation or ()))}: {where}"
    notes = [note, *made.notes]
    if out_dir:
        facts = _facts(config, voices, found, note, evaluator)
        summary.write(make_folder(out_dir), made, facts)
        if config is None or config.report:
            notes += filter(None, [own.make_way(out_dir / PAGE_NAME)])
            _write_page(out_dir / PAGE_NAME, made, voices, section, facts)
    spent_s = time.perf_counter() - start_s
    told(
        FileResult(
            voices.mix, "passed", found, notes=notes,
            duration_s=made.whole_s, seconds=spent_s, stages=evaluator.clock.seconds,
        )
    )  # fmt: skip
    return f"{summary.table(made)}\n\n{note}"


def _require_own(references: Sequence[Path]) -> None:
    """Files may be the same, as two stems that nothing parted; two voices are not."""
    found: dict[Path, int] = {}
    for number, path in enumerate(references, 1):
        first = found.setdefault(real(path), number)
        if first != number:
            raise ConfigError(
                f"--reference: number {number} is the same file as number {first}, {shown(path)}; give the true sound "
                "of each voice"
            )


def _write_page(
    path: Path, made: Evaluation, voices: VoiceFiles, section: EvaluateConfig, facts: Mapping[str, Any]
) -> None:
    """The page of all voices, each beside its truth."""
    heard = side_by_side(voices.mix, voices.cleans, voices.references, section.longest_s)
    order = [number - 1 for number in made.permutation or ()]
    truths = heard.references
    stems = [
        Stem(f"speaker_{number}", "", f"Speaker {number}", f"what is in {shown(voices.cleans[file])}", judged=True)
        for number, file in enumerate(order, 1)
    ]
    pair = Pair(heard.mix, heard.files[order[0]], truths[0])
    excerpt = Excerpt(pair, heard.start_s, heard.end_s, heard.whole_s, made.notes)
    others = [(stem, heard.files[file]) for stem, file in zip(stems[1:], order[1:], strict=True)]
    known = [(stem, truth) for stem, truth in zip(stems[1:], truths[1:], strict=True)]
    files = {name: Path(facts[name]) for name in ("mix", *(f"{true}{stem.name}" for stem in stems for true in TRUE))}
    named = {name: seen_from(path.parent, file) for name, file in files.items() if file.is_absolute()}
    file_page.write(
        path,
        file_page.Evidence(
            shown(voices.mix.name), excerpt, made.as_dict()["metrics"], stems[0], no_masks="", stems=tuple(others),
            truths=tuple(known), voices=True, chosen=section.metrics, facts={**facts, **named},
        ),
    )  # fmt: skip


def _facts(
    config: Config | None, voices: VoiceFiles, found: Mapping[str, Path], note: str, evaluator: Evaluator
) -> dict[str, Any]:
    """What was measured, ready for JSON: every file by whose voice it holds."""
    truths = {f"true_speaker_{number}": shown(path) for number, path in enumerate(voices.references, 1)}
    return {
        "mix": shown(voices.mix),
        **{name: shown(path) for name, path in found.items()},
        **truths,
        "notes": [note],
        "weights": [weight_facts(file) for file in dict.fromkeys(evaluator.weights())],
        "configuration": dump_config(config) if config else "",
    }
