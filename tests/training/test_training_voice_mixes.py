"""Mixes of voices: sums, levels, overlap, pauses, who is in them, and that only seed and number decide."""

import numpy as np
import pytest
import soundfile

from sepkit.errors import ConfigError
from sepkit.training import corpus, voices
from sepkit.training.config import CorpusConfig
from sepkit.training.corpus import Corpus
from sepkit.training.speakers_config import VoiceMixConfig
from sepkit.training.voice_mixes import VoiceMixer
from tests.training.voices_made_up import RATE

TONES_HZ = {"ann": 400, "ben": 900, "cat": 1700, "dan": 3100}
PLAIN = VoiceMixConfig(segment_s=2, speed=0, equalise=0, reverberate=0, noise=0, pause=0, alone=0)


def tone(hz):
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(4 * RATE) / RATE)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A tone a speaker, so that a spectrum tells who is heard; two files each; ann's name begins another's."""
    folder = tmp_path_factory.mktemp("tones")
    for name, hz in {**TONES_HZ, "ann_lee": 5200}.items():
        (folder / name / "chapter").mkdir(parents=True)
        for take in ("a.wav", "chapter/b.flac"):
            soundfile.write(folder / name / take, tone(hz), RATE)
    return folder


def mixer(data, tmp_path, speakers=2, plain=False, **changes):
    found = corpus.decode(voices.find(data, CorpusConfig()), tmp_path / "cache")
    return VoiceMixer(Corpus(found, tmp_path / "cache", {}), speakers, PLAIN.model_copy(update=changes), 3, plain)


def loudest_hz(signal):
    return np.abs(np.fft.rfft(signal)).argmax() * RATE / signal.size


def level_db(one, other):
    return 10 * np.log10((one**2).sum() / (other**2).sum())


def heard(signal):
    """Which blocks of 10 ms are not silent."""
    return np.maximum.reduceat(np.abs(signal), np.arange(0, signal.size, 160)) > 0


def test_a_folder_is_a_speaker_whatever_lies_below_it(data):
    found = voices.find(data, CorpusConfig())
    assert {each.group: each.kind for each in found} == dict.fromkeys((*TONES_HZ, "ann_lee"), "speech")
    assert len(found) == 10
    assert all(each.name.startswith(f"{each.group}/") for each in found)


def test_folders_of_speech_and_noise_are_read_with_their_manifest(tmp_path):
    for name in ("speech/x/1.wav", "speech_more/2.wav", "noise/hum/3.wav", "music/4.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / name, tone(500), RATE)
    (tmp_path / "manifest.csv").write_text("file,group\nspeech/x/1.wav,spk 1\nspeech_more/2.wav,spk 2\n")
    found = voices.find(tmp_path, CorpusConfig())
    assert [(each.kind, each.group) for each in found] == [("speech", "spk 1"), ("speech", "spk 2"), ("noise", "3")]
    with pytest.raises(ConfigError, match="holds fewer than two speakers"):
        voices.find(tmp_path, CorpusConfig(exclude=("spk 2",)))


def test_easy_mixes_come_first_with_all_voices_at_once_and_nothing_else(data, tmp_path):
    changes = {"alone": 1.0, "full": 0.0, "overlap": (0.0, 0.0), "reverberate": 1.0, "equalise": 1.0}
    made, without = mixer(data, tmp_path, easy_mixes=3, **changes), mixer(data, tmp_path, **changes)
    for index in range(3):
        mix, targets = made.example(index)
        assert all(heard(each).all() for each in targets)
        np.testing.assert_allclose(targets.sum(0), mix, atol=1e-6)
    for index in range(3, 6):
        mix, targets = made.example(index)
        assert not targets[1].any()
        np.testing.assert_array_equal(mix, without.example(index).mix)


@pytest.mark.parametrize("speakers", [2, 3])
def test_plain_mixes_are_different_speakers_at_one_level_and_their_sum(data, tmp_path, speakers):
    made = mixer(data, tmp_path, speakers, plain=True)
    for index in range(16):
        mix, targets = made.example(index)
        assert mix.shape == (2 * RATE,) and targets.shape == (speakers, 2 * RATE)
        np.testing.assert_allclose(targets.sum(0), mix, atol=1e-6)
        count = 1 if index % 8 == 7 else speakers
        assert not targets[count:].any()
        assert len({loudest_hz(each) for each in targets[:count]}) == count
        levels = [level_db(each, targets[0]) for each in targets[:count]]
        np.testing.assert_allclose(levels, 0, atol=0.05)


def test_an_example_depends_on_seed_and_number_alone(data, tmp_path):
    one, other = (mixer(data, tmp_path / each, speed=1, reverberate=1, pause=1) for each in "ab")
    later = [one.example(index) for index in (5, 2)]
    for index, example in zip((5, 2), later, strict=True):
        for a, b in zip(example, other.example(index), strict=True):
            np.testing.assert_array_equal(a, b)
    assert np.abs(later[0].mix - later[1].mix).max() > 0.01


def test_levels_overlap_and_those_alone_are_as_asked(data, tmp_path):
    made = mixer(data, tmp_path, level_db=(-5, 5), full=0, overlap=(0.25, 0.25), alone=0.3)
    levels, alone = [], 0
    for index in range(150):
        targets = made.example(index).targets
        if not targets[1].any():
            alone += 1
            assert heard(targets[0]).all()
            continue
        levels.append(level_db(*targets))
        one, other = map(heard, targets)
        assert abs(np.mean(one & other) - 0.25) < 0.02
        assert np.mean(one | other) > 0.99
    assert -5.2 < min(levels) < -4 and 4 < max(levels) < 5.2 and abs(np.mean(levels)) < 1
    assert 30 <= alone <= 60  # 45 of 150 on average, with a standard deviation of 5.6


def test_three_overlap_one_after_another(data, tmp_path):
    """By hand: ratio 0 gives each a third of the time, in any order."""
    targets = mixer(data, tmp_path, 3, full=0, overlap=(0, 0)).example(1).targets
    present = [each for each in targets if each.any()]
    shares = [heard(each).mean() for each in present]
    np.testing.assert_allclose(shares, 1 / len(present), atol=0.01)


def test_a_pause_is_a_gap_of_the_length_asked(data, tmp_path):
    targets = mixer(data, tmp_path, full=1, pause=1, pause_s=(0.5, 0.5)).example(0).targets
    for each in targets:
        assert abs(heard(each).mean() - 0.75) < 0.02


def test_noise_is_in_the_mix_alone_and_as_far_below_as_asked(data, tmp_path):
    for name in TONES_HZ:
        (tmp_path / "data" / "speech").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "speech" / name).symlink_to(data / name)
    (tmp_path / "data" / "noise").mkdir()
    soundfile.write(tmp_path / "data" / "noise" / "hum.wav", tone(6000), RATE)
    made = mixer(tmp_path / "data", tmp_path, noise=1, noise_db=(12, 12))
    mix, targets = made.example(0)
    noise = mix - targets.sum(0)
    assert loudest_hz(noise) == pytest.approx(6000, abs=2)
    assert level_db(targets.sum(0), noise) == pytest.approx(12, abs=0.3)


def test_shares_that_leave_one_speaker_are_an_error(tmp_path):
    for name in ("speech/one/ann/1.wav", "speech/other/ben/2.wav"):
        (tmp_path / name).parent.mkdir(parents=True)
        soundfile.write(tmp_path / name, tone(500), RATE)
    found = corpus.decode(voices.find(tmp_path, CorpusConfig()), tmp_path / "cache")
    made = VoiceMixer(Corpus(found, tmp_path / "cache", {"speech/one": 0}), 2, PLAIN, 0, plain=False)
    with pytest.raises(ConfigError, match=r"corpus\.shares: 100 draws found 1 speakers, but a mix takes 2"):
        made.example(0)
