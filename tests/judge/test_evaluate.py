"""Files are brought together before they are measured, and nothing that goes wrong in a metric is lost."""

import json

import numpy as np
import pytest
import soundfile

from sepkit.audio.resample import resample
from sepkit.audio.samples import Audio
from sepkit.config import Config, parse_config
from sepkit.config.sections import MetricConfig
from sepkit.errors import SepkitError, SourceError
from sepkit.judge.evaluate import (
    EDIT_METRICS,
    EMBEDDED_METRICS,
    VOICE_METRICS,
    Evaluator,
    bring_together,
    evaluate_pair,
)
from sepkit.metrics import snr
from sepkit.metrics.base import Pair
from tests.metrics.pairs import PILOT, noise


def settings(*metrics: str, longest_s: float = 600) -> Config:
    named = ", ".join(f"{{metric: {name}}}" for name in metrics)
    return parse_config(
        f"{{members: [{{separator: passthrough}}], evaluate: {{metrics: [{named}], longest_s: {longest_s}}}}}"
    )


def test_the_pilot_is_scored_against_its_truth_and_as_its_readme_says():
    """Where both sound, speech and music have the same energy; over the whole file the music lasts longer."""
    speech, _ = soundfile.read(PILOT / "speech.wav", always_2d=True)
    music, _ = soundfile.read(PILOT / "music.wav", always_2d=True)
    found = evaluate_pair(
        PILOT / "mix.wav", PILOT / "mix.wav", PILOT / "speech.wav", config=settings("snr", "si_sdr")
    ).as_dict()
    expected = 10 * np.log10(2 * np.sum(speech**2) / np.sum(music**2))
    assert found["metrics"]["snr"]["before"] == pytest.approx(expected, abs=1e-3)
    assert found["metrics"]["snr"]["before"] == found["metrics"]["snr"]["after"]
    assert found["metrics"]["snr"]["note"] == "against the truth"
    assert any("reference is mono" in note for note in found["notes"])
    assert found["excerpt"] == {"start_s": 0.0, "end_s": 26.0, "whole_s": 26.0}
    json.dumps(found, allow_nan=False)


def test_a_true_background_stands_in_for_the_reference():
    given = evaluate_pair(PILOT / "mix.wav", PILOT / "mix.wav", PILOT / "speech.wav", config=settings("snr"))
    derived = evaluate_pair(
        PILOT / "mix.wav", PILOT / "mix.wav", background=PILOT / "music.wav", config=settings("snr")
    )
    assert derived.scores[0].after == pytest.approx(given.scores[0].after, abs=1e-3)
    assert "the reference is the mix minus the background given" in derived.notes


def test_against_the_fused_vocals_the_report_says_so():
    mix, fused = noise(16_000, 1), noise(16_000, 2)
    found = evaluate_pair(mix, mix, fused, config=settings("snr"), reference_kind="own estimate")
    assert found.scores[0].note == "against the members' own estimate"


def test_without_a_reference_the_reason_is_given():
    mix = noise(16_000, 3)
    for score in evaluate_pair(mix, mix, config=settings("snr", "si_sdr", "sdr", "stoi")).scores:
        assert score.before is score.after is None
        assert score.why == "not measured: no reference is known (evaluate takes one: --reference)"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reference_kind": "nonsense"}, "reference_kind: found 'nonsense'; choose one of 'truth', 'own estimate'"),
        ({"reference_kind": None}, "reference_kind: found None; choose one of"),
        ({"mix": None}, "mix: found None; give a path or an Audio"),
        ({"clean": None}, "clean: found None; give a path or an Audio"),
        ({"reference": 3}, "reference: found 3; give a path or an Audio"),
    ],
)
def test_what_is_no_pair_is_named(given, said):
    sound = noise(1000, seed=0)
    with pytest.raises(SepkitError, match=said):
        evaluate_pair(**{"mix": sound, "clean": sound, **given})


