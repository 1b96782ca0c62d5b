"""Speech is found where it was laid, and not in what is left of music.

Witness: the pilot's true speech and music, laid at known places.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sepkit import Audio
from sepkit.audio.read import read_audio
from sepkit.models.spoken import Listener, Spoken
from sepkit.models.voice_activity import STEP_S

PILOT = Path(__file__).parents[2] / "data" / "pilot"
FIRST_S, SPEECH_S, LENGTH_S = 4.0, 6.1, 16.0


@pytest.fixture(scope="module")
def parts() -> tuple[Audio, Audio]:
    """Speech from 4 to 10.1 s of 16 s; music throughout. One channel."""
    speech, music = read_audio(PILOT / "speech.wav", 1.8, SPEECH_S), read_audio(PILOT / "music.wav", 0.0, LENGTH_S)
    rate = speech.sample_rate
    laid = np.zeros((1, round(LENGTH_S * rate)), np.float32)
    laid[:, round(FIRST_S * rate) :][:, : speech.frames] = speech.samples[:1]
    return Audio(laid, rate), Audio(music.mono()[:, : laid.shape[1]], rate)


def hear(mix: np.ndarray, result: np.ndarray, rate: int, cuts: tuple[int, ...] = ()) -> Spoken:
    listener = Listener(rate, len(mix))
    for start, stop in pairwise((0, *cuts, mix.shape[1])):
        listener.add(mix[:, start:stop], result[:, start:stop])
    return listener.spoken()


@pytest.mark.parametrize("level_db", [0, -40])
def test_speech_is_found_where_it_was_laid(parts, level_db):
    speech, music = parts
    gain = np.float32(10 ** (level_db / 20))
    mix = (speech.samples + 0.3 * music.samples) * gain
    found = hear(mix, (speech.samples + 0.01 * music.samples) * gain, speech.sample_rate)
    places_s = np.flatnonzero(found.spoken) * STEP_S
    sounding_s = np.flatnonzero(np.abs(speech.samples[0]) > 0.01) / speech.sample_rate
    assert places_s[0] == pytest.approx(sounding_s[0], abs=0.3)
    assert places_s[-1] == pytest.approx(sounding_s[-1], abs=0.4)
    assert 0.7 * SPEECH_S < found.seconds() < SPEECH_S
    start, stop = found.spans(1000)[0]
    assert found.spoken[round(start / 32) : round(stop / 32)].all() and (stop - start) > 1000


def test_speech_that_the_mix_hides_is_found_in_the_result(parts):
    speech, music = parts
    power = [np.square(each.samples).mean() for each in parts]
    loud = music.samples * np.float32(np.sqrt(power[0] / power[1]) * 2)  # 6 dB above the speech and its pauses
    found = hear(speech.samples + loud, speech.samples + 0.01 * loud, speech.sample_rate)
    assert found.seconds() > 0.5 * SPEECH_S


def test_what_is_left_of_music_is_no_speech(parts):
    """Faint speech stands for what members leave: by itself it sounds like speech, beside loud music it is not."""
    speech, music = parts
    left = speech.samples * np.float32(0.01)
    assert hear(left, left, speech.sample_rate).seconds() > 3
    assert hear(music.samples, left, speech.sample_rate).seconds() == 0


def test_opposed_channels_do_not_cancel(parts):
    speech, _ = parts
    both = np.concatenate([speech.samples, -speech.samples])
    alone = hear(speech.samples, speech.samples, speech.sample_rate)
    assert hear(both, both, speech.sample_rate).seconds() == pytest.approx(alone.seconds(), abs=0.2)


def test_the_cuts_do_not_matter(parts):
    speech, music = parts
    mix = speech.samples + music.samples
    whole = hear(mix, speech.samples, speech.sample_rate)
    cut = hear(mix, speech.samples, speech.sample_rate, (1, 300_000, 352_800, 352_801))
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(one, other)


def test_nothing_heard_is_nothing_found():
    assert Listener(44_100, 2).spoken().seconds() == 0
