"""Mixes of labelled sounds: each label is a tone, so that a Fourier transform tells what is in a mix and how loud."""

import numpy as np
import pytest
import soundfile

from sepkit.errors import ConfigError
from sepkit.training import corpus, labelled
from sepkit.training.config import CorpusConfig
from sepkit.training.text_config import SoundMixConfig
from sepkit.training.text_mixes import SoundMixer
from tests.training.labelled_sounds import RATE, TONES_HZ, esc50, tone

LABELS = tuple(sorted(label.replace("_", " ") for label in TONES_HZ))
HZ = {label.replace("_", " "): hz for label, hz in TONES_HZ.items()}
PLAIN = SoundMixConfig(segment_s=1.0, third=0, alone=0, absent=0, speed=0, equalise=0, reverberate=0)


def decoded(folder):
    found = corpus.decode(labelled.find(folder, CorpusConfig()), folder / "cache")
    return corpus.Corpus(found, folder / "cache", {})


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    return decoded(esc50(tmp_path_factory.mktemp("esc50")))


def mixer(sounds, seed=0, plain=False, shares=None, labels=LABELS, **changes):
    return SoundMixer(sounds, labels, shares or {}, PLAIN.model_copy(update=changes), seed, plain)


def levels(samples):
    """The root mean square of each label's tone in a second, by its Fourier coefficient."""
    bins = np.abs(np.fft.rfft(samples)) / samples.size * np.sqrt(2)
    return {label: bins[hz] for label, hz in HZ.items()}


def heard_in(samples):
    """The labels whose tone is there."""
    return {label for label, level in levels(samples).items() if level > 1e-4}


def test_an_example_depends_on_seed_and_index_alone(sounds):
    varied = {"third": 0.5, "absent": 0.2, "alone": 0.2, "speed": 0.5, "equalise": 0.5, "reverberate": 0.5}
    first, again = (mixer(sounds, seed=3, **varied) for _ in range(2))
    forwards = [first.example(index) for index in range(10)]
    for index in reversed(range(10)):
        for one, other in zip(forwards[index], again.example(index), strict=True):
            assert np.array_equal(one, other)
    assert not np.array_equal(forwards[0].mix, mixer(sounds, seed=4, **varied).example(0).mix)
    assert not np.array_equal(forwards[0].mix, forwards[1].mix)


@pytest.mark.parametrize("level_db", [(-3.0, -3.0), (5.0, 5.0)])
def test_what_is_asked_for_stands_over_each_other_sound_as_configured(sounds, level_db):
    maker = mixer(sounds, level_db=level_db, third=1.0, loudness_dbfs=(-30.0, -30.0))
    for index in range(6):
        mix, target, asked, _ = maker.example(index)
        found, wanted = levels(mix), LABELS[int(asked.argmax())]
        others = [level for label, level in found.items() if label in heard_in(mix) - {wanted}]
        assert len(others) == 2
        for other in others:
            assert 20 * np.log10(found[wanted] / other) == pytest.approx(level_db[0], abs=0.02)
        assert 10 * np.log10(np.mean(mix**2)) == pytest.approx(-30.0, abs=0.02)
        assert levels(target)[wanted] == pytest.approx(found[wanted], rel=1e-4)


def test_validation_mixes_are_of_two_sounds_within_5_db(sounds):
    varied = {"third": 1.0, "absent": 1.0, "speed": 1.0, "level_db": (20.0, 20.0)}
    for index in range(12):
        mix, _, asked, _ = mixer(sounds, plain=True, **varied).example(index)
        found = levels(mix)
        one, other = sorted(heard_in(mix), key=lambda label: label != LABELS[int(asked.argmax())])
        assert LABELS[int(asked.argmax())] == one
        assert -5.01 <= 20 * np.log10(found[one] / found[other]) <= 5.01


