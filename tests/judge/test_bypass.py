"""What the members take away and what the pauses hold, on signals of known energies."""

import numpy as np
import pytest
import soundfile

from scripts.bench.bypass_rates import rates
from sepkit.config.sections import OutputConfig
from sepkit.judge.bypass import (
    LOUDEST_PAUSE_DB,
    MOST_TAKEN_DB,
    MOST_TAKEN_WITHOUT_PAUSE_DB,
    MOST_TONAL_DB,
    SILENT_PAUSE_DB,
    Evidence,
    evidence,
    is_voice_only,
    pass_through,
)
from tests.judge.test_gate import RATE_HZ, excerpt
from tests.metrics.pairs import orthogonal


def test_what_is_taken_away_is_counted_at_any_level(tmp_path):
    """x = s + 0.1·n with n ⊥ s and |n| = |s|; the estimate is s at half its level: |0.1 n|² / |x|² = 0.01 / 1.01."""
    s, n = orthogonal(25 * 8000, channels=2)
    soundfile.write(tmp_path / "mix.wav", 0.5 * (s + 0.1 * n).T, 8000, subtype="FLOAT")
    soundfile.write(tmp_path / "fused.wav", 0.25 * s.T, 8000, subtype="FLOAT")
    found = evidence(tmp_path / "mix.wav", tmp_path / "fused.wav")
    assert found.taken_db == pytest.approx(10 * np.log10(0.01 / 1.01), abs=1e-3)
    assert found.pause_db is None  # nobody speaks


@pytest.mark.parametrize("level", [0.001, 0.003])
def test_the_pauses_are_held_against_the_speech(tmp_path, level):
    speech = excerpt("speech.wav", 0.5, 10.0)
    hiss = level * np.random.default_rng(0).standard_normal(speech.size)
    for name, samples in (("mix", speech + hiss), ("fused", speech)):
        soundfile.write(tmp_path / f"{name}.wav", samples, RATE_HZ, subtype="FLOAT")
    found = evidence(tmp_path / "mix.wav", tmp_path / "fused.wav")
    spoken = np.mean(speech[np.abs(speech) > 0] ** 2)  # outside its utterances the pilot's speech is digital silence
    heard = 8000 / (RATE_HZ / 2)  # of the hiss the detector's 16 kHz hold this part
    assert found.pause_db == pytest.approx(10 * np.log10(heard * level**2 / spoken), abs=1.5)


def test_the_bench_counts_who_passes(tmp_path):
    """The pilot's own speech, whose pauses are digital silence, alone and under the pilot's music."""
    for name in ("speech", "music"):
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / "a.wav", excerpt(f"{name}.wav", 7.6, 13.8), RATE_HZ)
    rows = rates(tmp_path / "speech", tmp_path / "music", 1)
    assert [row[1:3] for row in rows] == [("1", "1 (100 %)"), *[("1", "0 (0 %)")] * 3]


def test_what_must_hold():
    for pause_db, tonal_db in ((SILENT_PAUSE_DB, 30.0), (LOUDEST_PAUSE_DB, MOST_TONAL_DB)):
        assert is_voice_only(Evidence(MOST_TAKEN_DB, True, pause_db, tonal_db))
        assert not is_voice_only(Evidence(MOST_TAKEN_DB + 0.1, True, pause_db, tonal_db))
        assert not is_voice_only(Evidence(MOST_TAKEN_DB, True, pause_db + 0.1, tonal_db))
    assert not is_voice_only(Evidence(MOST_TAKEN_DB, True, LOUDEST_PAUSE_DB, MOST_TONAL_DB + 0.1))
    assert is_voice_only(Evidence(MOST_TAKEN_WITHOUT_PAUSE_DB, True, None))
    assert not is_voice_only(Evidence(MOST_TAKEN_WITHOUT_PAUSE_DB + 0.1, True, None))
    assert not is_voice_only(Evidence(MOST_TAKEN_WITHOUT_PAUSE_DB, False, None))


def test_noise_in_the_pauses_has_no_tones_and_a_chord_has(tmp_path):
    """Witnesses: noise of scipy's own spectrogram; and a tone's energy over that of noise in a bin."""
    from scipy.signal import medfilt, spectrogram

    white = spectrogram(np.random.default_rng(1).standard_normal(16_000 * 20), 16_000, "hann", 1024, 0)[2][6:384]
    levels = 10 * np.log10(white)
    noise_db = np.mean([np.sort(level - medfilt(level, 31))[-5:].mean() for level in levels.T])
    speech = excerpt("speech.wav", 0.5, 10.0)
    hiss = 0.003 * np.random.default_rng(0).standard_normal(speech.size)
    time_s = np.arange(speech.size) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in (500, 1000, 1500, 2000, 2500))
    found = {}
    for name, sound in (("hiss", hiss), ("chord", hiss + 0.003 * chord)):
        soundfile.write(tmp_path / "mix.wav", speech + sound, RATE_HZ, subtype="FLOAT")
        soundfile.write(tmp_path / "fused.wav", speech, RATE_HZ, subtype="FLOAT")
        found[name] = evidence(tmp_path / "mix.wav", tmp_path / "fused.wav").tonal_db
    assert found["hiss"] == pytest.approx(noise_db, abs=0.3)
    # |A/2 · Σw|² over σ²·Σw² · ln 2, the median of noise
    window = np.hanning(1024)
    noise_power = 16_000 / RATE_HZ * (window**2).sum() * np.log(2)  # at 16 kHz this part of the hiss is left
    expected = 10 * np.log10((window.sum() / 2) ** 2 / noise_power)
    assert found["chord"] == pytest.approx(expected, abs=1.0)


def test_digital_silence_is_no_voice(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    found = evidence(tmp_path / "a.wav", tmp_path / "a.wav")
    assert found == (0.0, False, None, np.inf) and not is_voice_only(found)


@pytest.mark.parametrize(("bit_depth", "exact"), [("same", True), ("32f", True), ("16", False)])
def test_what_passes_is_the_source_in_the_outputs_format(tmp_path, bit_depth, exact):
    sound = np.random.default_rng(0).uniform(-1, 1, (12 * 8000, 2))
    soundfile.write(tmp_path / "a.wav", sound, 8000, subtype="PCM_24")
    before = soundfile.read(tmp_path / "a.wav")[0]
    output = OutputConfig.model_validate({"bit_depth": bit_depth})
    pass_through(tmp_path / "a.wav", {"speech": tmp_path / "s.wav", "background": tmp_path / "b.wav"}, "speech", output)
    after, rest = (soundfile.read(tmp_path / f"{name}.wav")[0] for name in "sb")
    assert np.array_equal(after, before) == exact
    assert 10 * np.log10(np.sum((after - before) ** 2) / np.sum(before**2) + 1e-30) < -60
    assert rest.shape == before.shape and not rest.any()
