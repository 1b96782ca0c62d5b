"""What a configuration of `task: speakers` reaches: `python -m scripts.bench speakers --set SET --config FILE …`.

SET is what `python -m scripts.make_mixes --voices DIR` writes. Its clips are compared as by `sepkit compare`, beside
the unprocessed mix and the oracle ratio masks, means with 95 % bootstrap intervals over mixes. Then an hour of
conversation is made of two of its readers (`scripts.bench.speakers`) and parted: how much speech lies on the wrong
stem, whether 10 s out of it are as good as the same 10 s alone, and what memory an hour takes beside 5 minutes. It is
one pair of readers, whose 10 s each come again and again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from scripts.bench.measuring import growth_percent, sepkit, table
from scripts.bench.readers import RATE
from scripts.bench.speakers import Case, conversation, wrong
from scripts.mixes.voices import ALONE, HALF, NOISY, TWO
from sepkit.audio.samples import Audio
from sepkit.compare import CompareJob, run_compare
from sepkit.compare.method import ORACLE, UNPROCESSED
from sepkit.compare.pairs import SetPair, layout, read_set
from sepkit.compare.run import RESULTS_NAME
from sepkit.compare.statistics import interval
from sepkit.config import load_config
from sepkit.errors import ConfigError
from sepkit.files.naming import shown
from sepkit.judge.voices import likeness
from sepkit.render.pipeline import Pipeline

Voices = NDArray[np.float32]
"""(voices, frames)."""

LOUD, LOUDEST_DB = "silent_level above", -25.0
"""Where the mean is that of silence and of words in the wrong stem, it hides how often there are such words."""
GOALS = (
    (TWO, "si_sdri", "SI-SDRi, dB", "≥ 8"),
    (TWO, "snr", "SNR, dB", ""),
    (TWO, "sdri", "SDRi, dB", ""),
    (TWO, "stoi", "STOI", ""),
    (TWO, "wrong_stem", "speech on the wrong stem, %", ""),
    (HALF, "si_sdri", "SI-SDRi, dB", ""),
    (NOISY, "si_sdri", "SI-SDRi, dB", ""),
    (ALONE, "silent_level", "level of the second stem, dB of the mix", "≤ −25"),
    (ALONE, LOUD, f"second stem above −{-LOUDEST_DB:g} dB, % of the mixes", ""),
    (ALONE, "stoi", "STOI", ""),
    ("", "compute", "CPU-seconds per second", "≤ 0.05"),
)
"""Condition ("": all mixes), row, what it is called, and the goal."""
STRETCH_S, MOST_STRETCHES = 10, 20
MINUTES, QUICK_MINUTES = (5.0, 60.0), (0.5, 1.0)
"""Of the two conversations whose memory is compared; the second one's voices are."""


def run(folder: Path, configs: Sequence[Path], scratch: Path, quick: bool) -> str:
    """Both tables."""
    if not configs:
        raise ConfigError("--config: speakers --set needs one or more, configurations of task: speakers")
    pairs = read_set(folder, layout(("speaker_1", "speaker_2"), False))
    run_compare(CompareJob(tuple(configs), folder, scratch / "compared", quiet=True))
    lines = [json.loads(line) for line in (scratch / "compared" / RESULTS_NAME).read_text().splitlines()]
    long = [row for path in configs for row in _conversation(folder, pairs, path, scratch, quick)]
    return f"{clips(lines, pairs)}\n\n{table(['An hour', 'configuration', 'found', 'goal'], long)}"


def clips(lines: Sequence[dict[str, Any]], pairs: Sequence[SetPair]) -> str:
    """A row a goal, a column a method."""
    conditions = {pair.name: pair.condition for pair in pairs}
    methods = list(dict.fromkeys(line["method"] for line in lines))
    methods = [*(each for each in methods if each not in (UNPROCESSED, ORACLE)), UNPROCESSED, ORACLE]
    rows = []
    for condition, row, named, goal in GOALS:
        here = [line for line in lines if condition in ("", conditions[line["mix"]])]
        if here:
            mixes = len({line["mix"] for line in here})
            what = f"{condition.replace('_', ' ') or 'all'}, {mixes} mixes: {named}"
            rows.append([what, goal, *(_mean(here, method, row) for method in methods)])
    return table(["Clips", "goal", *methods], rows)


