"""Seconds of speech. Witness: the pilot's true speech, how long of it sounds, and music in which nobody speaks."""

import numpy as np
import pytest

from sepkit import Audio
from sepkit.audio.read import read_audio
from sepkit.config import parse_config
from sepkit.judge.evaluate import Evaluator
from sepkit.metrics.base import Pair
from tests.metrics.pairs import PILOT

MEMBER = "members: [{separator: passthrough}]\n"


def seconds(mix: Audio, clean: Audio) -> tuple[float, float]:
    (bound,) = parse_config(MEMBER + "gate: {speech_s_min: 1}").bounds()
    assert (bound.metric, bound.row, bound.kind, bound.limit) == ("speech", "speech", "min", 1)
    (score,) = Evaluator(parse_config(MEMBER + "gate: {speech_s_min: 1}").gate_metrics()).scores(Pair(mix, clean))
    return score.before, score.after


def test_speech_is_counted_and_music_is_not():
    speech, music = (read_audio(PILOT / name, 1.8, 6.1) for name in ("speech.wav", "music.wav"))
    left = Audio(music.samples * np.float32(0.03), music.sample_rate)
    sounding_s = np.mean(np.abs(speech.samples) > 0.001) * 6.1
    assert seconds(speech, speech) == pytest.approx((sounding_s, sounding_s), abs=1.0)
    assert seconds(music, left)[1] == 0
