"""How near a source of any length comes to words, second by second.

    source ─ windows of 10 s ─ mean of the channels ─ around each second 2 s ─ CLAP ─ cosine to each of the words

A *step* is a second. It is heard with half a second on both sides, as much of them as the source has: so a sound is
placed to about a second, though CLAP learned from clips of 10 s, which `Clap.of_sound` fills with repeats. As CLAP has
no silence, a silent step is like nothing: 0. Place: a listener of `sepkit.models.events`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.read import Source
from sepkit.audio.samples import Samples
from sepkit.audio.windows import Span, cut, read_mean, stretch_frames
from sepkit.models.clap.towers import Clap
from sepkit.models.events import SILENT_POWER, Heard, Listener

STEP_S = 1
AROUND_S = 0.5
BODY_S = 10.0


def listener(clap: Clap, words: Sequence[str]) -> Listener:
    """Of these words, each of which stands for a sound. Words that CLAP cannot read are a ConfigError."""
    asked = np.stack([clap.of_words(each) for each in words])
    return Listener(tuple(words), STEP_S, functools.partial(hear, clap, asked))


def hear(clap: Clap, asked: NDArray[np.float32], source: Source, span: tuple[int, int]) -> Iterator[Heard]:
    """Step by step the cosines to `asked`, (words, numbers), of the steps that overlap these frames (start, stop)."""
    rate, frames = source.info.sample_rate, source.info.frames
    step_frames, around_frames = STEP_S * rate, round(AROUND_S * rate)
    start, stop = span
    whole = Span(start // step_frames * step_frames, min(-(-stop // step_frames) * step_frames, frames))
    body_frames = stretch_frames(BODY_S, rate, source.info.channels)
    for window in cut(frames, body_frames, around_frames, step_frames, 0, whole):
        mean = read_mean(source, window.start, window.stop)
        for first in range(window.body_start, window.body_stop, step_frames):
            here = first - window.start
            around = mean[:, max(0, here - around_frames) : here + step_frames + around_frames]
            step = mean[:, here : here + step_frames]
            yield Heard(first // step_frames, _cosines(clap, asked, step, around, rate)[np.newaxis])


def _cosines(
    clap: Clap, asked: NDArray[np.float32], step: Samples, around: Samples, sample_rate: int
) -> NDArray[np.float32]:
    """(words,), of a step that is heard with what is around it."""
    if np.square(step, dtype=np.float64).mean() < SILENT_POWER:
        return np.zeros(len(asked), np.float32)
    return asked @ clap.of_sound(around, sample_rate)