def _mean(lines: Sequence[dict[str, Any]], method: str, row: str) -> str:
    found = [_value(line, row) for line in lines if line["method"] == method]
    known = [value for value in found if value is not None]
    if not known:
        return "–"
    text = interval(known).text(3 if row == "compute" else 2)
    return text if len(known) > 1 else text.partition(" ")[0]


def _value(line: dict[str, Any], row: str) -> float | None:
    if row == "compute":
        return line["cpu_s"] and float(line["cpu_s"] / line["duration_s"])
    if row != LOUD:
        return line["metrics"][row]["after"]  # type: ignore[no-any-return]
    level_db = line["metrics"]["silent_level"]["after"]
    return None if level_db is None else 100.0 * (level_db > LOUDEST_DB)


def _conversation(
    folder: Path, pairs: Sequence[SetPair], path: Path, scratch: Path, quick: bool
) -> list[tuple[str, str, str, str]]:
    readers = next((pair for pair in pairs if pair.condition == TWO), None)
    if readers is None:
        raise ConfigError(f"--set: {shown(folder)} holds no mix of the condition '{TWO}', whose readers converse")
    mixes = []
    for minutes in QUICK_MINUTES if quick else MINUTES:
        truth = conversation(list(readers.truths.values()), Case(2, minutes, "2"), 0)
        mixes.append(scratch / f"{minutes:g}.wav")
        soundfile.write(mixes[-1], truth.sum(axis=0), RATE, subtype="FLOAT")
    peaks = [sepkit("speakers", mix, "-o", scratch / mix.stem, "--config", path).peak_mib for mix in mixes]
    files = [scratch / mixes[1].stem / f"{mixes[1].stem}__speaker_{number}.wav" for number in (1, 2)]
    stems = np.stack([soundfile.read(file, dtype="float32")[0] for file in files])
    wrong_s, speech_s = wrong(truth, list(stems))
    within, alone = gains_db(Pipeline(load_config(path)), truth, stems)
    said, name = f"{minutes:g} min of 2 readers", path.stem
    return [
        (f"{said}: speech on the wrong stem", name, f"{100 * wrong_s / speech_s:.2f} % of {speech_s:.0f} s", "≤ 1 %"),
        (f"{said}: SI-SDRi of {STRETCH_S} s of it", name, interval(within).text(2), "within 0.5 dB of"),
        ("the same alone", name, interval(alone).text(2), ""),
        (f"peak MiB, against {mixes[0].stem} min", name, f"{peaks[1]:.0f}, {growth_percent(*peaks):+.1f} %", "5 %"),
    ]


def gains_db(pipeline: Pipeline, truth: Voices, stems: Voices) -> tuple[list[float], list[float]]:
    """SI-SDRi of the stretches in which both voices speak most: as `stems` hold them, and parted by themselves."""
    size = STRETCH_S * RATE
    starts = range(0, truth.shape[1] - size + 1, size)
    both = {start: int((truth[:, start : start + size] != 0).all(axis=0).sum()) for start in starts}
    chosen = sorted((start for start in starts if both[start]), key=lambda start: -both[start])[:MOST_STRETCHES]
    order = list(likeness(_sound(truth.sum(axis=0)), _sounds(stems), _sounds(truth)).order())
    within, alone = [], []
    for start in chosen:
        here = truth[:, start : start + size]
        mix = _sound(here.sum(axis=0))
        parted = pipeline.run(mix)
        own = [parted.stems[f"speaker_{number}"] for number in (1, 2)]
        within.append(gain_db(mix, _sounds(stems[order, start : start + size]), _sounds(here), (0, 1)))
        alone.append(gain_db(mix, own, _sounds(here), None))
    return within, alone


def gain_db(mix: Audio, files: Sequence[Audio], truths: Sequence[Audio], order: tuple[int, ...] | None) -> float:
    """SI-SDRi, the mean of both voices. order: the file of each; None: the best."""
    found = likeness(mix, files, truths)
    before, after = likeness(mix, [mix, mix], truths).si_sdr_db(), found.si_sdr_db()
    order = order or found.order()
    return float(np.mean([after[voice, file] - before[voice, 0] for voice, file in enumerate(order)]))


def _sound(samples: NDArray[np.float32]) -> Audio:
    return Audio(np.ascontiguousarray(samples[None]), RATE)


def _sounds(voices: Voices) -> list[Audio]:
    return [_sound(voice) for voice in voices]
