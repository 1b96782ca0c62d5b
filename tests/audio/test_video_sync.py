"""New sound lies to the sample where the old one was, and the picture is the same packets at the same times."""

import pytest

from scripts.bench.films import CLICKS, RATE, clicks, packets, time_of, video
from tests.audio.videos import resounded

ONE_TICK = RATE // 1000
"""The encoders of the sources write times that are this coarse: a track that begins late is off by it."""


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
@pytest.mark.parametrize("shape", ["from 0", "late", "reordered", "varying"])
def test_clicks_stay_on_their_sample_beside_the_same_pictures(tmp_path, suffix, shape):
    start_s = 0.5 if shape == "late" else 0.0
    source = video(
        tmp_path / f"film.{suffix}", [clicks()], start_s, b_frames=shape == "reordered", varying=shape == "varying"
    )
    before = packets(source)
    result, notes = resounded(source, tmp_path)
    assert notes == ()
    assert packets(result) == before and len(before[0]) >= 50
    for at, click in CLICKS.items():
        there = time_of(source, click)
        assert abs(there - (start_s * RATE + at)) <= ONE_TICK
        assert abs(time_of(result, click) - there) <= 1
