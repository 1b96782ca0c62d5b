"""Spans in which nobody speaks, which no model needs to hear.

    source ─ blocks ─ each channel at 16 kHz ─ steps of 32 ms ─ speech probability, level ─ widen ─ spans

A step is silent where the level is low or speech is unlikely, in every channel. Spans between speech that are too short
to be worth it belong to the speech. What was skipped comes out as the source at a floor (`SilenceConfig`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.read import Source
from sepkit.audio.windows import Span, stretch_frames
from sepkit.config.sections import SilenceConfig
from sepkit.models import voice_activity
from sepkit.models.voice_activity import STEP_S

BLOCK_S = 125 * STEP_S
"""Whole steps, and a whole number of frames at every whole rate."""
MOST_BLOCKS = 8
"""Read at a time."""
LEAST_S = 2.0
"""A shorter span costs more in windows than it saves, whatever the members."""


def spans(source: Source, config: SilenceConfig, context_s: float) -> list[Span]:
    """The source from end to end as spans to be rendered and spans to be skipped, in turn.

    context_s: the members' reach; a silence within it would be heard by them all the same.
    """
    spoken = widened(_spoken(source, config), math.ceil(config.keep_s / STEP_S))
    edges = np.flatnonzero(np.diff(spoken.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    rate, frames = source.info.sample_rate, source.info.frames
    found: list[Span] = []
    for first, last in edges:
        start, stop = int(first * STEP_S * rate), min(frames, math.ceil(last * STEP_S * rate))
        begin = found[-1].stop if found else 0
        if start - begin <= max(LEAST_S, context_s if found else 0) * rate:
            found[-1:] = [Span(found[-1].start if found else 0, stop, active=True)]
        else:
            found += [Span(begin, start, active=False), Span(start, stop, active=True)]
    end = found[-1].stop if found else 0
    if frames - end > LEAST_S * rate or not found:
        return [*found, Span(end, frames, active=False)]
    return [*found[:-1], found[-1]._replace(stop=frames)]


def _spoken(source: Source, config: SilenceConfig) -> NDArray[np.bool_]:
    """Whether each step of 32 ms may hold speech, in any channel: (steps,)."""
    detectors = [voice_activity.Detector() for _ in range(source.info.channels)]
    blocks = []
    for block in heard_steps(source):
        spoken = np.zeros(block.shape[1], np.bool_)
        for steps, detector in zip(block, detectors, strict=True):
            level_db = 10 * np.log10(np.mean(steps**2, axis=1) + 1e-20)
            likely = detector.hear(steps) >= config.speech_probability
            spoken |= likely & (level_db >= config.quieter_than_dbfs)
        blocks.append(spoken)
    return np.concatenate(blocks)


def heard_steps(source: Source) -> Iterator[NDArray[np.float32]]:
    """The source at 16 kHz, (channels, steps, `STEP_FRAMES`); the last step is filled with zeros."""
    rate = source.info.sample_rate
    held_frames = stretch_frames(MOST_BLOCKS * BLOCK_S, rate, source.info.channels)
    block_frames = max(1, int(held_frames / (BLOCK_S * rate))) * round(BLOCK_S * rate)
    for start in range(0, source.info.frames, block_frames):
        block = source.read(start, min(block_frames, source.info.frames - start))
        yield voice_activity.in_steps(block, rate)


def widened(spoken: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """True within `steps` of where it was."""
    from scipy.ndimage import binary_dilation

    return np.asarray(binary_dilation(spoken, iterations=steps) if steps else spoken, np.bool_)
