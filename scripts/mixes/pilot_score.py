"""The tune of the pilot: ten bars in G at 100 beats a minute, the seventh left to the speaker.

Written for this repository and under its licence. Source of the file's form: "Standard MIDI Files 1.0",
MIDI Manufacturers Association RP-001.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Part:
    """A player: General MIDI channel and program, both from 0; volume; pan from 0 (left) to 127 (right)."""

    channel: int
    program: int
    volume: int
    pan: int


@dataclass(frozen=True)
class Note:
    """Beats are quarter notes from the start of the piece; pitch 60 is middle C."""

    part: Part
    beat: float
    beats: float
    pitch: int
    velocity: int


PIANO = Part(channel=0, program=4, volume=96, pan=30)  # electric piano
BASS = Part(channel=1, program=33, volume=104, pan=64)  # fingered bass
GUITAR = Part(channel=2, program=24, volume=100, pan=104)  # nylon-string guitar
STRINGS = Part(channel=3, program=48, volume=76, pan=72)
VIBRAPHONE = Part(channel=4, program=11, volume=108, pan=48)
DRUMS = Part(channel=9, program=0, volume=100, pan=64)  # the channel that General MIDI keeps for drums
BAND = (PIANO, BASS, GUITAR, STRINGS, VIBRAPHONE, DRUMS)

BEATS_PER_MINUTE = 100
BEATS_PER_BAR = 4
SILENT_BAR = 6
LAST_BAR = 9
CHORDS: dict[int, tuple[int, ...]] = {  # bar (from 0): the bass note, then the chord from its lowest note
    0: (43, 59, 62, 67, 69),  # G add 9
    1: (42, 57, 62, 66, 69),  # D over F sharp
    2: (40, 59, 62, 64, 67),  # E minor 7
    3: (36, 59, 60, 64, 67),  # C major 7
    4: (45, 57, 60, 64, 67),  # A minor 7
    5: (38, 57, 60, 62, 67),  # D 7 sus 4
    7: (40, 59, 62, 64, 67),  # E minor 7
    8: (36, 60, 62, 64, 67),  # C add 9
    LAST_BAR: (31, 59, 62, 67, 69),  # G add 9
}
BASS_LINE = ((0.0, 1.4, 0), (1.5, 0.5, 0), (2.0, 1.0, 7), (3.0, 0.5, 12), (3.5, 0.5, 7))
"""Beat in the bar, length in beats, semitones over the chord's bass note."""
COMPING = ((0.0, 1.4), (1.5, 0.9), (2.5, 1.4))
"""When the piano strikes in a bar and for how many beats."""
ARPEGGIO = (0, 2, 1, 3, 2, 3, 1, 2)
"""Which note of the chord the guitar plucks on each eighth."""
MELODY = (  # beat, length in beats, pitch
    *((0.0, 1.0, 74), (1.0, 0.5, 76), (1.5, 1.5, 79), (3.0, 1.0, 78)),
    *((4.5, 0.5, 74), (5.0, 1.0, 76), (6.0, 2.0, 69)),
    *((8.0, 1.5, 71), (9.5, 0.5, 74), (10.0, 1.0, 76), (11.0, 1.0, 79)),
    *((12.0, 1.0, 83), (13.0, 0.5, 81), (13.5, 0.5, 79), (14.0, 2.0, 76)),
    *((16.0, 1.0, 72), (17.0, 1.0, 76), (18.0, 0.5, 79), (18.5, 1.5, 81)),
    *((20.0, 1.0, 79), (21.0, 1.0, 78), (22.0, 1.5, 74)),
    *((28.5, 0.5, 71), (29.0, 1.0, 74), (30.0, 1.0, 79), (31.0, 1.0, 78)),
    *((32.0, 1.0, 76), (33.0, 0.5, 79), (33.5, 0.5, 81), (34.0, 2.0, 83)),
    *((36.0, 1.0, 86), (37.0, 3.0, 79)),
)
DRUM_GRID = {36: "x.....x.x.x.....", 38: "....x.......x..x", 42: "x.xxx.x.x.xxx.x."}
"""Kick, snare and closed hat (their General MIDI keys) on the sixteenths of a bar."""
DRUM_VELOCITY = {36: 100, 38: 88, 42: 62}
CRASH = 49


