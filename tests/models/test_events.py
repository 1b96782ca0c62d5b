"""Events of steps that are written down, of tones at known places, and what bridges and thresholds do to them."""

import numpy as np
import pytest

from sepkit.audio.read import audio_source
from sepkit.audio.samples import Audio
from sepkit.models.events import Event, Heard, Run, detect, joined, likely_runs, widened
from sepkit.models.prompted.hearing import TAG_S, listener
from tests.models.prompted.networks import tone_network, tones

RATE = 16_000
GAP_TAGS = 8  # the whole tags of 64 ms that come nearest to 0.5 s


def events(*blocks, at_least=0.5, step_s=TAG_S):
    """The runs of one sound, given as blocks of likelihoods that follow each other."""
    runs, first = [], 0
    for block in blocks:
        runs += likely_runs(Heard(first, np.array(block, np.float32)[:, np.newaxis]), at_least)
        first += len(block)
    return [(start, stop, round(peak, 4)) for _, start, stop, peak in joined(runs, at_least, step_s)]


def test_an_event_goes_on_down_to_half_of_what_it_needs():
    assert events([0.1, 0.3, 0.8, 0.3, 0.24, 0.1]) == [(1, 4, 0.8)]
    assert events([0.1, 0.3, 0.49, 0.3, 0.1]) == []
    assert events([0.1, 0.3, 0.49, 0.3, 0.1], at_least=0.4) == [(1, 4, 0.49)]
    assert events([0.5, 0.5]) == [(0, 2, 0.5)]


def test_short_gaps_are_bridged_and_single_tags_left_out():
    bark, pause = [0.9, 0.7], [0.0]
    assert events(bark + GAP_TAGS * pause + bark) == [(0, 4 + GAP_TAGS, 0.9)]
    assert events(bark + (GAP_TAGS + 1) * pause + bark) == [(0, 2, 0.9), (3 + GAP_TAGS, 5 + GAP_TAGS, 0.9)]
    assert events([0.0, 0.9, 0.0]) == []
    # A stretch that never counts by itself bridges nothing.
    assert events(bark + 8 * pause + [0.3] + 8 * pause + bark) == [(0, 2, 0.9), (19, 21, 0.9)]


def test_where_a_stretch_is_cut_does_not_matter():
    rng = np.random.default_rng(0)
    likely = np.maximum(0, np.convolve(rng.standard_normal(800), np.hanning(9), "same") / 5).tolist()
    expected = events(likely)
    assert len(expected) > 5
    for cut in (1, 7, 8, 50, 133, 799):
        assert events(likely[:cut], likely[cut:]) == expected
    assert events(*([each] for each in likely)) == expected


def test_sounds_do_not_meet():
    assert joined([Run(0, 0, 4, 0.9), Run(1, 4, 8, 0.9)], 0.5, TAG_S) == [Run(0, 0, 4, 0.9), Run(1, 4, 8, 0.9)]


def test_of_long_steps_one_is_an_event_and_none_is_bridged():
    assert events([0.0, 0.9, 0.0, 0.9, 0.3], step_s=1) == [(1, 2, 0.9), (3, 5, 0.9)]
    assert events([0.9, 0.0, 0.9], step_s=0.4) == [(0, 3, 0.9)]


def test_events_are_widened_inside_the_file_and_joined_where_they_touch():
    found = [Event("dog", 0.05, 0.5, 0.9), Event("siren", 0.6, 1, 0.8), Event("dog", 0.75, 1.5, 0.7)]
    assert widened(found, 0, 1.5) == [each[:3] for each in found]
    assert widened(found, 0.125, 1.5) == [("dog", 0, 1.5), ("siren", 0.475, 1.125)]
    assert widened(found, 0.0625, 1.5) == [("dog", 0, 0.5625), ("siren", 0.5375, 1.0625), ("dog", 0.6875, 1.5)]


def found(source, at_least=0.5, sounds=(), spans=None, progress=lambda part: None):
    return detect(listener(tone_network()), source, at_least, sounds, spans or [(0, source.info.frames)], progress)


@pytest.fixture(scope="module")
def source():
    """A siren over the seam of two windows, a dog inside it, and one at the end."""
    places = ("siren", 58.5, 61.5), ("dog", 70, 71), ("dog", 88.05, 90)
    return audio_source(Audio(tones(RATE, 90, *places), RATE))


def test_sounds_are_found_where_they_were_laid(source):
    parts = []
    siren, dog, last = found(source, progress=parts.append)
    assert [siren.sound, dog.sound, last.sound] == ["siren", "dog", "dog"]
    for event, (start_s, end_s) in zip((siren, dog, last), [(58.5, 61.5), (70, 71), (88.05, 90)], strict=True):
        # A window of the transform reaches half of its 64 ms further, and an edge lies in one tag.
        assert event.start_s == pytest.approx(start_s, abs=0.032 + TAG_S)
        assert event.end_s == pytest.approx(end_s, abs=0.032 + TAG_S)
        assert event.confidence > 0.9
    assert last.end_s == 90
    assert parts == sorted(parts) and parts[-1] == 1


def test_only_what_is_asked_for(source):
    assert [each.sound for each in found(source, sounds=["dog"])] == ["dog", "dog"]
    assert found(source, sounds=["rain"]) == []
    spans = [(60 * RATE, round(60.5 * RATE)), (70 * RATE, 75 * RATE)]
    siren, dog = found(source, spans=spans)
    assert (siren.sound, siren.start_s, siren.end_s) == ("siren", 60, 60.5)
    assert (dog.sound, dog.start_s) == ("dog", 70)
    assert found(source, spans=[(62 * RATE, 69 * RATE)]) == []


def test_a_tenth_of_a_second():
    (event,) = found(audio_source(Audio(tones(RATE, 0.1, ("dog", 0, 1)), RATE)))
    assert event[:3] == ("dog", 0, 0.1)
    assert found(audio_source(Audio(np.zeros((1, RATE // 10)), RATE))) == []
