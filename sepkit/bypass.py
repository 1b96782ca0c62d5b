"""Whether a recording has any background at all; one that has none is best left as it is.

    mix, the members' fused estimate ─┬ what the members take away ─┐
                                      └ the pauses beside the speech ┴ both low: voice only ─ source untouched

Place: after the first rendering of a file, where `bypass_clean` is true. Source: ours; the spans of speech are Silero
VAD's (`voice_activity`), found on the fused estimate, which hears less of the background than the mix does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sepkit import silence, voice_activity
from sepkit.audio_io import Source, SourceInfo, open_source
from sepkit.audio_write import AudioWriter, output_format
from sepkit.config import OutputConfig
from sepkit.pipeline import Outputs
from sepkit.weights import WeightFile

BLOCK_S = 10.0
"""Read at a time."""
SPOKEN_PROBABILITY = 0.5
"""As Silero's own spans and the metric `music_residual`."""
AROUND_SPEECH_STEPS = 4
"""128 ms before and after speech are no pause: onsets, and the room's answer."""
LEAST_PAUSE_STEPS = 6
"""About 0.2 s of pause; less says nothing about a background."""
MOST_TAKEN_DB = -20.0
"""Of clean LibriSpeech (CC BY 4.0, 40 recordings of up to 8 s) the pilot's members take less than this from 32; of
speech with music 10 dB below it, from none. `python -m scripts.bench bypass` counts anew."""
LOUDEST_PAUSE_DB = -35.0
"""With music 30, 20 and 10 dB below the same recordings the quietest pauses of any lie at −32, −26 and −16 dB, so that
none of 120 mixes passes. Of the clean ones 10 of 40 pass: 29 have a room that is louder than this in their pauses, or
no pause, and are not voice only; synthetic voices, whose pauses are digital silence, pass. The bound was set on 26
recordings, some of them among these; of 40 that are not, 12 pass, and none of their 120 mixes."""


class Evidence(NamedTuple):
    """taken_db: energy of the mix without the best multiple of the fused estimate, over the mix's.

    pause_db: mean power of the mix where nobody speaks over that where someone does; None where there is too little
    of either.
    """

    taken_db: float
    pause_db: float | None


def evidence(mix: Path, fused: Path) -> Evidence:
    """Measure a file and its members' fused estimate, in bounded memory."""
    with ExitStack() as stack:
        opened = [stack.enter_context(open_source(path)) for path in (mix, fused)]
        return Evidence(_taken_db(*opened), _pause_db(*opened))


def _taken_db(mix: Source, fused: Source) -> float:
    """10·log10( Σ(x − α·v)² / Σx² ) with α = Σx·v / Σv², by sums: Σx² − (Σx·v)² / Σv²."""
    xx = xv = vv = 0.0
    for start, frames in _blocks(mix.info):
        x, v = (source.read(start, frames).astype(np.float64) for source in (mix, fused))
        xx, xv, vv = xx + float(np.sum(x * x)), xv + float(np.sum(x * v)), vv + float(np.sum(v * v))
    if xx == 0 or vv == 0:
        return 0.0
    return 10 * math.log10(max(1 - xv * xv / (xx * vv), 1e-12))


def _pause_db(mix: Source, fused: Source) -> float | None:
    """Mean power over all channels of the steps without speech over that of the steps with it."""
    detector = voice_activity.load()
    powers, spoken = [], []
    for heard, cleaned in zip(silence.heard_steps(mix), silence.heard_steps(fused), strict=True):
        powers.append(np.square(heard).mean(axis=(0, 2), dtype=np.float64))
        spoken.append(voice_activity.probabilities(detector, cleaned.mean(axis=0)) >= SPOKEN_PROBABILITY)
    power, speech = np.concatenate(powers), np.concatenate(spoken)
    pause = ~silence.widened(speech, AROUND_SPEECH_STEPS)
    if not speech.any() or pause.sum() < LEAST_PAUSE_STEPS or power[speech].sum() == 0:
        return None
    return 10 * math.log10(max(power[pause].mean() / power[speech].mean(), 1e-12))


def is_voice_only(found: Evidence) -> bool:
    """Both must hold: the members take next to nothing away, and in the pauses there is next to nothing."""
    return found.taken_db <= MOST_TAKEN_DB and found.pause_db is not None and found.pause_db <= LOUDEST_PAUSE_DB


def pass_through(source: Path, outputs: Outputs, output: OutputConfig) -> None:
    """The source's own samples as the speech, in the output's format; digital silence as the background."""
    with open_source(source) as opened, ExitStack() as stack:
        info = opened.info
        _, container, subtype = output_format(info, output.format, output.bit_depth)
        form = info.sample_rate, info.channels, container, subtype, info.tags, info.frames
        writers = [stack.enter_context(AudioWriter(path, *form)) for path in outputs[:2] if path]
        for start, frames in _blocks(info):
            block = opened.read(start, frames)
            for writer, written in zip(writers, (block, np.zeros_like(block)), strict=False):
                writer.write(written)


def weights() -> tuple[WeightFile, ...]:
    """The detector of speech."""
    return (voice_activity.weight_file(),)


def _blocks(info: SourceInfo) -> Iterator[tuple[int, int]]:
    """(start, frames) of the blocks that are read."""
    step = round(BLOCK_S * info.sample_rate)
    for start in range(0, info.frames, step):
        yield start, min(step, info.frames - start)
