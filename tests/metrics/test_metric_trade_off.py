"""Music left and speech lost: tones far apart in frequency, so that what a filter takes of each is known."""

import math

import numpy as np
import pytest

from sepkit.audio.samples import Audio
from sepkit.audio.stft import Stft
from sepkit.metrics import trade_off
from sepkit.metrics.base import Pair
from tests.metrics.pairs import noise, pilot, scores

# Trade-off: tones far apart in frequency, so that what a filter takes of each is known.


def tones(*parts: tuple[float, float], frames: int = 64_000) -> np.ndarray:
    """Σ of (amplitude, frequency in Hz) at 16 kHz."""
    time_s = np.arange(frames) / 16_000
    return sum(amplitude * np.sin(2 * np.pi * hz * time_s) for amplitude, hz in parts)


@pytest.mark.parametrize("gain", [0.05, 1.0, 8.0])
def test_music_left_and_speech_lost_are_the_analytic_values_at_any_gain(gain):
    """Of speech at 500 and 1500 Hz (energies 1 : 0.25) the second is gone; of music at 3000 Hz a tenth is left."""
    speech, music = tones((0.2, 500), (0.1, 1500)), tones((0.2, 3000))
    clean = gain * (tones((0.2, 500)) + 0.1 * music)
    left, lost = scores("trade_off", Pair(Audio(speech + music, 16_000), Audio(clean, 16_000), Audio(speech, 16_000)))
    assert left.before == pytest.approx(10 * math.log10(0.04 / 0.05), abs=0.02)
    assert left.after == pytest.approx(10 * math.log10(0.01 * 0.04 / 0.04), abs=0.05)
    assert lost.after == pytest.approx(10 * math.log10(0.01 / 0.05), abs=0.05)


def test_half_of_the_speech_gone_is_three_decibels_wherever_it_goes():
    """Witness: energies in the time domain."""
    speech, music = noise(64_000, 1).samples[0], noise(64_000, 2).samples[0]
    first = np.arange(64_000) < 32_000
    _, lost = scores(
        "trade_off", Pair(Audio(speech + music, 16_000), Audio((speech + music) * first, 16_000), Audio(speech, 16_000))
    )
    gone = (speech[~first] ** 2).sum() / (speech**2).sum()
    assert lost.after == pytest.approx(10 * math.log10(gone), abs=0.05)


def test_nothing_done_loses_nothing_and_silence_loses_all():
    speech, music = noise(64_000, 1), noise(64_000, 2)
    mix = Audio(speech.samples + music.samples, 16_000)
    left, lost = scores("trade_off", Pair(mix, Audio(0.5 * mix.samples, 16_000), speech))
    assert lost.after == trade_off.FLOOR_DB and left.after == pytest.approx(left.before, abs=1e-3)
    left, lost = scores("trade_off", Pair(mix, Audio(0 * mix.samples, 16_000), speech))
    assert lost.after == 0 and left.why == "not measured: after is undefined"
    assert "true speech" in scores("trade_off", Pair(mix, mix, speech, reference_kind="own estimate"))[0].why


def test_the_true_speech_is_faultless_and_a_mask_is_what_it_is():
    """A mask that passes 0.9 of some patches, 0.2 of others: its energies are sums over bins, without the metric."""
    speech, music = pilot("speech.wav", 2, 6).mono(), pilot("music.wav", 2, 6).mono()
    mix, speech = Audio(speech + music, 44_100), Audio(speech, 44_100)
    left, lost = scores("trade_off", Pair(mix, speech, speech))
    assert left.after < -60 and lost.after < -60
    stft = Stft(2048, 512)
    S, B = (stft.forward(samples) for samples in (speech.samples, mix.samples - speech.samples))
    coarse = np.random.default_rng(0).choice([0.9, 0.2], (1, -(-S.shape[1] // 24), -(-stft.bins // 40)))
    mask = coarse.repeat(24, axis=1).repeat(40, axis=2)[:, : S.shape[1], : stft.bins].astype(np.float32)
    masked = Audio(stft.inverse(mask * stft.forward(mix.samples), mix.frames), 44_100)
    left, lost = scores("trade_off", Pair(mix, masked, speech))
    kept = (np.abs(mask * S) ** 2).sum()
    alpha = kept / (mask * np.abs(S) ** 2).sum()
    expected_left = 10 * math.log10((np.abs(mask * B) ** 2).sum() / kept)
    expected_lost = 10 * math.log10((np.abs(S - mask * S / alpha) ** 2).sum() / (np.abs(S) ** 2).sum())
    assert left.after == pytest.approx(expected_left, abs=0.5)
    assert lost.after == pytest.approx(expected_lost, abs=0.5)


def test_energies_of_steps_do_not_depend_on_how_they_are_grouped(monkeypatch):
    speech, music = noise(50_001, 1, channels=2), noise(50_001, 2, channels=2)
    mix = Audio(speech.samples + music.samples, 16_000)
    pair = Pair(mix, Audio(speech.samples + 0.1 * music.samples, 16_000), speech)
    whole = trade_off.trade(pair)
    monkeypatch.setattr(trade_off, "BLOCK_STEPS", 2 * trade_off.NEIGHBOURS)
    for found, expected in zip(trade_off.trade(pair), whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)
