"""Mixes against what they were made of, and what a recording goes through against analytic signals."""

import numpy as np
import pytest
import soundfile

from sepkit.training import augment, corpus
from sepkit.training.config import CorpusConfig, KindShares, MixConfig
from sepkit.training.corpus import SAMPLE_RATE
from sepkit.training.mixes import MixMaker, active_level
from sepkit.training.smoke import write_corpus

PLAIN = MixConfig(
    segment_s=2.0,
    only_background=0,
    only_speech=0,
    silence=0,
    partly_speech=0,
    speed=0,
    equalise=0,
    reverberate=0,
    band_limit=0,
    codec=0,
    clip=0,
)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    write_corpus(folder)
    found = corpus.decode(corpus.find(folder, CorpusConfig()), folder / "cache")
    return corpus.Corpus(found, folder / "cache", {})


def test_an_example_depends_on_seed_and_index_alone(recordings):
    everything = MixConfig(segment_s=1.0, codec=0.5, clip=0.5, reverberate=0.5, band_limit=0.5)
    first, again = (MixMaker(recordings, everything, seed=3) for _ in range(2))
    forwards = [first.example(index) for index in range(12)]
    for index in reversed(range(12)):
        for one, other in zip(forwards[index], again.example(index), strict=True):
            assert np.array_equal(one, other)
    assert not np.array_equal(forwards[0].mix, MixMaker(recordings, everything, seed=4).example(0).mix)


def test_levels_are_what_was_asked_for(recordings):
    config = PLAIN.model_copy(update={"level_db": (4.0, 4.0), "loudness_dbfs": (-30.0, -30.0)})
    for index in range(8):
        mix, speech, _ = MixMaker(recordings, config, 0).example(index)
        assert 20 * np.log10(active_level(speech) / active_level(mix - speech)) == pytest.approx(4.0, abs=0.05)
        assert 10 * np.log10(np.mean(mix**2)) == pytest.approx(-30.0, abs=0.05)


@pytest.mark.parametrize("only", ["only_background", "only_speech", "silence"])
def test_spans_of_one_kind_alone(recordings, only):
    mix, speech, _ = MixMaker(recordings, PLAIN.model_copy(update={only: 1.0}), 0).example(0)
    if only == "only_speech":
        assert np.array_equal(mix, speech)
        assert np.abs(mix).max() > 0.01
    else:
        assert not speech.any()
        assert np.abs(mix).max() < 1e-2 if only == "silence" else np.abs(mix).max() > 0.01


def test_speech_for_a_part_of_the_time(recordings):
    config = PLAIN.model_copy(update={"partly_speech": 1.0, "segment_s": 3.0})
    silent = [float(np.mean(MixMaker(recordings, config, 0).example(index).speech == 0)) for index in range(20)]
    assert 0.2 < np.mean(silent) < 0.9
    assert max(silent) > 0.5


def test_the_kinds_of_background_follow_their_shares(recordings):
    only_music = PLAIN.model_copy(update={"kinds": KindShares(music=1, noise=0, singing=0)})
    assert MixMaker(recordings, only_music, 0)._kinds == ["music"]
    assert MixMaker(recordings, PLAIN, 0)._kinds == ["music", "noise"]  # there is no singing in this corpus


@pytest.fixture
def singer(tmp_path):
    """The made-up corpus with a singer who holds one note of 3 kHz."""
    write_corpus(tmp_path)
    (tmp_path / "singing" / "made").mkdir(parents=True)
    soundfile.write(tmp_path / "singing" / "made" / "note.wav", 0.2 * sine(3000, 4.0), SAMPLE_RATE)
    return corpus.Corpus(
        corpus.decode(corpus.find(tmp_path, CorpusConfig()), tmp_path / "cache"), tmp_path / "cache", {}
    )


@pytest.mark.parametrize("only_background", [0.0, 1.0])
@pytest.mark.parametrize("asked", [0.0, 1.0])
def test_singing_counts_as_speech_where_it_is_asked_for(singer, only_background, asked):
    config = PLAIN.model_copy(
        update={
            "kinds": KindShares(music=0, noise=0, singing=1),
            "only_background": only_background,
            "sung_speech": asked,
        }
    )
    mix, speech, sung = MixMaker(singer, config, 0).example(0)
    assert sung == asked
    assert np.allclose(mix, speech, atol=1e-6) == bool(asked)


