"""The order of voices over hours: `python -m scripts.bench speakers --speech DIR [--quick]`.

DIR holds a file a speaker. Conversations are made of them, with turns of 1 s to 14 s, a third of which overlap, and
pauses of 30 s, and rendered with the member of `scripts.bench.oracle`, which gives the true voices in a random order in
each window, 28 dB of each in the other. A row says how much of the speech lies on another stem than its person's, in
tenths of a second, and what the order costs.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

import sepkit.separators
from scripts.bench.measuring import table
from scripts.bench.readers import RATE, aloud, files
from sepkit.config import parse_config
from sepkit.errors import ConfigError
from sepkit.render.pipeline import Pipeline

TENTH = RATE // 10
TURNS_S = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0)
GAPS_S = (-1.5, -0.5, -0.2, 0.3, 0.5, 1.0, 2.0, 4.0, 30.0)
LEAST_POWER = 1e-6
"""Of a tenth of a second in which somebody speaks."""


class Case(NamedTuple):
    """A conversation: so many people, minutes, and what is asked for."""

    people: int
    minutes: float
    asked: str


CASES = (Case(2, 60, "2"), Case(1, 10, "2"), Case(5, 10, "auto"), Case(1, 10, "auto"))
SEEDS = range(2)


def run(folder: Path, scratch: Path, quick: bool) -> str:
    """The table."""
    oracle = str(Path(__file__).with_name("oracle"))
    if oracle not in sepkit.separators.__path__:
        sepkit.separators.__path__.append(oracle)
    paths = files(folder)
    if len(paths) < max(case.people for case in CASES):
        raise ConfigError(f"--speech: {folder} holds {len(paths)} files; give a file a speaker, 5 or more")
    rows = []
    for case in CASES:
        case = case._replace(minutes=1.0) if quick else case
        for seed in SEEDS:
            truth = conversation(paths, case, seed)
            wrong_s, speech_s, stems, cost = rendered(truth, case, seed, scratch)
            said = f"{case.people} people, --speakers {case.asked}", f"{case.minutes:g}", f"{speech_s:.0f}"
            rows.append((*said, f"{wrong_s:.1f} s ({100 * wrong_s / speech_s:.2f} %)", str(stems), f"{cost:.4f}"))
    return table(["Conversation", "min", "speech, s", "on a wrong stem", "stems that sound", "CPU-s/s"], rows)


def conversation(paths: list[Path], case: Case, seed: int) -> NDArray[np.float32]:
    """The true voices, (people, frames)."""
    chance = random.Random(seed)
    speech = [aloud(path) for path in chance.sample(paths, case.people)]
    truth = np.zeros((case.people, round(60 * case.minutes * RATE)), np.float32)
    said, at_s, turn = [0] * case.people, 0.5, 0
    while True:
        person = chance.randrange(case.people) if chance.random() < 0.3 else turn % case.people
        turn += 1
        start, frames = round(at_s * RATE), round(chance.choice(TURNS_S) * RATE)
        if start + frames >= truth.shape[1]:
            return truth
        if truth[person, start : start + frames].any():
            at_s += 1
            continue
        place = range(said[person], said[person] + frames)
        fade = np.minimum(1, np.arange(frames) / 160)
        truth[person, start : start + frames] = np.take(speech[person], place, mode="wrap") * fade * fade[::-1]
        said[person] += frames
        at_s = max(0.5, at_s + frames / RATE + chance.choice(GAPS_S))


def rendered(truth: NDArray[np.float32], case: Case, seed: int, scratch: Path) -> tuple[float, float, int, float]:
    """Seconds on a wrong stem, of speech in all; how many stems sound; CPU-seconds a second of sound."""
    paths = [scratch / f"truth_{person}.wav" for person in range(case.people)]
    for path, voice in zip(paths, truth, strict=True):
        soundfile.write(path, voice, RATE, subtype="FLOAT")
    mix = scratch / "mix.wav"
    soundfile.write(mix, truth.sum(axis=0), RATE, subtype="FLOAT")
    options = f"{{truth: [{', '.join(map(str, paths))}], leak_db: -28}}"
    text = f"members: [{{separator: oracle_voices, options: {options}}}]\nwindows: {{body_s: 7.5}}\nseed: {seed}\n"
    pipeline = Pipeline(parse_config(f"task: speakers\nspeakers: {{count: {case.asked}}}\n{text}"))
    pipeline.load()
    outputs = pipeline.outputs(mix, scratch / "out")
    for path in outputs.values():
        path.unlink(missing_ok=True)
    begin_s = time.process_time()
    pipeline.render(mix, outputs)
    cost = (time.process_time() - begin_s) / (60 * case.minutes)
    sounds = [path for path in outputs.values() if path.suffix == ".wav" and path.exists()]
    stems = [soundfile.read(path, dtype="float32")[0] for path in sounds]
    wrong_s, speech_s = wrong(truth, stems)
    return wrong_s, speech_s, sum(1 for stem in stems if np.abs(stem).max() > LEAST_POWER), cost


def wrong(truth: NDArray[np.float32], stems: list[NDArray[np.float32]]) -> tuple[float, float]:
    """Seconds of speech that lie on another stem than their person's, and of speech in all."""
    tenths = truth.shape[1] // TENTH
    voices = truth[:, : tenths * TENTH].reshape(len(truth), tenths, TENTH)
    loud = np.square(voices).mean(axis=2) > LEAST_POWER
    heard = [np.einsum("pts,ts->pt", voices, stem[: tenths * TENTH].reshape(tenths, TENTH)) for stem in stems]
    where = np.stack(heard).argmax(axis=0)
    places = [loud & (where == stem) for stem in range(len(stems))]
    held = np.stack([place.sum(axis=1) for place in places], axis=1)
    right = held[linear_sum_assignment(held, maximize=True)].sum()
    return float(loud.sum() - right) / 10, float(loud.sum()) / 10
