"""Voice activity: the package's own detector, which takes one step at a time, as witness."""

from pathlib import Path

import numpy as np
import soundfile
import torch

from sepkit.models.device import keeping_threads
from sepkit.models.voice_activity import SAMPLE_RATE, STEPS_AT_ONCE, Detector, in_steps

PILOT = Path(__file__).parents[2] / "data" / "pilot"


def pilot_steps(name):
    samples, rate = soundfile.read(PILOT / f"{name}.wav", dtype="float32", always_2d=True)
    return in_steps(samples.mean(1, dtype=np.float32)[None], rate)[0]


def test_each_step_is_as_likely_as_the_package_says():
    steps = np.concatenate([pilot_steps("mix"), pilot_steps("speech")])
    assert len(steps) > STEPS_AT_ONCE
    with keeping_threads():
        import silero_vad
    package = silero_vad.load_silero_vad(onnx=True)
    expected = [float(package(torch.from_numpy(step), SAMPLE_RATE)) for step in steps]
    assert min(expected) < 0.1 < 0.9 < max(expected)
    np.testing.assert_allclose(Detector().hear(steps), expected, atol=1e-6)


def test_what_is_heard_in_parts_is_remembered_and_two_detectors_know_nothing_of_each_other():
    mix, music = pilot_steps("mix"), pilot_steps("music")
    whole, other = Detector().hear(mix), Detector().hear(music)
    one, two = Detector(), Detector()
    parts = [(one.hear(mix[a:b]), two.hear(music[a:b])) for a, b in ((0, 1), (1, 1), (1, 250), (250, len(mix)))]
    for found, expected in zip(zip(*parts, strict=True), (whole, other), strict=True):
        np.testing.assert_allclose(np.concatenate(found), expected[: len(mix)], atol=1e-6)