def test_another_rate_is_brought_to_the_mixs():
    mix = noise(48_000, 4, sample_rate=48_000)
    low = Audio(resample(mix.samples, 48_000, 16_000), 16_000)
    excerpt = bring_together(mix, low)
    expected = resample(low.samples, 16_000, 48_000, 48_000)
    assert np.array_equal(excerpt.pair.clean.samples, expected)
    assert excerpt.notes == ("clean was brought from 16000 Hz to the mix's 48000 Hz",)


def test_lengths_a_little_apart_are_cut_and_said_and_far_apart_refused():
    mix = noise(32_000, 5)
    short = Audio(mix.samples[:, :31_000], 16_000)
    excerpt = bring_together(mix, short)
    assert np.array_equal(excerpt.pair.mix.samples, short.samples)
    assert "0.062 s" in excerpt.notes[0]
    with pytest.raises(SourceError, match=r"clean .* 1\.000 s and the mix 2\.000 s"):
        bring_together(mix, Audio(mix.samples[:, :16_000], 16_000))


def test_layouts_of_the_mix_or_mono_and_no_others():
    mono, stereo, three = (noise(16_000, 6, channels) for channels in (1, 2, 3))
    assert np.array_equal(bring_together(stereo, mono).pair.clean.samples, np.repeat(mono.samples, 2, axis=0))
    mixed = bring_together(mono, stereo).pair.clean.samples
    assert np.allclose(mixed, stereo.samples.mean(axis=0, keepdims=True))
    with pytest.raises(SourceError, match="3 channels and the mix 2"):
        bring_together(stereo, three)


def test_of_a_long_pair_the_middle_is_measured_and_said():
    mix = noise(10 * 16_000, 7)
    excerpt = bring_together(mix, mix, words="some words", longest_s=4)
    assert (excerpt.start_s, excerpt.end_s, excerpt.whole_s) == (3.0, 7.0, 10.0)
    assert np.array_equal(excerpt.pair.clean.samples, mix.samples[:, 48_000:112_000])
    assert excerpt.pair.words is None and len(excerpt.notes) == 2


def test_a_sample_that_is_no_number_is_refused():
    bad = noise(16_000, 8)
    bad.samples[0, 100] = np.nan
    with pytest.raises(SourceError):
        bring_together(noise(16_000, 9), bad)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (SepkitError("one\ntwo"), "not measured: one; two"),
        (ZeroDivisionError("by zero"), "not measured: ZeroDivisionError: by zero"),
    ],
)
def test_what_goes_wrong_in_a_metric_becomes_its_reason_and_stops_no_other(monkeypatch, error, why):
    def fail(self: object, pair: Pair) -> None:
        raise error

    monkeypatch.setattr(snr.Metric, "measure", fail)
    mix = noise(16_000, 10)
    broken, sound = evaluate_pair(mix, mix, mix, config=settings("snr", "loudness")).scores[:2]
    assert broken.name == "snr" and broken.why == why
    assert sound.after is not None


def test_an_evaluator_keeps_what_it_loaded():
    evaluator = Evaluator([MetricConfig.model_validate({"metric": "wer", "options": {"backend": "pocketsphinx"}})])
    mix = noise(16_000, 11)
    evaluator.scores(Pair(mix, mix))
    loaded = evaluator.metrics[0]._transcribe
    evaluator.scores(Pair(mix, mix))
    assert evaluator.metrics[0]._transcribe is loaded
    assert evaluator.weights()[0].model == "pocketsphinx"


def test_the_default_is_everything_that_is_embedded():
    from sepkit.config import plugins

    modules = {name: plugins.load("metrics", name) for name in plugins.names("metrics")}
    embedded = {
        name
        for name, module in modules.items()
        if all(file.url is None for file in module.Metric(module.Options()).weights())
    }
    told_only_where_asked = {"mix_snr"}  # it says nothing of the speech, and stands beside published figures alone
    assert {*EMBEDDED_METRICS, *EDIT_METRICS, *VOICE_METRICS, *told_only_where_asked} == embedded