def test_half_of_those_who_are_asked_for_sing_over_music(singer):
    config = PLAIN.model_copy(update={"sung_speech": 1.0, "kinds": KindShares(music=1, noise=0, singing=0)})
    maker, sung = MixMaker(singer, config, 0), 0
    for index in range(30):
        spectrum = np.abs(np.fft.rfft(maker.example(index).speech)) ** 2
        sung += spectrum[5990:6011].sum() > 0.9 * spectrum.sum()  # bins of half a hertz
    assert 7 <= sung <= 23  # 15 ± three standard deviations


def test_every_example_is_finite_and_below_full_scale(recordings):
    maker = MixMaker(recordings, MixConfig(segment_s=0.7, codec=0.3, clip=0.3), 9)
    for index in range(60):
        mix, speech, _ = maker.example(index)
        assert mix.shape == speech.shape == (round(0.7 * SAMPLE_RATE),)
        assert mix.dtype == speech.dtype == np.float32
        assert np.isfinite(mix).all()
        assert np.abs(mix).max() <= 1.0


def test_active_level_leaves_pauses_out():
    burst = np.sin(2 * np.pi * 400 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    with_pause = np.concatenate([burst, np.zeros(3 * SAMPLE_RATE, np.float32)])
    assert active_level(with_pause) == pytest.approx(np.sqrt(0.5), rel=1e-3)
    assert active_level(np.zeros(SAMPLE_RATE, np.float32)) == 0


def sine(hz, seconds=1.0):
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE).astype(np.float32)


def test_speed_moves_a_tone_by_its_factor():
    faster = augment.change_speed(sine(1000), 1.25)
    assert faster.size == round(SAMPLE_RATE / 1.25)
    peak_hz = np.argmax(np.abs(np.fft.rfft(faster))) * SAMPLE_RATE / faster.size
    assert peak_hz == pytest.approx(1250, abs=2)


def test_an_equaliser_changes_levels_within_its_bounds_and_no_phase():
    rng = np.random.default_rng(0)
    for hz in (200, 1000, 5000):
        changed = augment.equalise(sine(hz), rng, most_db=6.0)[2000:-2000]
        gain = np.dot(changed, sine(hz)[2000:-2000]) / np.dot(sine(hz)[2000:-2000], sine(hz)[2000:-2000])
        np.testing.assert_allclose(changed, gain * sine(hz)[2000:-2000], atol=0.02)
        assert 10 ** (-6.2 / 20) < gain < 10 ** (6.2 / 20)


def test_a_band_limit_takes_away_the_top():
    low, top = (augment.limit_band(sine(hz), np.random.default_rng(2))[2000:-2000] for hz in (1000, 7900))
    assert np.mean(low**2) > 0.9 * np.mean(sine(1000) ** 2)
    assert np.mean(top**2) < 0.5 * np.mean(sine(7900) ** 2)


def test_a_room_keeps_the_direct_sound_where_it_was_and_adds_a_decaying_tail():
    impulse = np.zeros(SAMPLE_RATE, np.float32)
    impulse[1000] = 1
    heard = augment.reverberate(impulse, np.random.default_rng(0))
    assert np.argmax(np.abs(heard)) == 1000
    assert not np.abs(heard[:1000]).max() > 1e-5
    early, late = np.mean(heard[1100:4000] ** 2), np.mean(heard[12000:] ** 2)
    assert early > 10 * late


def test_clipping_leaves_nothing_above_a_ceiling():
    loud = sine(300) * np.linspace(0, 1, SAMPLE_RATE, dtype=np.float32)
    clipped = augment.clip(loud, np.random.default_rng(0))
    ceiling = np.abs(clipped).max()
    assert ceiling < np.abs(loud).max()
    assert np.array_equal(clipped[np.abs(loud) < ceiling], loud[np.abs(loud) < ceiling])


def test_every_codec_gives_the_tone_back_with_noise():
    for seed in range(8):
        coded = augment.code(0.3 * sine(700), np.random.default_rng(seed))
        assert coded.size == SAMPLE_RATE
        spectrum = np.abs(np.fft.rfft(coded[4000:-4000]))
        peak_hz = np.argmax(spectrum) * SAMPLE_RATE / (SAMPLE_RATE - 8000)
        assert peak_hz == pytest.approx(700, abs=4)
        assert 0.15 < np.abs(coded[4000:-4000]).max() < 0.5
        assert not np.array_equal(coded, 0.3 * sine(700))


def test_made_up_recordings_can_be_read_back(tmp_path):
    write_corpus(tmp_path)
    samples, rate = soundfile.read(tmp_path / "speech" / "made" / "speech0" / "take.flac")
    assert rate == SAMPLE_RATE
    assert np.abs(samples).max() == pytest.approx(0.5, abs=1e-3)
