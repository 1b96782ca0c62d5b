"""Windows cover every frame once, and joining what is independent of the cut gives back the whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepkit.audio.windows import WIDEST_HZ, Seam, blocks, channels_at_once, cut, read_around, stretch_frames

sizes = st.tuples(
    st.integers(1, 5000), st.integers(1, 800), st.integers(0, 300), st.sampled_from([1, 7, 64]), st.integers(0, 40)
)


@given(sizes)
def test_bodies_cover_every_frame_once_and_windows_start_on_the_grid(size):
    frames, _, context_frames, grid_frames, fade_frames = size
    windows = list(cut(*size))
    covered = [frame for window in windows for frame in range(window.body_start, window.body_stop)]
    assert covered == list(range(frames))
    for window in windows:
        assert window.start % grid_frames == 0
        assert window.start <= max(window.body_start - context_frames, 0) or window.start == 0
        assert window.stop == frames or window.stop >= window.tail_stop + context_frames
        assert window.tail_stop == min(window.body_stop + fade_frames, frames) or len(windows) == 1


@given(sizes)
def test_seams_leave_no_trace_when_windows_agree(size):
    frames = size[0]
    truth = np.sin(np.arange(2 * frames, dtype=np.float32)).reshape(2, frames)
    seam = Seam()
    joined = [seam.join(truth[:, window.start : window.stop], window) for window in cut(*size)]
    np.testing.assert_allclose(np.concatenate(joined, axis=1), truth, atol=1e-6)


def test_bodies_hold_the_widest_grid_a_whole_number_of_times():
    """So every window but the first and the last few is as long as the next, whatever a member's grid and context."""
    windows = list(cut(10_000, 450, 30, 10, 5, widest_grid_frames=200))
    spans = [read_around(window, 10_000, context_frames=190, grid_frames=200) for window in windows]
    assert {window.body_stop - window.body_start for window in windows} == {400}
    assert {stop - start for start, stop in spans[1:-1]} == {200 + 200 + 400 + 5 + 30 + 190}
    assert [window.body_stop for window in cut(1000, 450, 30, 10, 5, widest_grid_frames=500)] == [450, 900, 1000]


def test_a_seam_fades_from_the_old_body_into_the_new_one():
    windows = list(cut(frames=200, body_frames=100, context_frames=0, grid_frames=1, fade_frames=4))
    seam = Seam()
    seam.join(np.zeros((1, 104), np.float32), windows[0])
    second = seam.join(np.ones((1, 100), np.float32), windows[1])
    np.testing.assert_allclose(second[0, :6], [0.125, 0.375, 0.625, 0.875, 1, 1])


def test_a_member_reads_its_own_context_from_its_own_grid():
    window = list(cut(frames=10_000, body_frames=1000, context_frames=100, grid_frames=10, fade_frames=0))[5]
    assert (window.start, window.stop) == (4900, 6100)
    assert read_around(window, 10_000, context_frames=55, grid_frames=441) == (441 * 10, 6155)
    assert read_around(window, 6120, context_frames=55, grid_frames=441)[1] == 6120


@pytest.mark.parametrize(
    ("rate", "channels", "body_s"),
    [
        *((8_000, 1, 60.0), (44_100, 2, 60.0), (48_000, 2, 60.0), (48_000, 2, 3600.0), (48_000, 6, 60.0)),
        *((48_000, 8, 60.0), (96_000, 2, 60.0), (96_000, 4, 60.0), (192_000, 2, 60.0), (44_100, 2, 0.1)),
    ],
)
def test_what_people_record_is_cut_as_long_as_it_was_asked_for(rate, channels, body_s):
    """Finished results must stay what they are: the length is that of before there was a bound, to the frame."""
    assert stretch_frames(body_s, rate, channels) == round(body_s * rate)


@pytest.mark.parametrize(("rate", "channels"), [(655_350, 8), (3_072_000, 64), (48_000, 64), (192_000, 6)])
def test_a_body_holds_no_more_samples_than_one_of_seven_point_one(rate, channels):
    held = stretch_frames(60.0, rate, channels) * channels
    assert held == pytest.approx(60 * 48_000 * 8, rel=1e-4)
    assert max(frames for _, frames in blocks(rate * 60, rate, channels)) * channels <= 10 * 48_000 * 8 * 1.0001


@pytest.mark.parametrize(
    ("rate", "channels", "at_once"),
    [
        *((44_100, 1, [1]), (48_000, 2, [2]), (48_000, 8, [8]), (96_000, 6, [4, 2]), (192_000, 6, [2, 2, 2])),
        *((655_350, 8, [2, 2, 2, 2]), (3_072_000, 3, [2, 1]), (48_000, 64, [8] * 8)),
    ],
)
def test_context_is_held_of_as_many_channels_as_fit_and_pairs_stay_together(rate, channels, at_once):
    groups = list(channels_at_once(rate, channels))
    assert [len(group) for group in groups] == at_once
    assert [channel for group in groups for channel in group] == list(range(channels))
    assert all(group.start % 2 == 0 for group in groups)
    assert max(at_once) * rate <= max(WIDEST_HZ, 2 * rate)
