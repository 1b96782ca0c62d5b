"""The envelope of an edit against the analytic raised cosine, as a partition of the frames, and block by block."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sepkit.stages.fade import envelope


def analytic(frame, first, stop, fade_frames):
    """cos² of what is left of the fade, in float64, frame by frame: ½ + ½ cos(2a) = cos²(a)."""
    from_edge = min(frame - first, stop - 1 - frame)
    return 1.0 if from_edge >= fade_frames else math.cos(math.pi / 2 * (1 - from_edge / fade_frames)) ** 2


def test_it_is_the_analytic_raised_cosine():
    found = envelope([(100, 400)], 50, 0, 500)
    expected = [analytic(frame, 100, 400, 50) if 100 <= frame < 400 else 0.0 for frame in range(500)]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-7)
    assert found[125] == 0.5  # half way


def test_a_short_window_has_shorter_fades():
    for frames, fade_frames in ((3, 1), (4, 1), (99, 49), (100, 49)):
        found = envelope([(10, 10 + frames)], 50, 0, 200)
        expected = [analytic(frame, 10, 10 + frames, fade_frames) for frame in range(10, 10 + frames)]
        np.testing.assert_allclose(found[10 : 10 + frames], expected, atol=1e-7)
        assert found.max() == 1.0


def test_no_fade_fits_into_two_frames_and_none_is_made_where_none_is_asked():
    assert not envelope([(3, 5)], 50, 0, 10).any()
    np.testing.assert_array_equal(envelope([(3, 5), (7, 8)], 0, 0, 10), [0, 0, 0, 1, 1, 0, 0, 1, 0, 0])


@st.composite
def windows(draw):
    """Apart and in order, from gaps and lengths that alternate."""
    edges = np.cumsum(draw(st.lists(st.integers(1, 60), min_size=2, max_size=12)))
    return [(int(first), int(stop)) for first, stop in zip(edges[::2], edges[1::2], strict=False)]


@settings(deadline=None, max_examples=100)
@given(windows(), st.integers(1, 40))
def test_it_parts_the_frames_exactly(spans, fade_frames):
    length = spans[-1][1] + 5
    found = envelope(spans, fade_frames, 0, length)
    outside = np.ones(length, dtype=bool)
    for first, stop in spans:
        outside[first:stop] = False
        inside = found[first:stop]
        assert inside[0] == inside[-1] == 0
        np.testing.assert_array_equal(inside, inside[::-1])
        assert (inside[fade_frames:-fade_frames] == 1).all()
        assert stop - first < 3 or inside[(stop - first) // 2] == 1
    assert not found[outside].any()
    assert ((found >= 0) & (found <= 1)).all()


@settings(deadline=None, max_examples=100)
@given(windows(), st.integers(0, 40), st.integers(1, 97))
def test_blocks_make_the_whole(spans, fade_frames, step):
    length = spans[-1][1] + 5
    parts = [envelope(spans, fade_frames, start, min(start + step, length)) for start in range(0, length, step)]
    np.testing.assert_array_equal(np.concatenate(parts), envelope(spans, fade_frames, 0, length))
