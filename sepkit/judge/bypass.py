"""Whether a recording has any background at all; one that has none is best left as it is.

    mix, the members' fused estimate ─┬ what the members take away ─────────────┐
                                      └ the pauses: level beside the speech, tones ┴ voice only ─ source untouched

Place: after the first rendering of a file, where `bypass_clean` is true. Source: ours; the spans of speech are Silero
VAD's (`voice_activity`), found on the fused estimate, which hears less of the background than the mix does.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.read import AS_IT_IS, Source, open_source
from sepkit.audio.windows import blocks
from sepkit.audio.write import writer
from sepkit.config.sections import OutputConfig, SourceConfig
from sepkit.models import voice_activity
from sepkit.models.weights import WeightFile
from sepkit.render import silence
from sepkit.render.result import Outputs

SPOKEN_PROBABILITY = 0.5
"""As Silero's own spans and the metric `music_residual`."""
AROUND_SPEECH_STEPS = 4
"""128 ms before and after speech are no pause: onsets, and the room's answer."""
LEAST_PAUSE_STEPS = 6
"""About 0.2 s of pause; less says nothing about a background."""
TONE_STEPS = 2
"""64 ms are looked at together for tones."""
TONE_HZ = (100, 6_000)
AROUND_TONE_HZ = 240
TONES = 5
"""A tone is a bin above the median of its surroundings; this many, the strongest, count."""
MOST_TAKEN_DB = -18.0
"""With music 10 dB below clean speech the pilot's members take more than this, whatever the recording."""
MOST_TAKEN_WITHOUT_PAUSE_DB = -28.0
"""Where no pause tells. With music 20 dB below, the members take at least −26 dB from any of the same recordings."""
SILENT_PAUSE_DB = -35.0
"""Pauses that are quieter hold nothing, whatever it sounds like."""
LOUDEST_PAUSE_DB = -24.0
"""Up to here it is a room, if it sounds like noise. `python -m scripts.bench bypass` counts what passes."""
MOST_TONAL_DB = 11.7
"""Noise has 9 dB, the rooms of LibriSpeech 11 in the median; music that is heard in the pauses mostly has more."""


class Evidence(NamedTuple):
    """taken_db: energy of the mix without the best multiple of the fused estimate, over the mix's.

    spoken: whether anybody speaks. pause_db: mean power of the mix where nobody speaks over that where someone does;
    None where there is too little of either. tonal_db: how far tones stand out of the pauses, 9 dB for noise.
    """

    taken_db: float
    spoken: bool
    pause_db: float | None
    tonal_db: float = math.inf


def evidence(mix: Path, fused: Path, how: SourceConfig = AS_IT_IS) -> Evidence:
    """Measure a file, read as `how` says, and its members' fused estimate, in bounded memory."""
    with open_source(mix, how) as whole, open_source(fused) as estimate:
        return Evidence(_taken_db(whole, estimate), *_pauses(whole, estimate))


def _taken_db(mix: Source, fused: Source) -> float:
    """10·log10( Σ(x − α·v)² / Σx² ) with α = Σx·v / Σv², by sums: Σx² − (Σx·v)² / Σv²."""
    xx = xv = vv = 0.0
    for start, frames in blocks(mix.info.frames, mix.info.sample_rate, mix.info.channels):
        x, v = (source.read(start, frames).astype(np.float64) for source in (mix, fused))
        xx, xv, vv = xx + float(np.sum(x * x)), xv + float(np.sum(x * v)), vv + float(np.sum(v * v))
    if xx == 0 or vv == 0:
        return 0.0
    return 10 * math.log10(max(1 - xv * xv / (xx * vv), 1e-12))


def _pauses(mix: Source, fused: Source) -> tuple[bool, float | None, float]:
    """Whether anybody speaks; of the other steps, mean power over all channels beside that of the speech, and tones."""
    detector = voice_activity.Detector()
    powers, spoken = [], []
    for heard, cleaned in zip(silence.heard_steps(mix), silence.heard_steps(fused), strict=True):
        powers.append(np.square(heard).mean(axis=(0, 2), dtype=np.float64))
        spoken.append(detector.hear(cleaned.mean(axis=0)) >= SPOKEN_PROBABILITY)
    power, speech = np.concatenate(powers), np.concatenate(spoken)
    pause = ~silence.widened(speech, AROUND_SPEECH_STEPS)
    if not speech.any() or pause.sum() < LEAST_PAUSE_STEPS or power[speech].sum() == 0:
        return bool(speech.any()), None, math.inf
    return True, 10 * math.log10(max(power[pause].mean() / power[speech].mean(), 1e-12)), _tonal_db(mix, pause)


def _tonal_db(mix: Source, pause: NDArray[np.bool_]) -> float:
    """Mean over the pauses of how far, in dB, the strongest bins of a spectrum lie above their surroundings."""
    from scipy.ndimage import median_filter

    found, seen = [], 0
    for heard in silence.heard_steps(mix):
        steps = heard.mean(axis=0)
        quiet, seen = pause[seen : seen + len(steps)], seen + len(steps)
        starts = [i for i in range(len(steps) - TONE_STEPS + 1) if quiet[i : i + TONE_STEPS].all()]
        if not starts:
            continue
        frames = np.stack([steps[i : i + TONE_STEPS].reshape(-1) for i in starts])
        bin_hz = voice_activity.SAMPLE_RATE / frames.shape[1]
        low, high = (round(hertz / bin_hz) for hertz in TONE_HZ)
        power = np.square(np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]))))[:, low:high]
        levels = 10 * np.log10(power + np.finfo(np.float64).tiny)
        around = median_filter(levels, (1, 2 * round(AROUND_TONE_HZ / bin_hz) + 1))
        found.append(np.sort(levels - around, axis=1)[:, -TONES:].mean(axis=1))
    return float(np.concatenate(found).mean()) if found else math.inf


def is_voice_only(found: Evidence) -> bool:
    """The members take next to nothing away, and the pauses are silent, or are quiet and sound like a room."""
    if not found.spoken or found.taken_db > MOST_TAKEN_DB:
        return False
    if found.pause_db is None:
        return found.taken_db <= MOST_TAKEN_WITHOUT_PAUSE_DB
    return found.pause_db <= SILENT_PAUSE_DB or is_room(found)


def is_room(found: Evidence) -> bool:
    """Whether the pauses are quiet and without tones."""
    return found.pause_db is not None and found.pause_db <= LOUDEST_PAUSE_DB and found.tonal_db <= MOST_TONAL_DB


def pass_through(
    source: Path, outputs: Outputs, main: str, output: OutputConfig, how: SourceConfig = AS_IT_IS
) -> tuple[str, ...]:
    """The source's own samples as the stem `main`, in the output's format; digital silence as every other stem.

    Returns what is to be known of them.
    """
    with open_source(source, how) as opened, ExitStack() as stack:
        form = opened.info, output.format, output.bit_depth
        writers = {name: stack.enter_context(writer(path, *form, name)) for name, path in outputs.items()}
        for start, frames in blocks(opened.info.frames, opened.info.sample_rate, opened.info.channels):
            block = opened.read(start, frames)
            for name, each in writers.items():
                each.write(block if name == main else np.zeros_like(block))
    return tuple(dict.fromkeys(note for each in writers.values() for note in each.notes))


def weights() -> tuple[WeightFile, ...]:
    """The detector of speech."""
    return (voice_activity.weight_file(),)
