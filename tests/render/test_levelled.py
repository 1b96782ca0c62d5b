"""The speech's final level: found where someone speaks, told in numbers, and left alone where nobody does.

Witnesses: pyloudnorm, numpy, and the pilot's true speech and music at levels laid by hand.
"""

import json
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from sepkit import Audio, Pipeline, load_config
from sepkit.audio.read import read_audio
from sepkit.batch.file_result import FileResult
from sepkit.config import parse_config
from sepkit.models import voice_activity
from sepkit.render.result import Rendered

PILOT = Path(__file__).parents[2] / "data" / "pilot"
PASSTHROUGH = "members: [{separator: passthrough}]\npost_mask: null\nequalise: null\n"


@pytest.fixture(scope="module")
def speech() -> Audio:
    """Six seconds of the pilot's speech, one channel, −21 LUFS."""
    found = read_audio(PILOT / "speech.wav", 1.8, 6.1)
    return Audio(found.samples[:1], found.sample_rate)


def render(samples: np.ndarray, sample_rate: int, loudness: str = "") -> Rendered:
    config = parse_config(f"{PASSTHROUGH}loudness: {{{loudness}}}\n")
    return Pipeline(config).run(Audio(samples.astype(np.float32), sample_rate))


def level_db(samples: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)))


def lufs(audio: Audio) -> float:
    return float(pyloudnorm.Meter(audio.sample_rate).integrated_loudness(audio.samples.T))


@pytest.mark.parametrize("least", ["", "least_speech_s: 0"])
def test_speech_comes_out_at_the_target(speech, least):
    rendered = render(0.3 * speech.samples, speech.sample_rate, least or "ceiling_dbtp: null")
    assert lufs(rendered.speech) == pytest.approx(-16, abs=0.3)
    told = rendered.report.facts["speech"]["loudness_after_levelling_lufs"]
    assert told == pytest.approx(lufs(rendered.speech), abs=0.3)


@pytest.mark.parametrize("target", [-16, -31])
def test_background_and_speech_by_the_gain_that_is_told_are_the_source(speech, target):
    rendered = render(speech.samples, speech.sample_rate, f"target_lufs: {target}, ceiling_dbtp: null")
    gain = 10 ** (rendered.report.gain_db / 20)
    sum_ = rendered.background.samples + rendered.speech.samples / gain
    np.testing.assert_allclose(sum_, speech.samples, atol=1e-6)


def test_music_alone_stays_as_far_down_as_the_members_bring_it():
    music = read_audio(PILOT / "music.wav", 5.0, 6.0)
    rendered = Pipeline(load_config("config/pilot.yaml")).run(music)
    assert level_db(rendered.speech.samples) - level_db(music.samples) < -25
    assert rendered.report.gain_db == 0 and rendered.report.facts["speech"]["speech_found_s"] < 0.5
    assert rendered.report.notes[0] == "no speech found, left as loud as it is"


def test_a_few_words_set_the_gain_and_what_is_beside_them_stays_as_in_the_source(speech):
    """Words of −41 LUFS ask for 25 dB; the music 3 s away was at −16 already and must not become louder."""
    rate = speech.sample_rate
    music = read_audio(PILOT / "music.wav", 0.0, 10.0).samples[:1]
    gap = np.zeros((1, 3 * rate), np.float32)
    words = 0.1 * speech.samples[:, : 5 * rate]
    mix = np.concatenate([music, gap, words, gap, music], axis=1)
    rendered = render(mix, rate, "ceiling_dbtp: null")
    out, gain_db = rendered.speech.samples, rendered.report.gain_db
    begin = music.shape[1] + gap.shape[1]
    inside = slice(begin, begin + words.shape[1])
    np.testing.assert_allclose(out[:, inside], mix[:, inside] * 10 ** (gain_db / 20), atol=1e-5)
    assert gain_db == pytest.approx(-16 - lufs(Audio(words, rate)), abs=0.5)
    for part in (slice(rate, 9 * rate), slice(mix.shape[1] - 9 * rate, mix.shape[1])):
        assert level_db(out[:, part]) <= level_db(mix[:, part]) + 0.1
    facts = rendered.report.facts["speech"]
    assert facts["held_back_most_db"] == pytest.approx(gain_db, abs=0.1)
    assert 20 <= facts["held_back_s"] <= 22.5  # the music, and about a second of each gap
    assert "in which nobody speaks" in rendered.report.notes[0]


