"""Singing taken out or kept, as it is asked for: `python -m scripts.bench sung --set SET`.

Of the set's mixes of speech s and singing v, and of music m of other mixes at the same level as s + v:

    asked for         wanted     heard
    sung: background  s          s + v          s + v + m
    sung: speech      s + v      s + v          s + v + m
    sung: speech      v          v              v + m

Where nothing is to be taken out, the figure is the SI-SDR of what is kept; elsewhere the improvement of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scripts.bench.measuring import table
from scripts.bench.quality import read_set
from scripts.bench.quality_methods import member
from scripts.bench.quality_scores import Truth
from sepkit.audio.samples import Audio, Samples
from sepkit.compare.statistics import interval
from sepkit.errors import ConfigError
from sepkit.metrics.si_sdr import si_sdr_db


class Case(NamedTuple):
    """What is asked for; its name, and (1, frames) that are wanted and that are not."""

    sung: str
    name: str
    wanted: Samples
    other: Samples


def run(folder: Path) -> str:
    """The table."""
    truths = read_set(folder)
    singing = [truth for truth in truths if truth.condition == "singing"]
    music = [truth for truth in truths if truth.condition == "music"]
    if not singing or not music:
        raise ConfigError(f"--set: {folder / 'manifest.csv'} has no singing or no music; make a set with both")
    methods = {
        sung: member("deepfilternet", singing[0].mix.sample_rate, sung=sung) for sung in ("background", "speech")
    }
    found: dict[tuple[str, str], list[float]] = {}
    for truth, other in zip(singing, cycle(music)):
        for case in cases(truth, other.background.samples):
            mix = Audio(case.wanted + case.other, truth.mix.sample_rate)
            speech = Audio(case.wanted, mix.sample_rate)
            answer = methods[case.sung](truth._replace(mix=mix, speech=speech))
            score = si_sdr_db(speech, Audio(answer.estimate, mix.sample_rate))
            before = si_sdr_db(speech, mix) if case.other.any() else 0.0
            found.setdefault((case.sung, case.name), []).append(score - before)
    rows = [(f"`sung: {sung}`", name, interval(scores).text(1)) for (sung, name), scores in found.items()]
    return table(["Asked for", "heard → wanted", f"SI-SDR, dB, over {len(singing)} mixes"], rows)


def cases(truth: Truth, music: Samples) -> Iterator[Case]:
    """What is measured on a mix of speech and singing, with music of another."""
    s, v = truth.speech.samples, truth.background.samples
    nothing = np.zeros_like(s)
    m = np.resize(music, s.shape)

    def beside(voice: Samples) -> Samples:
        level = np.sqrt(np.sum(voice**2) / max(float(np.sum(m**2)), 1e-12))
        return np.asarray(m * level, np.float32)

    yield Case("background", "s + v → s, improvement", s, v)
    yield Case("background", "s + v + m → s, improvement", s, v + beside(s + v))
    yield Case("speech", "s + v → s + v, kept", s + v, nothing)
    yield Case("speech", "s + v + m → s + v, improvement", s + v, beside(s + v))
    yield Case("speech", "v → v, kept", v, nothing)
    yield Case("speech", "v + m → v, improvement", v, beside(v))
