"""Many pieces of music out of few MIDI files: other instruments, keys, tempi and line-ups, played by fluidsynth.

    python -m scripts.training_audio.music --data DIR --out OUT [--variants 2]

    DIR/midi/*.mid ─ arrange ─ fluidsynth with a sound font ─ 16 kHz mono ─ trim ─ OUT/music/midi/<piece>__v<k>.flac

Made for the MIDI of Freedoom (https://github.com/freedoom/freedoom, BSD-3-Clause) and the sound font FluidR3 (MIT).
Seeded by the piece's name and k: the same files make the same arrangements; how fluidsynth plays them varies
a little from run to run.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import soundfile
import soxr
from tqdm import tqdm

from scripts.training_audio import store
from scripts.training_audio.instruments import (
    ANY_BASS,
    CHOIR,
    DRUMS,
    EXTRA_CHOIR,
    LEAST_NOTES,
    LEAST_NOTES_PART,
    LINE_UPS,
    LOW_PITCH,
    SOLO_PIANO,
    STAYS,
    STYLES,
    Style,
)
from scripts.training_audio.store import Origin, Signal, UnusableError
from sepkit.errors import SepkitError
from sepkit.training.corpus import SAMPLE_RATE

SOUND_FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
RENDER_RATE = 32000
"""What folds over lies above 10 kHz, and goes with the resampling to SAMPLE_RATE."""
EXCERPT_S, LEAST_S = 100.0, 4.0
SYNTHESIZER_GAIN = 0.25
LEAST_PEAK = 0.3
"""Sparse line-ups come out very quiet, and are brought up to this."""
TENTH_FRAMES = SAMPLE_RATE // 10
FAINT_PEAK, MOST_FAINT = 0.003, 0.4
"""A tenth of a second is faint below this peak; the part of a piece that may be."""

TRANSPOSE_SEMITONES = 6
TEMPO = 0.75, 1.35
LOUDNESS = 0.55, 1.15
"""Factor on a channel's velocities."""
JITTERS = 0, 0, 4, 10
"""How uneven the players are, in steps of velocity; one of these."""
LATENESS_S = 0, 0, 0.006, 0.015
LEAST_VELOCITY, MOST = 12, 127
SHORT_S, REPEATED_S, MOST_REPEATS = 40, 60, 4
"""A shorter piece is repeated until it lasts about as long as the second number."""
REVERB, ROOM_SIZE, REVERB_LEVEL, CHORUS = 0.6, (0.1, 0.8), (0.2, 0.9), 0.4
"""Probabilities, and ranges of fluidsynth's settings."""

BANK_SELECTS = 0, 32
SUSTAIN, NOTES_OFF, SOUND_OFF = 64, 123, 120
TICKS_PER_BEAT, TICKS_PER_SECOND = 480, 960
"""At MIDI's default of 120 beats a minute."""
RELEASE_S = 2.0

Event = tuple[float, Any]
"""Seconds, and a message of mido's."""


class Piece(NamedTuple):
    """Channel messages by time; channel → its number of notes; the channels that play the bass."""

    events: list[Event]
    notes: dict[int, int]
    bass: set[int]


def read_piece(path: Path) -> Piece:
    """A MIDI file at its own tempo, repeated if it is short; bank selects go: the font has General MIDI alone."""
    import mido

    now, events = 0.0, list[Event]()
    try:
        for message in mido.MidiFile(path, clip=True):
            now += message.time
            banks = message.type == "control_change" and message.control in BANK_SELECTS
            if not message.is_meta and hasattr(message, "channel") and not banks:
                events.append((now, message))
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        raise UnusableError(f"cannot be read as MIDI ({error!r})") from error
    pitches: dict[int, list[int]] = {}
    for _, message in notes_of(events):
        pitches.setdefault(message.channel, []).append(message.note)
    if not pitches:
        raise UnusableError("no notes")
    length_s = events[-1][0]
    repeats = 1 if length_s > SHORT_S else min(MOST_REPEATS, int(REPEATED_S / max(length_s, 1)) + 1)
    programs: dict[int, int] = {}
    for _, message in events:
        if message.type == "program_change":
            programs.setdefault(message.channel, message.program)
    low = {channel for channel, heard in pitches.items() if sum(heard) / len(heard) < LOW_PITCH}
    bass = {c for c in pitches if c != DRUMS and (programs.get(c, 0) in ANY_BASS or c in low)}
    repeated = [(time + i * length_s, message) for i in range(repeats) for time, message in events]
    return Piece(repeated, {channel: repeats * len(heard) for channel, heard in pitches.items()}, bass)


