"""The embedded network on the pilot's two voices, laid over each other: SI-SDR by numpy.

The voices are synthetic, and as no other one it was trained on: it has to know voices, not readers.
"""

import numpy as np
import pytest
import soundfile

from sepkit.separators import speakers
from sepkit.separators.base import Mix

LONG_S = 4.5
SPOKEN_S = {"slt": 2.4, "rms": 9.0}
"""From when each voice speaks, `data/pilot/README.md`."""


@pytest.fixture(scope="module")
def voices():
    """(2, frames) at 44.1 kHz, equally loud."""
    found = []
    for start_s in SPOKEN_S.values():
        samples, rate = soundfile.read("data/pilot/speech.wav", dtype="float64")
        samples = samples[round(start_s * rate) :][: round(LONG_S * rate)]
        found.append(0.05 * samples / np.sqrt(np.mean(samples**2)))
    return np.stack(found)


@pytest.fixture(scope="module")
def separator():
    built = speakers.Separator(speakers.Options())
    built.load("cpu")
    built.begin(44100)
    return built


def separate(separator, mix):
    found = separator.separate(Mix(np.asarray(mix, np.float32)))
    return np.stack([each.mean(0, dtype=float) for each in found.sources.values()])


def si_sdr_db(found, true):
    scaled = true * (found @ true) / (true @ true)
    return 10 * np.log10(np.sum(scaled**2) / np.sum((found - scaled) ** 2))


def gain_db(mix, found, voices):
    """SI-SDRi by the best order, the mean of both."""
    before = np.mean([si_sdr_db(mix, true) for true in voices])
    return (
        max(np.mean([si_sdr_db(*each) for each in zip(order, voices, strict=True)]) for order in (found, found[::-1]))
        - before
    )


def test_two_voices_are_told_apart(separator, voices):
    mix = voices.sum(0)
    found = separate(separator, mix[None])
    assert gain_db(mix, found, voices) > 5.5


def test_one_voice_keeps_its_level_and_the_other_output_is_quiet(separator, voices):
    for voice in voices:
        quiet, loud = sorted(10 * np.log10(np.mean(separate(separator, voice[None]) ** 2, axis=1) / np.mean(voice**2)))
        assert quiet < -14 and -1.2 < loud < 0.5


def test_both_channels_of_a_panned_pair_are_told_apart(separator, voices):
    (first, second), place = voices, 0.5
    mix = np.stack([first + place * second, place * first + second])
    found = separator.separate(Mix(mix.astype(np.float32)))
    for channel in (0, 1):
        true = voices * np.array([[1, place], [place, 1]])[channel][:, None]
        here = np.stack([each[channel] for each in found.sources.values()]).astype(float)
        assert gain_db(mix[channel], here, true) > 4.5


def test_opposed_channels_are_parted_as_equal_ones(separator, voices):
    mix = voices.sum(0)
    equal, opposed = (separator.separate(Mix(np.stack([mix, sign * mix]).astype(np.float32))) for sign in (1, -1))
    for name, voice in equal.sources.items():
        np.testing.assert_allclose(opposed.sources[name], voice * [[1], [-1]], atol=0.01 * np.abs(voice).max())
