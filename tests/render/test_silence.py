"""Spans without speech are found, skipped and come out at their floor; what is rendered is what it was without them.

Witness of the spans: the file itself, laid out from the pilot's true speech and music at known places.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from sepkit import Audio, Pipeline
from sepkit.audio.read import audio_source, read_audio
from sepkit.audio.windows import Span
from sepkit.config import parse_config
from sepkit.config.sections import SilenceConfig
from sepkit.render.silence import spans
from sepkit.separators.compact.separator import Separator

PILOT = Path(__file__).parents[2] / "data" / "pilot"
CONFIG = """
members: [{separator: compact}]
post_mask: null
windows: {body_s: 4}
loudness: {target_lufs: null, ceiling_dbtp: null}
"""
SPEECH_S, FIRST_S, SECOND_S, LENGTH_S = 4.0, 6.0, 18.0, 30.0


@pytest.fixture(scope="module")
def programme() -> Audio:
    """Music alone, speech over it from 6 to 10 s, nothing from 12 to 17 s, speech alone from 18 to 22 s, nothing."""
    speech, music = read_audio(PILOT / "speech.wav", 2.3, SPEECH_S), read_audio(PILOT / "music.wav", 0.0, 12.0)
    rate = speech.sample_rate
    samples = np.zeros((1, round(LENGTH_S * rate)), np.float32)
    samples[:, : music.frames] += 0.3 * music.samples[:1]
    for begin_s in (FIRST_S, SECOND_S):
        begin = round(begin_s * rate)
        samples[:, begin : begin + speech.frames] += speech.samples[:1]
    return Audio(samples, rate)


def seconds(found: list[Span], rate: int) -> list[tuple[float, float]]:
    return [(span.start / rate, span.stop / rate) for span in found if span.active]


def test_speech_is_found_where_it_was_laid(programme):
    found = spans(audio_source(programme), SilenceConfig(), context_s=0)
    assert [span.start for span in found] == [0, *(span.stop for span in found[:-1])]
    assert found[-1].stop == programme.frames
    first, second = seconds(found, programme.sample_rate)
    assert FIRST_S - 1.5 <= first[0] <= FIRST_S + 0.5 and FIRST_S + SPEECH_S - 1 <= first[1] <= 13
    assert SECOND_S - 1 <= second[0] <= SECOND_S + 0.5 and SECOND_S + SPEECH_S - 1 <= second[1] <= 23.5


def test_a_silence_within_the_members_reach_is_rendered(programme):
    far = spans(audio_source(programme), SilenceConfig(), context_s=10)
    ((begin_s, end_s),) = seconds(far, programme.sample_rate)
    assert begin_s <= FIRST_S and end_s >= SECOND_S + SPEECH_S - 1
    assert not far[0].active and not far[-1].active  # before the first and after the last nothing is heard


@pytest.mark.parametrize("opposed", [False, True])
def test_speech_in_one_channel_is_enough(programme, opposed):
    """Opposed channels cancel in the mono mix."""
    other = -programme.samples if opposed else np.zeros_like(programme.samples)
    both = Audio(np.concatenate([other, programme.samples]), programme.sample_rate)
    alone = spans(audio_source(programme), SilenceConfig(), context_s=0)
    assert len(spans(audio_source(both), SilenceConfig(), context_s=0)) == len(alone)


def test_what_is_rendered_is_unchanged_and_the_rest_comes_out_at_the_floor(programme, monkeypatch):
    heard, separate = [], Separator.separate

    def listening(self, mix):
        heard.append(mix.samples.shape[1] / programme.sample_rate)
        return separate(self, mix)

    whole = Pipeline(parse_config(CONFIG)).run(programme).speech.samples
    monkeypatch.setattr(Separator, "separate", listening)
    skipping = Pipeline(parse_config(CONFIG + "skip_silence: {floor_db: -40}"))
    skipping.load()
    found = skipping.spans(audio_source(programme))
    speech = skipping.run(programme).speech.samples
    assert speech.shape == programme.samples.shape

    fade = math.ceil(0.01 * programme.sample_rate)
    for span in found:
        inside = slice(span.start + fade, span.stop)
        if span.active:
            error = ((speech[:, inside] - whole[:, inside]).astype(np.float64) ** 2).sum()
            assert 10 * math.log10(error / (whole[:, inside].astype(np.float64) ** 2).sum() + 1e-30) < -60
        else:
            np.testing.assert_allclose(speech[:, inside], programme.samples[:, inside] / 100, rtol=1e-6)
    active_s = sum(stop - start for start, stop in seconds(found, programme.sample_rate))
    reach_s = sum(2 * skipping.ensemble.context_s + 0.5 for _ in heard)
    assert active_s <= sum(heard) <= active_s + reach_s


def test_a_file_without_speech_is_heard_by_no_model(programme, monkeypatch):
    monkeypatch.setattr(Separator, "separate", lambda *_: pytest.fail("a model was run"))
    quiet = Audio(np.full((2, 48_000), 1e-5, np.float32), 16_000)
    rendered = Pipeline(parse_config(CONFIG + "skip_silence: {floor_db: null}")).run(quiet)
    assert not rendered.speech.samples.any()
    np.testing.assert_array_equal(rendered.background.samples, quiet.samples)


def test_the_detector_counts_among_the_weights():
    with_it = Pipeline(parse_config(CONFIG + "skip_silence: {}")).weights()
    assert [file.model for file in with_it] == ["compact", "silero-vad"]
