"""Every metric against an independent implementation or an analytic signal, and one contract over all."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from sepkit.audio.samples import Audio
from sepkit.config.sections import MetricConfig, plugins
from sepkit.judge.evaluate import EMBEDDED_METRICS, Evaluator
from sepkit.metrics.base import Edited, Evaluation, Pair, Score, measured, mono_at, ratio_db, segments, verdict
from sepkit.metrics.clipping import clipped_frames
from sepkit.metrics.loudness import loudness_lufs, true_peak_dbtp
from sepkit.metrics.music_residual import residual_db
from sepkit.metrics.silence import longest_silence_s
from sepkit.models.weights import embedded
from tests.metrics.pairs import noise, pilot, row, scores

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
    assert "the truth" in found.note
    assert "found in the mix" in row("music_residual", Pair(mix, clean)).note
    assert found.basis == "truth" and verdict(asdict(found)) == "better"
    own = row("music_residual", Pair(mix, clean, reference=speech, reference_kind="own estimate"))
    assert own.after == found.after and own.basis == "own estimate" and verdict(asdict(own)) == ""
    silent = Audio(np.zeros_like(mix.samples), mix.sample_rate)
    unheard = row("music_residual", Pair(mix, clean, reference=silent, reference_kind="own estimate"))
    assert unheard.why == "not measured: no speech was found in the members' own estimate"


def test_what_tells_of_speech_has_no_verdict_where_nobody_speaks():
    heard = Pair(noise(16_000, 1), noise(16_000, 2))
    silent = replace(heard, no_speech="no speech found")
    for metric in ("dnsmos", "music_residual"):
        assert {verdict(asdict(score)) for score in scores(metric, silent)} == {""}
    assert {score.basis for score in scores("dnsmos", silent)} == {"no speech"}
    assert "" not in {verdict(asdict(score)) for score in scores("dnsmos", heard)}
    assert row("clipping", silent).basis == "independent"


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
    edited = Edited(((0, 44_100),), ((4_410, 39_690),), "female speech", "keep")
    pair = Pair(mix, wide, reference=wide, words="the first boat leaves at seven", edited=edited)
    before = mix.samples.copy()
    metric = plugins.load("metrics", name).Metric(plugins.load("metrics", name).Options())
    scores = Evaluator([MetricConfig.model_validate({"metric": name})]).scores(pair)
    assert [(s.name, s.label, s.unit, s.better) for s in scores] == [
        (r.name, r.label, r.unit, r.better) for r in metric.rows()
    ]
    assert all(s.why is not None or s.after is not None for s in scores)
    assert np.array_equal(mix.samples, before)
    if all(file.path.is_file() for file in metric.weights()):
        infinite = {"si_sdr", "sdr", "snr", "inside_si_sdr"}  # clean equals the reference: no error is left
        silent = {"silent_level"}  # is measured where the reference is silent alone
        assert name in infinite | silent or all(s.why is None for s in scores)
    else:
        assert all(s.why.startswith("not measured: ") and s.before is s.after is None for s in scores)


@pytest.mark.parametrize("name", EMBEDDED_METRICS)
def test_silence_gives_reasons_and_no_invented_numbers(name, no_weights):
    silence = Audio(np.zeros((1, 48_000)), 16_000)
    for score in Evaluator([MetricConfig.model_validate({"metric": name})]).scores(Pair(silence, silence, silence)):
        hears_silence = score.name.startswith("dnsmos") or score.name in ("clipped", "silence", "speech")
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
                "basis": "independent",
            }
        },
        "excerpt": {"start_s": 1.0, "end_s": 2.0, "whole_s": 9.0},
        "notes": ["cut"],
    }


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
