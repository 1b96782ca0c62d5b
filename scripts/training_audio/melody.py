"""The melody of a song: a random walk on a scale, and the pitch of a voice that sings it.

Place: below `singing`, which makes the walk meet the vowels. Pitches are MIDI's numbers; a frame is WORLD's, 5 ms.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

FRAME_S = 0.005
"""WORLD's; "frame" below is one of these. Widths of the smoothing filters are in frames."""
FAINT = 1e-12

A4, A4_HZ, OCTAVE = 69, 440, 12
SCALES = tuple(
    tuple(map(int, steps.split()))
    for steps in (
        *("0 2 4 5 7 9 11", "0 2 3 5 7 8 10", "0 2 4 7 9", "0 3 5 7 10"),
        *("0 2 3 5 7 9 10", "0 2 4 5 7 9 10", "0 3 5 6 7 10", "0 2 3 5 7 8 11"),
    )
)
"""Semitones over the tonic."""
ABOVE_SPEAKING = 0, 7
"""Semitones of the melody's centre over the speaking voice."""
TONIC, LOWEST, HIGHEST = (-4, 4), -6, 8
"""Semitones about the centre."""
BEAT_S, BEATS, NOTE_S = (0.3, 1.0), (0.5, 0.5, 1, 1, 1, 1.5, 2), (0.2, 1.2)
MOVES = -3, -2, -1, -1, -1, 0, 1, 1, 1, 2, 3, 4, -4
ONSET_BEFORE, ONSET_AFTER = 16, 30
"""Frames in which a change of note moves to a vowel's onset."""
GLIDE_S = 0.02, 0.06
VIBRATO_HZ, VIBRATO_CENTS, VIBRATO_FROM_S = (4.5, 6.5), (20, 60), (0.35, 0.2, 0.25)
"""Vibrato sets in on notes longer than the first, after the second, and is full after the third more."""
WOBBLE_RADIANS, DRIFT_SEMITONES = 0.4, 0.08

Frames = NDArray[np.float64]
"""A value, or a row of them, a frame."""
Generator = np.random.Generator


def smooth(values: NDArray[Any], width: float) -> Frames:
    """Smoothed by a Gaussian, `width` frames of standard deviation."""
    return np.asarray(gaussian_filter1d(values.astype(np.float64), width))


def melody(rng: Generator, centre: float, vowel: NDArray[np.bool_]) -> tuple[Frames, NDArray[np.int_]]:
    """A random walk on a scale: the scale's pitches in MIDI's numbers, and which of them sounds in each frame."""
    scale = SCALES[rng.integers(len(SCALES))]
    tonic = centre + rng.uniform(*TONIC)
    ladder = np.array([tonic + OCTAVE * octave + step for octave in range(-2, 3) for step in scale])
    low, high = np.searchsorted(ladder, centre + LOWEST), np.searchsorted(ladder, centre + HIGHEST) - 1
    beat_s = rng.uniform(*BEAT_S)
    at, position = int(rng.integers(low, high + 1)), 0
    steps = np.zeros(vowel.size, int)
    while position < vowel.size:
        end = position + int(np.clip(beat_s * rng.choice(BEATS), *NOTE_S) / FRAME_S)
        onset = np.flatnonzero(np.diff(vowel[end - ONSET_BEFORE : end + ONSET_AFTER].astype(int)) > 0)
        if onset.size:
            end += int(onset[0]) - ONSET_BEFORE
        steps[position:end] = at
        position = end
        move = int(rng.choice(MOVES))
        at = at + move if low <= at + move <= high else int(np.clip(at - move, low, high))
    return ladder, steps


def sung_pitch(rng: Generator, ladder: Frames, steps: NDArray[np.int_], shift: int) -> Frames:
    """Hz of a voice that sings `shift` steps of the scale beside the melody, with glides, vibrato and drift."""
    frames = steps.size
    pitch = smooth(ladder[np.clip(steps + shift, 0, ladder.size - 1)], rng.uniform(*GLIDE_S) / FRAME_S)
    rate_hz, depth = rng.uniform(*VIBRATO_HZ), rng.uniform(*VIBRATO_CENTS) / 100
    wobble = smooth(rng.standard_normal(frames), 40)
    wobble *= WOBBLE_RADIANS / (wobble.std() + FAINT)
    phase = 2 * np.pi * rate_hz * np.arange(frames) * FRAME_S + wobble + rng.uniform(0, 2 * np.pi)
    grown = np.zeros(frames)
    least_s, after_s, rise_s = VIBRATO_FROM_S
    for start, stop in pairwise([0, *np.flatnonzero(np.diff(steps)) + 1, frames]):
        if (stop - start) * FRAME_S > least_s:
            grown[start:stop] = np.clip((np.arange(stop - start) * FRAME_S - after_s) / rise_s, 0, 1)
    drift = smooth(rng.standard_normal(frames), 30)
    drift *= DRIFT_SEMITONES / (drift.std() + FAINT)
    sung = pitch + depth * np.sin(phase) * smooth(grown, 8) + drift
    return np.asarray(A4_HZ * 2 ** ((sung - A4) / OCTAVE))
