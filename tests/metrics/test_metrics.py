"""Every metric against an independent implementation or an analytic signal, and one contract over all."""

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepkit.audio.samples import Audio
from sepkit.audio.stft import Stft
from sepkit.config.sections import MetricConfig, plugins
from sepkit.judge.evaluate import EMBEDDED_METRICS, Evaluator
from sepkit.metrics import trade_off
from sepkit.metrics.base import Evaluation, Pair, Score, measured, mono_at, ratio_db, segments
from sepkit.metrics.clipping import clipped_frames
from sepkit.metrics.loudness import loudness_lufs, true_peak_dbtp
from sepkit.metrics.music_residual import residual_db
from sepkit.metrics.sdr import TAPS, sdr_db
from sepkit.metrics.si_sdr import si_sdr_db
from sepkit.metrics.silence import longest_silence_s
from sepkit.metrics.snr import snr_db
from sepkit.models.weights import embedded

PILOT = Path(__file__).parents[2] / "data" / "pilot"


def noise(frames: int, seed: int, channels: int = 1, sample_rate: int = 16_000) -> Audio:
    samples = 0.1 * np.random.default_rng(seed).standard_normal((channels, frames))
    return Audio(samples.astype(np.float32), sample_rate)


def pilot(name: str, start_s: float, end_s: float) -> Audio:
    samples, rate = soundfile.read(PILOT / name, dtype="float32", always_2d=True)
    return Audio(samples[round(start_s * rate) : round(end_s * rate)].T, rate)


def row(metric: str, pair: Pair, **options: object) -> Score:
    config = MetricConfig.model_validate({"metric": metric, "options": options})
    return Evaluator([config]).scores(pair)[0]


def scores(metric: str, pair: Pair) -> tuple[Score, ...]:
    return Evaluator([MetricConfig.model_validate({"metric": metric})]).scores(pair)


