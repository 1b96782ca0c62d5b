"""Singing out of read speech: a melody in place of the voice's pitch, vowels drawn out, one voice or several.

    python -m scripts.training_audio.singing --data DIR --out OUT [--leave-out config/train/speech.yaml]

    DIR/speech/… ─ WORLD ─ stretch vowels ─ melody on a scale ─ WORLD back ─ room ─ OUT/singing/synthetic/…__v<k>.flac

No real songs: the melodies are random walks. Whoever a training run sets aside for validation is not sung, and a song
keeps its speaker's group. DIR is a folder to train on, so it must hold backgrounds, too: make music first. Seeded by
group and k. Source of WORLD: Morise, Yokomori, Ozawa 2016 (BSD-3-Clause), through
https://github.com/JeremyCCHsu/Python-Wrapper-for-World-Vocoder (MIT).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, fftconvolve, sosfiltfilt
from tqdm import tqdm

from scripts.training_audio import store
from scripts.training_audio.melody import (
    A4,
    A4_HZ,
    ABOVE_SPEAKING,
    FAINT,
    FRAME_S,
    OCTAVE,
    Frames,
    Generator,
    melody,
    smooth,
    sung_pitch,
)
from scripts.training_audio.store import Origin, Signal, UnusableError
from sepkit.audio import resample
from sepkit.audio.read import probe, read_audio
from sepkit.errors import SepkitError, SourceError
from sepkit.training.config import load_train_config
from sepkit.training.corpus import SAMPLE_RATE, Recording, find, split

SYNTHETIC = "synthetic"
"""The source of what these generators make; synthetic speech is not sung."""
NO_NAME = r"[^\w.-]+"
"""What of a group's name does not go into a file's."""
SHORTEST_S, LONGEST_S = 5.0, 30.0
HOP = round(SAMPLE_RATE * FRAME_S)
PITCH_FLOOR_HZ, PITCH_CEILING_HZ = 65, 500
LEAST_VOICED = 20
"""Frames; with fewer, there is nothing to sing."""
LOW_HZ, LOW_PART, LOUD_PART = 1000, 0.6, 0.03
"""Voiced, too, is what has this part of its power under LOW_HZ, and this part of the voiced frames' usual power."""
VOWEL_NOISE = 0.5
"""A vowel's aperiodicity in the lowest quarter of the spectrum lies below this."""
STRETCH = 1.3, 3.0

LINE_UPS = {"solo": 0.5, "doubled": 0.17, "harmony": 0.2, "choir": 0.13}
FORMANTS, CHANGED_FORMANTS = (0.85, 1.2), 0.6
"""Factor on the size of the voice, and how often it changes."""
BREATH = 0.7, 1.0
"""Factor on the aperiodicity."""
OTHERS_CENTS, OTHERS_SIZE, OTHERS_LATE_S, OTHERS_GAIN = 12, (0.94, 1.06), 0.04, (0.5, 1.0)
"""How the further voices differ."""
REVERB, DECAY_S, PREDELAY_S, WET = 0.8, (0.2, 1.2), (0.002, 0.02), (0.05, 0.35)
PEAK = 0.4, 0.9


def seeded(*names: object) -> Generator:
    """A generator that depends on the names alone."""
    return np.random.default_rng(list("/".join(map(str, names)).encode()))


def frame_power(speech: Signal, frames: int) -> Frames:
    """Mean square about every frame."""
    power = uniform_filter1d(speech**2, 4 * HOP)[::HOP][:frames]
    return np.pad(power, (0, frames - power.size), mode="edge")


def fill_voicing(pitch_hz: Frames, speech: Signal) -> Frames:
    """DIO misses many voiced frames, and Harvest is slow: loud low frames get the pitch of those about them."""
    power = frame_power(speech, pitch_hz.size)
    low = frame_power(sosfiltfilt(butter(4, LOW_HZ, fs=SAMPLE_RATE, output="sos"), speech), pitch_hz.size)
    voiced = pitch_hz > 0
    loud = power > LOUD_PART * np.percentile(power[voiced], 75)
    missed = ~voiced & (smooth(loud & (low > LOW_PART * power), 2) > 0.5)
    filled = pitch_hz.copy()
    filled[missed] = np.interp(np.flatnonzero(missed), np.flatnonzero(voiced), pitch_hz[voiced])
    return filled