def notes_of(events: Iterable[Event]) -> list[Event]:
    """The beginnings of notes."""
    return [(time, message) for time, message in events if message.type == "note_on" and message.velocity > 0]


def choose_channels(rng: random.Random, line_up: str, piece: Piece) -> set[int]:
    """The channels that play."""
    melodic = [channel for channel in piece.notes if channel != DRUMS]
    busiest = sorted(melodic, key=lambda channel: -piece.notes[channel])
    if line_up == "drums":
        return {DRUMS}
    if line_up == "no drums":
        return set(melodic)
    if line_up == "some":
        return {channel for channel in piece.notes if rng.random() < STAYS} or set(melodic)
    if line_up == "duo":
        others = [channel for channel in busiest[:4] if channel not in piece.bass]
        return {*([rng.choice(others)] if others else []), *sorted(piece.bass)[:1]}
    if line_up == "piano":
        return set(busiest[: rng.choice([1, 1, 2])])
    return set(piece.notes)


def choose_programs(rng: random.Random, style: Style, line_up: str, piece: Piece) -> dict[int, int]:
    """An instrument for every channel."""
    programs = {}
    for channel in sorted(piece.notes):
        if channel == DRUMS:
            programs[channel] = rng.choice(style.kits)
            continue
        if line_up == "piano":
            programs[channel] = rng.choice(SOLO_PIANO)
        else:
            programs[channel] = rng.choice(rng.choice(style.bass if channel in piece.bass else style.parts))
        if rng.random() < EXTRA_CHOIR:
            programs[channel] = rng.choice(CHOIR)
    return programs


def arrange(path: Path, variant: int, target: Path) -> tuple[list[str], str]:
    """Write an excerpt of a variant as MIDI; returns fluidsynth's options for it, and a description."""
    import mido

    rng = random.Random(f"{path.stem}:{variant}")
    piece = read_piece(path)
    style = rng.choices(list(STYLES), [style.weight for style in STYLES.values()])[0]
    line_up = rng.choices(list(LINE_UPS), list(LINE_UPS.values()))[0]
    channels = choose_channels(rng, line_up, piece) & set(piece.notes)
    kept = sum(piece.notes[channel] for channel in channels)
    if kept < LEAST_NOTES or kept < LEAST_NOTES_PART * sum(piece.notes.values()):
        line_up, channels = "all", set(piece.notes)
    programs = choose_programs(rng, STYLES[style], line_up, piece)
    transpose, tempo = rng.randint(-TRANSPOSE_SEMITONES, TRANSPOSE_SEMITONES), rng.uniform(*TEMPO)
    loudness = {channel: rng.uniform(*LOUDNESS) for channel in sorted(piece.notes)}
    jitter, lateness_s = rng.choice(JITTERS), rng.choice(LATENESS_S)

    # times are the new tempo's from here on; the excerpt begins with any note that leaves it long enough
    events = [(time / tempo, message) for time, message in piece.events if message.channel in channels]
    starts = [time for time, _ in notes_of(events)]
    begin = rng.choice([time for time in starts if time <= max(starts[0], starts[-1] - EXCERPT_S)])

    head: dict[object, Any] = {
        c: mido.Message("program_change", channel=c, program=programs[c]) for c in sorted(channels)
    }
    body = list[Event]()
    for time, message in events:
        if message.type == "program_change" or time >= begin + EXCERPT_S:
            continue
        if message.type not in ("note_on", "note_off"):
            if time < begin:  # settings that still hold when the excerpt begins: the last of each
                key = message.type, message.channel, getattr(message, "control", None)
                head.pop(key, None)
                head[key] = message
            else:
                body.append((time - begin, message))
        elif time >= begin:
            shift = 0 if message.channel == DRUMS else transpose
            played = message.copy(note=min(MOST, max(0, message.note + shift)))
            if played.type == "note_on" and played.velocity > 0:
                velocity = played.velocity * loudness[played.channel] + rng.uniform(-jitter, jitter)
                played = played.copy(velocity=min(MOST, max(LEAST_VELOCITY, int(velocity))))
                time += rng.uniform(0, lateness_s)
            body.append((time - begin, played))
    body.sort(key=lambda event: event[0])
    # every channel falls silent at the end: fluidsynth renders for ever while a note is held
    end = min(EXCERPT_S, body[-1][0] + RELEASE_S)
    controls = [(channel, control) for channel in sorted(channels) for control in (SUSTAIN, NOTES_OFF, SOUND_OFF)]
    tail = [(end, mido.Message("control_change", channel=c, control=control, value=0)) for c, control in controls]
    track, at = mido.MidiTrack(), 0
    for time, message in [*((0.0, message) for message in head.values()), *body, *tail]:
        tick = max(at, round(time * TICKS_PER_SECOND))
        track.append(message.copy(time=tick - at))
        at = tick
    midi = mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT)
    midi.tracks.append(track)
    midi.save(target)

    reverb, chorus = rng.random() < REVERB, rng.random() < CHORUS
    options = ["-R", str(int(reverb)), "-C", str(int(chorus))]
    if reverb:
        options += ["-o", f"synth.reverb.room-size={rng.uniform(*ROOM_SIZE):.2f}"]
        options += ["-o", f"synth.reverb.level={rng.uniform(*REVERB_LEVEL):.2f}"]
    return options, f"{style}, {line_up}, {transpose:+d} semitones, tempo x{tempo:.2f}, from {begin:.0f} s"


