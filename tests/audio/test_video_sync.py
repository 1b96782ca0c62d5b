"""New sound lies to the sample where the old one was, and the picture is the same packets at the same times."""

import numpy as np
import pytest

from sepkit.audio.read import open_source
from sepkit.audio.video.kinds import kind_of
from sepkit.audio.video.new_track import NewTrack
from sepkit.audio.video.remux import remux
from sepkit.audio.write import AudioWriter
from tests.audio.timed import RATE, burst
from tests.audio.videos import packets, time_of, video

CLICKS = {RATE // 5: burst(RATE // 10), 3 * RATE // 2: burst(RATE // 10, seed=1)}
"""Short sounds that no other resembles, by the frame of the track at which each begins."""

ONE_TICK = RATE // 1000
"""The encoders of the sources write times that are this coarse: a track that begins late is off by it."""


def clicks(frames: int = 2 * RATE) -> np.ndarray:
    samples = np.zeros((2, frames), np.float32)
    for at, click in CLICKS.items():
        samples[:, at : at + click.shape[1]] = click
    return samples


def resounded(source, tmp_path, **how):
    """The video with its own sound, as a task would give it that changes nothing."""
    with open_source(source) as opened:
        info = opened.info
        with AudioWriter(tmp_path / "sound.wav", info.sample_rate, info.channels, "WAV", "PCM_16") as writer:
            writer.write(opened.read(0, info.frames))
    kind = kind_of(source)
    track = NewTrack(tmp_path / "sound.wav", info.track, info.begins_s, **how)
    result = tmp_path / f"result{source.suffix}"
    return result, remux(source, result, kind, [track])


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
