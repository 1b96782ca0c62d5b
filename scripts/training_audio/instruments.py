"""The instruments of General MIDI by family, and the styles and line-ups that `music` draws them from."""

from __future__ import annotations

from typing import NamedTuple

DRUMS = 9
"""General MIDI's channel for them. Below: its programs, from 0, by family."""
PIANO, MALLET, ORGAN = range(8), (8, 9, 10, 11, 12, 13, 14, 15, 108, 114), range(16, 24)
GUITAR, DISTORTED, BASS, SYNTH_BASS = range(24, 29), range(29, 32), range(32, 38), range(38, 40)
STRINGS, LOW_STRINGS, CHOIR = (40, 41, 42, 44, 45, 46, 48, 49, 50, 51), (42, 43, 32, 48), (52, 53, 54, 85, 91)
BRASS, REED, PIPE = range(56, 64), range(64, 72), range(72, 80)
LEAD, PAD = (80, 81, 82, 83, 84, 86, 87), (88, 89, 90, 92, 93, 94, 95)
FOLK = (104, 105, 106, 107, 109, 110, 111, 21, 22)
SOLO_PIANO = (0, 0, 1, 2, 4, 5)
ANY_BASS = range(32, 40)
LOW_PITCH = 45


class Style(NamedTuple):
    """Families of the parts and of the bass, programs of the drums, and how often the style comes."""

    parts: tuple[range | tuple[int, ...], ...]
    bass: tuple[range | tuple[int, ...], ...]
    kits: tuple[int, ...]
    weight: int = 2


STYLES = {
    "rock": Style((GUITAR, DISTORTED, DISTORTED, ORGAN, PIANO), (BASS,), (0, 8, 16), 3),
    "pop": Style((PIANO, GUITAR, STRINGS, LEAD, PAD, BRASS), (BASS, SYNTH_BASS), (0, 8, 25), 4),
    "jazz": Style((PIANO, REED, BRASS, GUITAR, MALLET), ((32, 33, 35),), (32, 40, 0), 3),
    "orchestra": Style((STRINGS, STRINGS, BRASS, REED, PIPE, MALLET), (LOW_STRINGS,), (48, 0), 3),
    "electronic": Style((LEAD, PAD, LEAD, (38, 39, 50, 51, 62, 63, 90)), (SYNTH_BASS,), (24, 25), 3),
    "folk": Style((GUITAR, FOLK, PIPE, (40, 110, 15)), ((32, 24, 25),), (0, 40)),
    "choir": Style((CHOIR, CHOIR, ORGAN, STRINGS), (LOW_STRINGS, (19,)), (48, 0)),
    "chamber": Style((PIANO, STRINGS, REED, PIPE), ((42, 43, 70),), (40,)),
    "chip": Style(((80, 81, 80, 82, 78),), ((80, 81, 38),), (24, 25)),
    "mixed": Style(
        (PIANO, MALLET, ORGAN, GUITAR, DISTORTED, STRINGS, CHOIR, BRASS, REED, PIPE, LEAD, PAD, FOLK),
        (BASS, SYNTH_BASS, LOW_STRINGS),
        (0, 8, 16, 24, 25, 32, 40, 48),
        5,
    ),
}
LINE_UPS = {"all": 40, "some": 22, "no drums": 14, "drums": 5, "duo": 9, "piano": 10}
"""Which channels play; weights."""
STAYS = 0.6
"""Probability of each channel in the line-up "some"."""
LEAST_NOTES, LEAST_NOTES_PART = 60, 0.08
"""A line-up with fewer notes, or a smaller part of the piece's, gives way to all channels."""
EXTRA_CHOIR = 0.04
"""Probability that a channel of any style becomes a choir."""