def render(path: Path, variant: int, sound_font: Path, licence: str, author: str) -> tuple[Signal, Origin]:
    """One variant as sound."""
    with tempfile.TemporaryDirectory() as scratch:
        midi, wav = Path(scratch) / "music.mid", Path(scratch) / "music.wav"
        options, text = arrange(path, variant, midi)
        settings = ["-g", str(SYNTHESIZER_GAIN), "-r", str(RENDER_RATE), "-o", "synth.dynamic-sample-loading=1"]
        settings += ["-O", "float", "-T", "wav", *options, "-F", str(wav)]
        store.call(["fluidsynth", "-ni", "-q", *settings, str(sound_font), str(midi)])
        stereo, rate = soundfile.read(wav, dtype="float32", always_2d=True)
    sound = soxr.resample(stereo.mean(axis=1), rate, SAMPLE_RATE, quality="HQ")
    sound = store.trim_silence(sound)[: round(EXCERPT_S * SAMPLE_RATE)]
    if sound.size < LEAST_S * SAMPLE_RATE:
        raise UnusableError(f"lasts only {sound.size / SAMPLE_RATE:.1f} s")
    sound = sound * max(1.0, LEAST_PEAK / max(float(np.abs(sound).max()), store.SILENT_PEAK))
    tenths = np.abs(sound[: sound.size // TENTH_FRAMES * TENTH_FRAMES]).reshape(-1, TENTH_FRAMES).max(axis=1)
    if (tenths < FAINT_PEAK).mean() > MOST_FAINT:
        raise UnusableError("mostly silent")
    return sound, Origin(path.stem, licence, author, f"fluidsynth, {sound_font.stem}: {text}")


@click.command()
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder that holds midi/*.mid.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that music/midi goes to.")
@click.option("--variants", default=2, show_default=True, type=click.IntRange(1), help="Of every MIDI file.")
@click.option("--sound-font", default=SOUND_FONT, show_default=True, type=click.Path(path_type=Path))
@click.option("--licence", default="the MIDI file's and the sound font's", show_default=True, help="For the manifest.")
@click.option("--author", default="the MIDI file's and the sound font's", show_default=True, help="For the manifest.")
def main(data: Path, out: Path, variants: int, sound_font: Path, licence: str, author: str) -> None:
    """Play every MIDI file in other arrangements."""
    try:
        store.require_programs({"fluidsynth": "fluidsynth"})
        store.require_package("mido")
        if not sound_font.is_file():
            raise SepkitError(f"--sound-font: {sound_font} not found; on Debian: apt-get install fluid-soundfont-gm")
        paths = sorted((data / "midi").glob("*.mid"))
        if not paths:
            raise SepkitError(f"--data: {data / 'midi'} holds no *.mid; put MIDI files there")
        pieces = [(path, variant) for variant in range(variants) for path in paths]
        jobs = [
            (f"{path.stem}__v{variant}.flac", partial(render, path, variant, sound_font, licence, author))
            for path, variant in pieces
        ]
        new = store.fill(out, "music", "midi", tqdm(jobs, unit="piece", disable=None))
    except SepkitError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{new} new pieces in {out / 'music' / 'midi'}")


if __name__ == "__main__":
    main()
