"""config/light.yaml on the pilot, against its truth."""

from pathlib import Path

import numpy as np
import soundfile

from sepkit import Audio, Pipeline, load_config
from sepkit.metrics.si_sdr import si_sdr_db

PILOT = Path(__file__).parents[2] / "data" / "pilot"


def sound(name: str) -> Audio:
    samples, rate = soundfile.read(PILOT / f"{name}.wav", dtype="float32", always_2d=True)
    return Audio(np.ascontiguousarray(samples[3 * rate : 13 * rate].T), rate)


def test_light_takes_the_music_and_keeps_the_voice():
    mix, speech = sound("mix"), sound("speech")
    truth = Audio(np.repeat(speech.samples, 2, axis=0), speech.sample_rate)
    rendered = Pipeline(load_config("light")).run(mix)
    assert si_sdr_db(truth, rendered.speech) > si_sdr_db(truth, mix) + 3
    assert si_sdr_db(sound("music"), rendered.stems["background"]) > si_sdr_db(sound("music"), mix) + 3