def play_bar(bar: int, chord: tuple[int, ...]) -> list[Note]:
    """What the band plays under the melody in one bar; in the last one it lets the chord ring."""
    beat = float(bar * BEATS_PER_BAR)
    root, *voicing = chord
    notes = [Note(STRINGS, beat, 4.0, pitch, 70) for pitch in voicing]
    if bar == LAST_BAR:
        notes += [Note(PIANO, beat, 4.0, pitch, 76) for pitch in voicing]
        return [*notes, Note(BASS, beat, 4.0, root, 92), Note(DRUMS, beat, 1.0, CRASH, 84)]
    for start, length in COMPING:
        notes += [Note(PIANO, beat + start, length, pitch, 74) for pitch in voicing]
    for start, length, interval in BASS_LINE:
        notes.append(Note(BASS, beat + start, length, root + interval, 94))
    for eighth, index in enumerate(ARPEGGIO):
        notes.append(Note(GUITAR, beat + eighth / 2, 0.9, voicing[index] + 12 * (eighth % 4 == 3), 82))
    for pitch, grid in DRUM_GRID.items():
        hits = (index for index, mark in enumerate(grid) if mark == "x")
        notes += [Note(DRUMS, beat + hit / 4, 0.2, pitch, DRUM_VELOCITY[pitch]) for hit in hits]
    return notes


def compose() -> list[Note]:
    """The whole piece as hands would play it: velocities uneven by up to ±6, seeded."""
    notes = [note for bar, chord in CHORDS.items() for note in play_bar(bar, chord)]
    notes += [Note(VIBRAPHONE, *event, velocity=100) for event in MELODY]
    hands = random.Random(7)
    return [replace(note, velocity=note.velocity + hands.randint(-6, 6)) for note in notes]


TICKS_PER_BEAT = 480
CONTROL_VOLUME, CONTROL_PAN, CONTROL_REVERB = 7, 10, 91
REVERB = 45


def variable_length(value: int) -> bytes:
    """A number in groups of seven bits, the high bit set on all but the last."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.insert(0, value & 0x7F | 0x80)
    return bytes(groups)


def midi_file(notes: list[Note]) -> bytes:
    """A format-0 MIDI file: tempo, each part's program and controls, then the notes in time order."""
    beat_us = 60_000_000 // BEATS_PER_MINUTE
    events = [(0, b"\xff\x51\x03" + beat_us.to_bytes(3, "big"))]
    for part in BAND:
        events.append((0, bytes([0xC0 | part.channel, part.program])))
        controls = {CONTROL_VOLUME: part.volume, CONTROL_PAN: part.pan, CONTROL_REVERB: REVERB}
        events += [(0, bytes([0xB0 | part.channel, control, value])) for control, value in controls.items()]
    sounding = []
    for note in notes:
        on, off = (round(beat * TICKS_PER_BEAT) for beat in (note.beat, note.beat + note.beats))
        sounding.append((off, bytes([0x80 | note.part.channel, note.pitch, 0])))
        sounding.append((on, bytes([0x90 | note.part.channel, note.pitch, note.velocity])))
    events += sorted(sounding)  # at one tick a note off (0x8n) comes before a note on (0x9n)
    ticks = itertools.pairwise([0, *(tick for tick, _ in events)])
    track = b"".join(variable_length(b - a) + body for (a, b), (_, body) in zip(ticks, events, strict=True))
    track += b"\x00\xff\x2f\x00"
    header = b"".join(number.to_bytes(2, "big") for number in (0, 1, TICKS_PER_BEAT))
    return b"MThd\x00\x00\x00\x06" + header + b"MTrk" + len(track).to_bytes(4, "big") + track
