"""Pairs to measure: stretches of the pilot, noise, and signals that are orthogonal; and one metric's rows."""

from pathlib import Path

import numpy as np
import soundfile

from sepkit.audio.samples import Audio
from sepkit.config.sections import MetricConfig
from sepkit.judge.evaluate import Evaluator
from sepkit.metrics.base import Pair, Score

PILOT = Path(__file__).parents[2] / "data" / "pilot"


def noise(frames: int, seed: int, channels: int = 1, sample_rate: int = 16_000) -> Audio:
    samples = 0.1 * np.random.default_rng(seed).standard_normal((channels, frames))
    return Audio(samples.astype(np.float32), sample_rate)


def pilot(name: str, start_s: float, end_s: float) -> Audio:
    samples, rate = soundfile.read(PILOT / name, dtype="float32", always_2d=True)
    return Audio(samples[round(start_s * rate) : round(end_s * rate)].T, rate)


def row(metric: str, pair: Pair, **options: object) -> Score:
    config = MetricConfig.model_validate({"metric": metric, "options": options})
    return Evaluator([config]).scores(pair)[0]


def scores(metric: str, pair: Pair) -> tuple[Score, ...]:
    return Evaluator([MetricConfig.model_validate({"metric": metric})]).scores(pair)


def orthogonal(frames: int, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Two signals of equal energy whose inner product is zero: cosine and sine over whole periods."""
    phase = 2 * np.pi * 50 * np.arange(frames) / frames
    return np.tile(np.cos(phase), (channels, 1)), np.tile(np.sin(phase), (channels, 1))