def orthogonal(frames: int, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Two signals of equal energy whose inner product is zero: cosine and sine over whole periods."""
    phase = 2 * np.pi * 50 * np.arange(frames) / frames
    return np.tile(np.cos(phase), (channels, 1)), np.tile(np.sin(phase), (channels, 1))


# SI-SDR and SNR: s + 0.1·n with n ⊥ s and |n| = |s| is 20 dB by definition.


@pytest.mark.parametrize("gain", [1e-3, 0.5, 1.0, 40.0])
def test_si_sdr_is_the_analytic_value_at_any_gain(gain):
    s, n = orthogonal(8000, channels=2)
    found = si_sdr_db(Audio(s, 8000), Audio(gain * (s + 0.1 * n), 8000))
    assert found == pytest.approx(20.0, abs=1e-4)


def test_snr_is_the_analytic_value_and_counts_gain_as_noise():
    s, n = orthogonal(8000, channels=2)
    assert snr_db(Audio(s, 8000), Audio(s + 0.1 * n, 8000)) == pytest.approx(20.0, abs=1e-4)
    assert snr_db(Audio(s, 8000), Audio(0.5 * s, 8000)) == pytest.approx(10 * math.log10(1 / 0.25), abs=1e-4)


def test_the_three_ratios_differ_as_their_definitions_say():
    """Noise twice as loud with an echo after 3 frames: SDR forgives both, SI-SDR the level, SNR nothing."""
    s = Audio(np.pad(noise(100_000, seed=1).samples, ((0, 0), (0, 3))), 16_000)
    echo = np.roll(s.samples, 3) * 0.5
    estimate = Audio(2 * (s.samples + echo), s.sample_rate)
    assert sdr_db(s, estimate) > 80
    assert si_sdr_db(s, estimate) == pytest.approx(10 * math.log10(1 / 0.25), abs=0.1)
    assert snr_db(s, estimate) == pytest.approx(10 * math.log10(1 / (1 + 1)), abs=0.1)  # |s + 2·0.5 s'|² = 2|s|²


def test_sdr_equals_dense_least_squares_over_all_delays():
    s, error = noise(4000, seed=2), noise(4000, seed=3)
    h = np.random.default_rng(4).standard_normal(30)
    filtered = np.convolve(s.samples[0], h)[:4000]
    estimate = Audio(filtered + 0.3 * error.samples[0], 16_000)
    padded = np.concatenate([estimate.samples[0], np.zeros(TAPS - 1)])
    delayed = np.zeros((padded.size, TAPS))
    for k in range(TAPS):
        delayed[k : k + 4000, k] = s.samples[0]
    target = delayed @ np.linalg.lstsq(delayed, padded, rcond=None)[0]
    expected = 10 * np.log10(np.sum(target**2) / np.sum((padded - target) ** 2))
    assert sdr_db(s, estimate) == pytest.approx(expected, abs=1e-4)


def test_sdr_of_a_long_signal_is_the_same_over_block_edges(monkeypatch):
    s, estimate = noise(10_000, seed=5, channels=2), noise(10_000, seed=6, channels=2)
    whole = sdr_db(s, estimate)
    monkeypatch.setattr("sepkit.metrics.sdr.BLOCK_FRAMES", 700)
    assert sdr_db(s, estimate) == pytest.approx(whole, abs=1e-9)


def test_sdr_of_a_band_limited_reference_is_finite_and_sane():
    """Half of the spectrum is empty: the normal equations are singular to working precision."""
    from scipy.signal import firwin, oaconvolve

    s = oaconvolve(noise(60_000, seed=7).samples[0], firwin(801, 0.4), mode="same")
    error = noise(60_000, seed=8).samples[0]
    error *= np.linalg.norm(s) / np.linalg.norm(error)
    found = sdr_db(Audio(s, 16_000), Audio(s + 0.1 * error, 16_000))
    assert found == pytest.approx(20.0, abs=0.15)  # 512 free taps explain about 512/60000 of the error besides


# STOI


def test_stoi_is_pystois():
    from pystoi import stoi

    s, mix = pilot("speech.wav", 2.5, 7.5), pilot("mix.wav", 2.5, 7.5)
    found = row("stoi", Pair(mix, s, reference=s))
    assert found.before == pytest.approx(stoi(s.samples[0], mix.mono()[0], s.sample_rate), abs=2e-3)
    assert found.after == pytest.approx(1.0, abs=1e-6)
    estoi = row("stoi", Pair(mix, s, reference=s), extended=True)
    expected = stoi(mono_at(s, 10_000), mono_at(mix, 10_000), 10_000, extended=True)
    assert estoi.name == "estoi" and estoi.before == pytest.approx(expected, abs=1e-9)


def test_stoi_says_when_there_is_too_little_speech():
    s = noise(3000, seed=9)
    found = row("stoi", Pair(s, s, reference=s))
    assert found.after is None and "less than 0.4 s" in found.why


# Loudness


@pytest.mark.parametrize("sample_rate", [44_100, 48_000])
def test_loudness_of_the_ebu_tone(sample_rate):
    """EBU Tech 3341, case 1: a stereo 1 kHz sine at −23 dBFS reads −23.0 ± 0.1 LUFS."""
    t = np.arange(20 * sample_rate) / sample_rate
    tone = np.tile(10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * t), (2, 1))
    assert loudness_lufs(Audio(tone, sample_rate)) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(("phase_degrees", "amplitude"), [(0, 0.5), (45, 0.5), (67.5, 0.5)])
def test_true_peak_between_the_samples(phase_degrees, amplitude):
    """EBU Tech 3341, cases 15–19: a sine at fs/4 peaks at its amplitude wherever it was sampled."""
    n = np.arange(48_000)
    tone = amplitude * np.sin(2 * np.pi * n / 4 + np.radians(phase_degrees))
    fade = np.minimum(1, np.minimum(n, n[::-1]) / 480)
    expected = 20 * math.log10(amplitude)
    assert true_peak_dbtp(Audio(tone * fade, 48_000)) == pytest.approx(expected, abs=0.05)


def test_true_peak_is_the_same_over_block_edges(monkeypatch):
    from scipy.signal import resample_poly

    audio = noise(5000, seed=10, channels=2)
    expected = 20 * math.log10(np.abs(resample_poly(audio.samples.astype(np.float64), 8, 1, axis=1)).max())
    monkeypatch.setattr("sepkit.metrics.loudness.BLOCK_FRAMES", 333)
    assert true_peak_dbtp(audio) == pytest.approx(expected, abs=1e-4)


# Music residual


def test_residual_of_constructed_spans():
    """Two channels; a tenth of the amplitude over three times the length of the speech: 10·log10(3·0.01)."""
    speech = np.zeros(4000, dtype=bool)
    speech[1000:2000] = True
    samples = np.where(speech, 0.5, 0.05) * np.ones((2, 1))
    assert residual_db(samples.astype(np.float32), speech) == pytest.approx(10 * math.log10(0.03), abs=1e-4)


def test_residual_on_the_pilot_follows_the_gain_of_the_pauses():
    """The pilot's README tells the spans; playing the pauses at a tenth takes 20 dB off."""
    import torch

    mix, speech = pilot("mix.wav", 0, 9), pilot("speech.wav", 0, 9)
    spoken = np.zeros(mix.frames, dtype=bool)
    spoken[round(2.3 * mix.sample_rate) : round(7.8 * mix.sample_rate)] = True
    clean = Audio(np.where(spoken, mix.samples, 0.1 * mix.samples), mix.sample_rate)
    threads = torch.get_num_threads()
    found = row("music_residual", Pair(mix, clean, reference=speech))
    assert torch.get_num_threads() == threads
    assert found.before == pytest.approx(residual_db(mix.samples, spoken), abs=1.0)
    assert found.after == pytest.approx(found.before - 20, abs=1.5)
    assert "reference (truth)" in found.note
    assert "found in the mix" in row("music_residual", Pair(mix, clean)).note


# DNSMOS


def test_dnsmos_is_the_mean_of_speechmos_over_the_segments():
    from speechmos import dnsmos

    mix, speech = pilot("mix.wav", 0, 20), pilot("speech.wav", 0, 20)
    config = MetricConfig.model_validate({"metric": "dnsmos", "options": {"segments": 2}})
    scores = {score.name: score for score in Evaluator([config]).scores(Pair(mix, speech))}
    heard = mono_at(mix, 16_000)
    parts = [dnsmos.run(part, 16_000) for part in (heard[:144_160], heard[-144_160:])]
    for scale in ("sig", "bak", "ovrl"):
        expected = np.mean([part[f"{scale}_mos"] for part in parts])
        assert scores[f"dnsmos_{scale}"].before == pytest.approx(expected, abs=1e-5)
    assert scores["dnsmos_ovrl"].after > scores["dnsmos_ovrl"].before + 0.5


def test_segments_cover_start_and_end():
    heard = np.arange(1000, dtype=np.float32)
    assert [part[0] for part in segments(heard, 100, 3)] == [0, 450, 900]
    assert [part.size for part in segments(heard[:50], 100, 3)] == [50]


# The contract


@pytest.fixture
def no_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)