def test_the_target_is_the_sound_that_is_asked_for_and_the_rest_of_the_mix_is_the_others(sounds):
    for index in range(12):
        mix, target, asked, heard = mixer(sounds, third=0.5).example(index)
        assert asked.sum() == 1 and mix.dtype == target.dtype == asked.dtype == heard.dtype == np.float32
        wanted = {LABELS[int(asked.argmax())]}
        assert heard_in(target) == wanted
        others = heard_in(mix - target)
        assert others and not others & wanted
        assert {LABELS[label] for label in np.flatnonzero(heard.max(1))} == wanted | others


def test_a_sound_is_heard_where_it_sounds(tmp_path):
    """A clip that sounds for its first half second alone: 8 of its tags of 64 ms, and of a clip of silence none."""
    half = np.concatenate([tone(500, 0.5), np.zeros(RATE // 2)])
    for label, samples in (("dog", half), ("rain", tone(1000, 1.0))):
        (tmp_path / label).mkdir()
        soundfile.write(tmp_path / label / "take.wav", samples, RATE, "FLOAT")
    maker = mixer(decoded(tmp_path), labels=("dog", "rain"))
    for index in range(4):
        heard = maker.example(index).heard
        assert heard.shape == (2, 17)  # 16 whole or begun, and one of silence
        np.testing.assert_array_equal(heard[0], np.arange(17) < 8)
        np.testing.assert_array_equal(heard[1], np.arange(17) < 16)


def test_a_sound_shorter_than_the_mix_lies_whole_in_it(tmp_path):
    for label, hz in (("dog", 500), ("rain", 1000)):
        (tmp_path / label).mkdir()
        soundfile.write(tmp_path / label / "take.wav", tone(hz, 0.5), RATE, "FLOAT")
    maker, starts = mixer(decoded(tmp_path), labels=("dog", "rain")), set()
    for index in range(8):
        target = maker.example(index).target
        sounding = np.flatnonzero(np.abs(target) > 1e-6)
        assert sounding[-1] - sounding[0] < RATE // 2
        assert np.sqrt(np.mean(target[sounding[0] : sounding[-1] + 1] ** 2)) > 0
        starts.add(int(sounding[0]))
    assert len(starts) > 4


def test_alone_and_absent_are_as_frequent_as_configured(sounds):
    """Of 400 mixes; 0.1 and 0.3 with four standard deviations of a binomial: 40 ± 24 and 120 ± 37."""
    maker, alone, absent = mixer(sounds, alone=0.1, absent=0.3, segment_s=0.5), 0, 0
    for index in range(400):
        mix, target, asked, heard = maker.example(index)
        alone += np.array_equal(mix, target)
        wanted = int(asked.argmax())
        if not target.any():
            absent += 1
            assert mix.any() and not heard[wanted].any() and heard.max(1).sum() == 2
    assert 16 <= alone <= 64
    assert 83 <= absent <= 157


def test_labels_are_asked_for_by_their_shares(sounds):
    maker = mixer(sounds, shares={"dog": 3.0, "rain": 0.0}, alone=1.0, segment_s=0.5)
    asked = sum(maker.example(index).asked for index in range(200))
    found = dict(zip(LABELS, asked, strict=True))
    assert found["rain"] == 0
    assert 92 <= found["dog"] <= 148  # 3 of 5: 120 ± four standard deviations


def test_two_labels_are_enough_and_one_is_an_error(sounds):
    labels = ("dog", "rain")
    for index in range(10):
        mix, _, _, heard = mixer(sounds, labels=labels, third=1.0, absent=0.5).example(index)
        assert mix.any() and heard.max(1).sum() in (1, 2)
    for changes in ({"labels": ("dog", "whale")}, {"shares": dict.fromkeys(LABELS[1:], 0.0)}):
        with pytest.raises(ConfigError, match="labels: a mix takes two, and of those with a share there is sound of 1"):
            mixer(sounds, **changes)


def test_a_label_of_which_there_is_nothing_is_never_asked_for(sounds):
    labels = (*LABELS, "whale")
    assert sum(mixer(sounds, labels=labels).example(index).asked for index in range(50))[-1] == 0
