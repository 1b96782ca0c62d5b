"""How much is heard while nobody speaks: energy without speech over energy with speech, in dB.

    residual = 10·log10( Σ_{t ∉ speech} |x|² / Σ_{t ∈ speech} |x|² )

over all channels; also called masked music-to-speech. The spans of speech are found once, on the reference
or, where there is none, on the mix, and are the same for both files. As both sums grow with the lengths of
their spans, the value compares before with after, not one recording with another. Source of the spans: Silero
VAD (`voice_activity`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sepkit import config
from sepkit.audio.resample import converted_frames
from sepkit.audio.samples import Audio, Samples
from sepkit.metrics.base import (
    REFERENCE_NAMES,
    BaseMetric,
    Pair,
    Score,
    energy,
    measured,
    not_measured,
    ratio_db,
)
from sepkit.models import voice_activity
from sepkit.models.device import keeping_threads
from sepkit.models.voice_activity import SAMPLE_RATE
from sepkit.models.weights import WeightFile


class Options(config.Options):
    """threshold: the speech probability from which a stretch counts as speech. min_silence_ms: shorter pauses
    are speech. pad_ms: what is added to both ends of every span.
    """

    threshold: float = Field(0.5, gt=0, lt=1)
    min_silence_ms: int = Field(100, ge=0, le=10_000)
    pad_ms: int = Field(30, ge=0, le=1000)


def catalogue() -> tuple[WeightFile, ...]:
    """The detector, which comes inside its package."""
    return (voice_activity.weight_file(),)


class Metric(BaseMetric):
    """The residual of mix and of clean."""

    about = "How loud it is where nobody speaks, against where somebody does. Lower is cleaner."

    of_speech = True
    options: Options

    def weights(self) -> tuple[WeightFile, ...]:
        """The speech detector."""
        return catalogue()

    def rows(self) -> tuple[Score, ...]:
        """One row."""
        return (Score("music_residual", "Music residual", "dB", "lower"),)

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """With one set of spans for both files."""
        (row,) = self.rows()
        where = "the mix" if pair.reference is None else REFERENCE_NAMES[pair.reference_kind]
        speech = self.speech(pair.mix if pair.reference is None else pair.reference)
        if not speech.any():
            return (not_measured(row, f"no speech was found in {where}"),)
        if speech.all():
            return (not_measured(row, f"no span without speech was found in {where}"),)
        before, after = residual_db(pair.mix.samples, speech), residual_db(pair.clean.samples, speech)
        row = replace(row, basis="independent" if pair.reference is None else pair.reference_kind)
        return (measured(row, before, after, note=f"spans of speech found in {where}"),)

    def speech(self, audio: Audio) -> NDArray[np.bool_]:
        """True where someone speaks, shape (frames,)."""
        with keeping_threads():  # importing silero_vad sets it to one
            from silero_vad import get_speech_timestamps_from_probs

        (steps,) = voice_activity.in_steps(audio.mono(), audio.sample_rate)
        spans = get_speech_timestamps_from_probs(
            voice_activity.Detector().hear(steps),
            threshold=self.options.threshold,
            sampling_rate=SAMPLE_RATE,
            min_silence_duration_ms=self.options.min_silence_ms,
            speech_pad_ms=self.options.pad_ms,
            audio_length_samples=converted_frames(audio.frames, audio.sample_rate, SAMPLE_RATE),
        )
        speech = np.zeros(audio.frames, dtype=np.bool_)
        for span in spans:
            start, end = (span[edge] * audio.sample_rate // SAMPLE_RATE for edge in ("start", "end"))
            speech[start:end] = True
        return speech


def residual_db(samples: Samples, speech: NDArray[np.bool_]) -> float:
    """The equation above; samples (channels, frames), speech (frames,)."""
    return ratio_db(energy(samples[:, ~speech]), energy(samples[:, speech]))
