"""What is measured of a whole source, against numpy's own."""

import numpy as np
import pytest
import soundfile

from sepkit.audio.read import open_source
from sepkit.render.statistics import measured


def test_mean_deviation_and_side_of_each_pair(tmp_path):
    rng = np.random.default_rng(0)
    samples = (0.1 * rng.standard_normal((3, 50000)) + 0.02).astype(np.float32)
    samples[1] *= -0.5
    path = tmp_path / "three.wav"
    soundfile.write(path, samples.T, 16000, "FLOAT")
    with open_source(path) as source:
        first, second = measured(source)
    mono = samples[:2].astype(float).mean(0)
    side = samples[0] - mono
    assert first[:4] == pytest.approx((mono.mean(), mono.std(ddof=1), side.mean(), side.std()), rel=1e-6)
    third = samples[2].astype(float)
    assert second[:4] == pytest.approx((third.mean(), third.std(ddof=1), 0, 0), rel=1e-6)
    for found, whole in ((first.levels, (mono, side)), (second.levels, (third, 0 * third))):
        seconds = [[(each - each.mean())[at : at + 16000] for at in range(0, 50000, 16000)] for each in whole]
        expected = [[np.sqrt(np.mean(second**2)) for second in each] for each in seconds]
        np.testing.assert_allclose(found, expected, rtol=1e-6)