@pytest.mark.parametrize("name", plugins.names("metrics"))
def test_every_metric_fills_its_own_rows_or_says_why(name, no_weights):
    mix, speech = pilot("mix.wav", 2.3, 5.3), pilot("speech.wav", 2.3, 5.3)
    wide = Audio(speech.samples.repeat(2, axis=0), speech.sample_rate)
    pair = Pair(mix, wide, reference=wide, words="the first boat leaves at seven")
    before = mix.samples.copy()
    metric = plugins.load("metrics", name).Metric(plugins.load("metrics", name).Options())
    scores = Evaluator([MetricConfig.model_validate({"metric": name})]).scores(pair)
    assert [(s.name, s.label, s.unit, s.better) for s in scores] == [
        (r.name, r.label, r.unit, r.better) for r in metric.rows()
    ]
    assert all(s.why is not None or s.after is not None for s in scores)
    assert np.array_equal(mix.samples, before)
    if all(file.path.is_file() for file in metric.weights()):
        infinite = {"si_sdr", "sdr", "snr"}  # clean equals the reference: no error is left
        assert name in infinite or all(s.why is None for s in scores)
    else:
        assert all(s.why.startswith("not measured: ") and s.before is s.after is None for s in scores)


@pytest.mark.parametrize("name", EMBEDDED_METRICS)
def test_silence_gives_reasons_and_no_invented_numbers(name, no_weights):
    silence = Audio(np.zeros((1, 48_000)), 16_000)
    for score in Evaluator([MetricConfig.model_validate({"metric": name})]).scores(Pair(silence, silence, silence)):
        hears_silence = score.name.startswith("dnsmos") or score.name in ("clipped", "silence")
        assert hears_silence or (score.after is None and score.why.startswith("not measured: "))


