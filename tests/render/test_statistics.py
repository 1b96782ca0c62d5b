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
    assert first == pytest.approx((mono.mean(), mono.std(ddof=1), np.std(samples[0] - mono)), rel=1e-6)
    assert second == pytest.approx((samples[2].mean(dtype=float), samples[2].std(ddof=1, dtype=float), 0), rel=1e-6)