@pytest.mark.parametrize(
    ("down_db", "found"),
    [
        (-45, "gain limited to 40 dB: "),
        (-54, "too quiet to measure, left as it is"),
        (-75, "no speech found, too q"),
    ],
)
def test_very_quiet_speech_says_what_was_done(speech, down_db, found):
    rendered = render(speech.samples * 10 ** (down_db / 20), speech.sample_rate)
    assert rendered.report.notes[0].startswith(found)
    gained = level_db(rendered.speech.samples) - level_db(speech.samples) - down_db
    assert gained == pytest.approx(40 if found.startswith("gain") else 0, abs=0.1)
    assert rendered.report.gain_db == pytest.approx(gained, abs=0.1)
    if down_db == -45:
        short = -16 - lufs(rendered.speech)
        assert rendered.report.notes[0].endswith("LU short of -16")
        assert float(rendered.report.notes[0].split()[-5]) == pytest.approx(short, abs=0.3)


def test_less_speech_than_is_asked_is_said_once(speech):
    """Half a second of a sentence, alone in six of silence."""
    rate, word = speech.sample_rate, np.zeros_like(speech.samples)
    word[:, 3 * rate : 4 * rate] = speech.samples[:, rate : 2 * rate]
    report = render(word, rate, "least_speech_s: 3").report
    found_s = report.facts["speech"]["speech_found_s"]
    assert 0.5 < found_s < 1.5
    assert report.notes == (f"too little speech found ({found_s:.1f} s, 3 s are asked), left as loud as it is",)
    line = FileResult(Path("a.wav"), "passed", {"speech": Path("b.wav")}, notes=report.notes, facts=report.facts).line()
    assert line.count("speech found") == 1


def test_silence_says_both_that_nobody_speaks_and_that_nothing_can_be_measured():
    report = render(np.zeros((1, 5 * 16_000)), 16_000).report
    assert report.notes == ("no speech found, too quiet to measure, left as it is",)
    result = FileResult(Path("a.wav"), "passed", {"speech": Path("b.wav")}, notes=report.notes, facts=report.facts)
    assert "inf" not in result.line()
    told = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert told["facts"]["speech"]["loudness_after_levelling_lufs"] is None


@pytest.mark.parametrize(
    ("by", "why"), [("limiter", "limited to keep"), ("gain", "turned down by"), ("clip", "clipped")]
)
def test_short_of_the_target_is_said_with_its_reason(speech, by, why):
    rendered = render(speech.samples, speech.sample_rate, f"ceiling_by: {by}, ceiling_dbtp: -9")
    first, *others = rendered.report.notes
    assert first.startswith(why) and "the peaks at -9.0 dBTP: " in first
    assert [note[:18] for note in others] == (["the limiter worked"] if by == "limiter" else [])
    facts = rendered.report.facts["speech"]
    if by == "limiter":
        turned_down_db = rendered.report.gain_db + 20 * np.log10(
            np.abs(speech.samples[0, round(facts["limiter_most_at_s"] * speech.sample_rate)])
            / np.abs(rendered.speech.samples[0, round(facts["limiter_most_at_s"] * speech.sample_rate)])
        )
        assert facts["limiter_most_db"] == pytest.approx(turned_down_db, abs=0.1)


def test_one_channel_of_two_needs_twice_the_power_and_so_meets_the_ceiling_sooner(speech):
    """BS.1770 sums the channels' powers: a voice on one of them has to be 3 dB louder there than on both."""
    left, both = (np.concatenate([speech.samples, other * speech.samples]) for other in (0, 1))
    gains_db = [render(each, speech.sample_rate, "ceiling_dbtp: null").report.gain_db for each in (left, both)]
    assert gains_db[0] - gains_db[1] == pytest.approx(10 * np.log10(2), abs=0.01)


@pytest.mark.parametrize("loudness", ["target_lufs: null", "least_speech_s: 0"])
def test_no_voice_activity_runs_where_the_gain_does_not_depend_on_it(speech, monkeypatch, loudness):
    monkeypatch.setattr(voice_activity, "Detector", lambda: pytest.fail("a detector was loaded"))
    rendered = render(speech.samples, speech.sample_rate, loudness)
    assert "speech_found_s" not in rendered.report.facts["speech"]


def test_windowed_equals_whole(speech):
    mix = Audio(np.concatenate([0.1 * speech.samples, speech.samples], axis=1)[:, : 9 * 44_100], 44_100)
    config = f"{PASSTHROUGH}loudness: {{ceiling_dbtp: null}}\nwindows: {{body_s: %s}}\n"
    whole, cut = (Pipeline(parse_config(config % body_s)).run(mix).speech.samples for body_s in (60, 2.3))
    assert level_db(cut - whole) - level_db(whole) < -60