def test_rows_have_names_of_their_own_and_embedded_weights_are_here():
    modules = [plugins.load("metrics", name) for name in plugins.names("metrics")]
    names = [r.name for module in modules for r in module.Metric(module.Options()).rows()]
    assert len(names) == len(set(names))
    for module in modules:
        for file in getattr(module, "catalogue", tuple)():
            assert file.licence_code and file.licence_weights and "http" in file.source
            assert file.url is not None or (file.path.is_file() and file.size_bytes == file.path.stat().st_size)


def test_what_is_not_finite_is_left_open_and_named():
    found = measured(Score("x", "X", "dB", "higher"), -math.inf, 3.0)
    assert (found.before, found.after, found.why) == (None, 3.0, "not measured: before is minus infinity")
    assert measured(found, None, math.nan).why == "not measured: after is undefined"
    assert (ratio_db(1, 0), ratio_db(0, 1)) == (math.inf, -math.inf) and math.isnan(ratio_db(0, 0))


def test_embedded_names_the_file_without_importing_its_package():
    import subprocess
    import sys

    code = (
        "import sys; from sepkit.models.weights import embedded; "
        "embedded('m', 'silero_vad/data/x', '', '', ''); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert embedded("m", "silero_vad/data/silero_vad.onnx", "", "", "").path.is_file()


def test_an_evaluation_is_ready_for_json():
    score = Score("x", "X", "dB", "lower", before=1.0, after=None, note="n", why="not measured: w")
    assert Evaluation((score,), 1.0, 2.0, 9.0, ("cut",)).as_dict() == {
        "metrics": {
            "x": {
                "label": "X",
                "unit": "dB",
                "better": "lower",
                "before": 1.0,
                "after": None,
                "note": "n",
                "why": "not measured: w",
            }
        },
        "excerpt": {"start_s": 1.0, "end_s": 2.0, "whole_s": 9.0},
        "notes": ["cut"],
    }


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
    assert "true speech" in scores("trade_off", Pair(mix, mix, speech, reference_kind="fused vocals"))[0].why


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


def test_clipped_frames_are_counted_once_whatever_the_channels():
    samples = np.zeros((2, 100), np.float32)
    samples[0, 10], samples[:, 20], samples[1, 30], samples[0, 40] = 1.0, -1.0, 0.9999, 1.5
    assert clipped_frames(samples) == 3


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_the_longest_silence_is_found_to_a_block(rate):
    """Noise with holes of 0.5 and 1.5 s; noise at −70 dBFS counts as silence, at −50 dBFS it does not."""
    for level_dbfs, expected_s in ((-70, 1.5), (-50, 0.0)):
        heard = np.full(5 * rate, 0.1)
        for start_s, end_s in ((1, 1.5), (3, 4.5)):
            heard[round(start_s * rate) : round(end_s * rate)] = 10 ** (level_dbfs / 20)
        samples = heard * np.random.default_rng(0).choice([-1.0, 1.0], heard.size)
        assert longest_silence_s(Audio(samples, rate)) == pytest.approx(expected_s, abs=2 * 0.032)
    assert longest_silence_s(Audio(np.zeros((1, 100)), rate)) == 100 / rate
