"""`sepkit evaluate` of several voices: the files of one mix in, a table of all of them out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sepkit.batch.bars import file_bar
from sepkit.batch.file_result import FileResult, Told, say_nothing
from sepkit.batch.pilot import weight_facts
from sepkit.config import Config, dump_config
from sepkit.config.sections import EvaluateConfig
from sepkit.files.naming import shown
from sepkit.files.whole_file import make_folder
from sepkit.judge.evaluate import VOICE_METRICS, Evaluator, with_metrics
from sepkit.judge.voices import evaluate_voices
from sepkit.judge.words import read_words
from sepkit.report import summary


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
    if out_dir:
        summary.write(make_folder(out_dir), made, _facts(config, voices, found, note, evaluator))
    spent_s = time.perf_counter() - start_s
    told(
        FileResult(
            voices.mix, "passed", found, notes=[note, *made.notes],
            duration_s=made.whole_s, seconds=spent_s, stages=evaluator.clock.seconds,
        )
    )  # fmt: skip
    return f"{summary.table(made)}\n\n{note}"


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