def vowel_frames(pitch_hz: Frames, aperiodicity: Frames, speech: Signal) -> NDArray[np.bool_]:
    """Which frames are loud and periodic."""
    level_db = 10 * np.log10(frame_power(speech, pitch_hz.size) + 1e-10)
    loud = level_db > np.percentile(level_db[pitch_hz > 0], 25)
    noise = aperiodicity[:, : aperiodicity.shape[1] // 4].mean(axis=1)
    return smooth((pitch_hz > 0) & loud & (noise < VOWEL_NOISE), 3) > 0.5


def stretch_map(rng: Generator, vowel: NDArray[np.bool_]) -> Frames:
    """The fractional frame of the speech for every frame of the song: vowels drawn out, each by its own factor."""
    factor = np.ones(vowel.size)
    for start, stop in pairwise([0, *np.flatnonzero(np.diff(vowel)) + 1, vowel.size]):
        if vowel[start]:
            factor[start:stop] = rng.uniform(*STRETCH)
    ends = np.concatenate([[0], np.cumsum(smooth(factor, 3))])
    position = np.interp(np.arange(0, ends[-1]), ends, np.arange(vowel.size + 1))
    return np.asarray(np.clip(position, 0, vowel.size - 1))


def at_rows(rows: Frames, position: Frames) -> Frames:
    """Rows at fractional positions."""
    low = position.astype(int)
    part = (position - low)[:, np.newaxis]
    return np.asarray(rows[low] * (1 - part) + rows[np.minimum(low + 1, len(rows) - 1)] * part)


def reverberate(rng: Generator, signal: Signal) -> Signal:
    """A light room of decaying noise."""
    frames = int(rng.uniform(*DECAY_S) * SAMPLE_RATE)
    tail = rng.standard_normal(frames) * 10 ** (-3 * np.arange(frames) / frames)  # 60 dB
    tail[: int(rng.uniform(*PREDELAY_S) * SAMPLE_RATE)] = 0
    wet = fftconvolve(signal, tail / np.sqrt((tail**2).sum())) * rng.uniform(*WET)
    wet[: signal.size] += signal
    return np.asarray(wet)


def choose_voices(rng: Generator) -> tuple[str, list[int]]:
    """A line-up, and how many steps of the scale each of its voices lies beside the melody."""
    line_up = str(rng.choice(list(LINE_UPS), p=list(LINE_UPS.values())))
    if line_up == "doubled":
        return line_up, [0, 0]
    if line_up == "harmony":
        return line_up, [0, int(rng.choice([2, -3, 4, -2])), *([5] if rng.random() < 0.4 else [])]
    if line_up == "choir":
        return line_up, [0, 2, -3, 0][: int(rng.integers(3, 5))]
    return line_up, [0]


def sing(speech: Signal, rng: Generator) -> tuple[Signal, str]:
    """An utterance as a song, and a description."""
    import pyworld

    settings = {"f0_floor": PITCH_FLOOR_HZ, "f0_ceil": PITCH_CEILING_HZ, "channels_in_octave": 4, "allowed_range": 0.2}
    pitch_hz, times = pyworld.dio(speech, SAMPLE_RATE, frame_period=FRAME_S * 1000, **settings)
    pitch_hz = pyworld.stonemask(speech, pitch_hz, times, SAMPLE_RATE)
    if np.count_nonzero(pitch_hz) < LEAST_VOICED:
        raise UnusableError("hardly any voice")
    pitch_hz = fill_voicing(pitch_hz, speech)
    envelope = pyworld.cheaptrick(speech, pitch_hz, times, SAMPLE_RATE)
    aperiodicity = pyworld.d4c(speech, pitch_hz, times, SAMPLE_RATE)

    vowel = vowel_frames(pitch_hz, aperiodicity, speech)
    position = stretch_map(rng, vowel)
    nearest = np.round(position).astype(int)
    envelope = np.exp(at_rows(np.log(envelope + FAINT), position))
    aperiodicity = np.clip(at_rows(aperiodicity, position) * rng.uniform(*BREATH), 0, 1)
    speaking = A4 + OCTAVE * np.log2(np.median(pitch_hz[pitch_hz > 0]) / A4_HZ)
    ladder, steps = melody(rng, speaking + rng.uniform(*ABOVE_SPEAKING), vowel[nearest])

    line_up, shifts = choose_voices(rng)
    formants = rng.uniform(*FORMANTS) if rng.random() < CHANGED_FORMANTS else 1.0
    song = np.zeros(position.size * HOP + SAMPLE_RATE)
    for further, shift in enumerate(shifts):
        sung_hz = np.where(pitch_hz[nearest] > 0, sung_pitch(rng, ladder, steps, shift), 0.0)
        size, late, gain = formants, 0, 1.0
        if further:
            sung_hz *= 2 ** (rng.uniform(-OTHERS_CENTS, OTHERS_CENTS) / 100 / OCTAVE)
            size = formants * rng.uniform(*OTHERS_SIZE)
            late, gain = int(rng.uniform(0, OTHERS_LATE_S) * SAMPLE_RATE), rng.uniform(*OTHERS_GAIN)
        bins = envelope.shape[1]
        shape = at_rows(envelope.T, np.clip(np.arange(bins) / size, 0, bins - 1)).T
        parts = map(np.ascontiguousarray, (sung_hz, shape, aperiodicity))
        voice = pyworld.synthesize(*parts, SAMPLE_RATE, FRAME_S * 1000)[: song.size - late]
        song[late : late + voice.size] += voice * gain
    if rng.random() < REVERB:
        song = reverberate(rng, song)
    song *= rng.uniform(*PEAK) / max(float(np.abs(song).max()), store.SILENT_PEAK)
    return store.trim_silence(song), f"{line_up}, {len(shifts)} voice(s), formants x{formants:.2f}"


def choose_speakers(recordings: Iterable[Recording], most: int) -> Iterator[Recording]:
    """One recording, long enough, of each of `most` groups: always the same ones as long as they are there."""
    groups: dict[str, list[Recording]] = {}
    for recording in sorted(recordings, key=lambda recording: _order(recording.name)):
        if recording.kind == "speech" and recording.source != f"speech/{SYNTHETIC}":
            groups.setdefault(recording.group, []).append(recording)
    fitting = (next(filter(_fits, groups[group]), None) for group in sorted(groups, key=_order))
    return islice((recording for recording in fitting if recording), most)


def _order(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _fits(recording: Recording) -> bool:
    try:
        info = probe(recording.path)
    except SourceError:
        return False
    return SHORTEST_S <= info.frames / info.sample_rate <= LONGEST_S


def make(recording: Recording, variant: int) -> tuple[Signal, Origin]:
    """One song of a recording."""
    audio = read_audio(recording.path)
    speech = resample.resample(audio.mono(), audio.sample_rate, SAMPLE_RATE)[0].astype(np.float64)
    song, text = sing(speech, seeded("singing", recording.group, variant))
    credit = f"that of {recording.name}"
    return song, Origin(recording.group, credit, credit, f"WORLD: {text}")


@click.command()
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of recordings, as for training.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that singing/synthetic goes to.")
@click.option(
    "--leave-out",
    default=Path("config/train/speech.yaml"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Configuration whose corpus.validation names whom not to sing.",
)
@click.option("--speakers", default=80, show_default=True, type=click.IntRange(1))
@click.option("--variants", default=2, show_default=True, type=click.IntRange(1), help="Of every speaker.")
def main(data: Path, out: Path, leave_out: Path, speakers: int, variants: int) -> None:
    """Sing what speakers read, but for those set aside for validation."""
    try:
        store.require_package("pyworld")
        corpus = load_train_config(leave_out).corpus
        chosen = list(choose_speakers(split(find(data, corpus), corpus)["train"], speakers))
        if not chosen:
            raise SepkitError(
                f"--data: no speech to train on of {SHORTEST_S:g} to {LONGEST_S:g} s in {data / 'speech'}"
            )
        jobs = [
            (f"{re.sub(NO_NAME, '-', recording.group)}__v{variant}.flac", partial(make, recording, variant))
            for variant in range(variants)
            for recording in chosen
        ]
        new = store.fill(out, "singing", SYNTHETIC, tqdm(jobs, unit="song", disable=None))
    except SepkitError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{new} new songs in {out / 'singing' / SYNTHETIC}")


if __name__ == "__main__":
    main()
