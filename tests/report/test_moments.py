"""Worst moments of signals in which they are known, and figures of windows that average to the file's.

Witnesses: where the faults were put, and the metrics themselves.
"""

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepkit.audio.samples import Audio
from sepkit.config.sections import MetricConfig
from sepkit.judge.evaluate import Evaluator
from sepkit.metrics.base import Pair
from sepkit.report import moments

PILOT = Path(__file__).parents[2] / "data" / "pilot"


def pilot(name: str) -> Audio:
    samples, rate = soundfile.read(PILOT / name, dtype="float32", always_2d=True, stop=19 * 44_100)
    return Audio(samples.T.mean(axis=0, keepdims=True), rate)


@pytest.fixture(scope="module")
def faulty() -> tuple[Audio, Audio, Audio]:
    """Mix, clean and speech of the pilot: the clean file is the speech, but for all music in second 1 and no speech in
    second 4.
    """
    speech, music = pilot("speech.wav"), pilot("music.wav")
    mix = Audio(speech.samples + music.samples, speech.sample_rate)
    seconds = np.arange(mix.frames) // mix.sample_rate
    clean = speech.samples * (seconds != 4) + music.samples * (seconds == 1) + 0.01 * music.samples
    return mix, Audio(clean, mix.sample_rate), speech


def figures(pair: Pair, *names: str) -> dict[str, float]:
    found = Evaluator([MetricConfig.model_validate({"metric": name}) for name in names]).scores(pair)
    return {score.name: score.after for score in found}


def by_title(pair: Pair) -> dict[str, moments.Ranking]:
    return {ranking.title: ranking for ranking in moments.rankings(pair)}


def test_with_the_truth_the_faults_are_found_and_the_windows_average_to_the_metrics(faulty):
    mix, clean, speech = faulty
    pair = Pair(mix, clean, speech)
    found, metrics = by_title(pair), figures(pair, "trade_off")
    assert list(found) == ["Most music left", "Most speech lost"]
    for title, name, second in (("Most music left", "music_left", 1), ("Most speech lost", "speech_lost", 4)):
        ranking = found[title]
        assert ranking.moments[0].start_s == second and ranking.moments[0].end_s == second + 1
        values = [moment.value for moment in ranking.moments]
        assert values == sorted(values, reverse=True)
        assert 10 * math.log10(ranking.windows.mean()) == pytest.approx(metrics[name], abs=1e-6)
        assert ranking.shown_whole == pytest.approx(metrics[name], abs=1e-6)
        assert ranking.basis == "from the true speech"
        assert 10 * math.log10(ranking.windows[second]) == pytest.approx(values[0])


def test_without_it_they_are_found_by_ear_and_the_windows_average_to_the_metrics(faulty):
    """Second 1 is a pause of the speech, as the pilot has it."""
    mix, clean, speech = faulty
    pair = Pair(mix, clean, speech, reference_kind="own estimate")
    found, metrics = by_title(pair), figures(pair, "music_residual", "dnsmos")
    left, lost, worst = found["Most music left"], found["Most speech lost"], found["Worst to the ear"]
    assert left.moments[0].start_s == 1 and "voice activity" in left.basis
    assert 10 * math.log10(left.windows.mean()) == pytest.approx(metrics["music_residual"], abs=1e-6)
    assert lost.moments[0].start_s == 4 and "voice activity" in lost.basis
    assert lost.windows.mean() == pytest.approx(lost.whole, rel=1e-9)
    assert worst.windows.mean() == pytest.approx(metrics["dnsmos_ovrl"], abs=1e-6)
    assert "DNSMOS" in worst.basis and worst.moments[0].value == worst.windows.min()


def test_a_file_without_a_fault_has_no_moments(faulty):
    mix, _, speech = faulty
    found = by_title(Pair(mix, speech, speech))
    assert [ranking.moments for ranking in found.values()] == [(), ()]


def test_silence_and_short_files_are_no_trouble():
    for frames in (160, 8_000, 16_001):
        noise = Audio(0.1 * np.random.default_rng(0).standard_normal((1, frames)), 16_000)
        silent = Audio(np.zeros((1, frames)), 16_000)
        for pair in (Pair(noise, silent), Pair(silent, silent), Pair(noise, silent, noise)):
            for ranking in moments.rankings(pair):
                assert all(moment.end_s <= frames / 16_000 for moment in ranking.moments)
