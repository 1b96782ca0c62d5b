"""The SNR against the mix: the published figures that a change of level alone explains, and what it rewards."""

import math

import numpy as np
import pytest

from sepkit.audio.samples import Audio
from sepkit.metrics.base import Pair
from sepkit.metrics.mix_snr import mix_snr_db
from tests.metrics.pairs import orthogonal, row


def by_numpy(o: np.ndarray, p: np.ndarray) -> float:
    """As it was published."""
    return float(10 * np.log10(np.sum(p**2) / np.sum((o - p) ** 2)))


def test_a_gain_of_115_alone_moves_it_from_minus_7_97_to_0_07_db():
    """A mask that keeps one part of the mix and drops the rest, orthogonal to it, is as good as their ratio."""
    kept, dropped = orthogonal(8000)
    kept = kept * 10 ** (-7.97 / 20)
    mix = kept + dropped
    for gain, expected in ((1, -7.97), (115, 0.07)):
        found = mix_snr_db(Audio(mix, 8000), Audio(gain * kept, 8000))
        assert round(found, 2) == expected
        assert found == pytest.approx(by_numpy(mix, gain * kept), abs=1e-6)  # float32


@pytest.mark.parametrize("gain", [0.2854, 2.0, 115.0, 124.6])
def test_of_the_mix_itself_at_another_level_it_is_that_level_over_its_distance_from_one(gain):
    mix, _ = orthogonal(8000, channels=2)
    found = mix_snr_db(Audio(mix, 8000), Audio(gain * mix, 8000))
    assert found == pytest.approx(20 * math.log10(gain / abs(1 - gain)), abs=1e-6)


def test_doing_nothing_is_infinitely_good_and_so_has_no_figure():
    mix = Audio(orthogonal(8000)[0], 8000)
    score = row("mix_snr", Pair(mix, mix, reference=mix))
    assert score.after is None and score.exact == (None, math.inf)
    assert score.why == "not measured: after is infinite"
    assert "rewards doing nothing" in score.label and score.better == "neither"
