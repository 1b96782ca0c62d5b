"""Pieces of sound in their places, held against one array of the whole source."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sepkit.audio.patches import Patches
from sepkit.audio.read import SourceInfo, audio_source
from sepkit.audio.samples import Audio

FRAMES = 60
pieces = st.lists(st.tuples(st.integers(0, FRAMES - 1), st.integers(1, 20)), max_size=8)


@given(st.lists(pieces, max_size=3), st.integers(0, FRAMES), st.integers(0, FRAMES))
def test_every_stretch_is_the_sum_of_what_lies_in_it(layers, one, other):
    info = SourceInfo(Path("a"), 8000, 2, FRAMES, "WAV", "FLOAT", lossless=True)
    rng = np.random.default_rng(0)
    mix, whole, touched = rng.normal(size=(2, FRAMES)).astype(np.float32), np.zeros((2, FRAMES)), np.zeros(FRAMES, bool)
    source = audio_source(Audio(mix, 8000))
    start, stop = sorted((one, other))
    with Patches(info) as patches:
        for layer in layers:
            heard = patches.read(0, FRAMES)
            for begin, frames in layer:
                block = rng.normal(size=(2, min(frames, FRAMES - begin))).astype(np.float32)
                patches.add(begin, block)
                whole[:, begin : begin + frames] += block
                touched[begin : begin + frames] = True
            again = patches.read(0, FRAMES)  # nothing is heard before it is settled
            assert (heard is None and again is None) or np.array_equal(heard, again)
            patches.settle()
        found, left = patches.read(start, stop - start), patches.taken_from(source).read(start, stop - start)
    assert (found is None) == (not touched[start:stop].any())
    np.testing.assert_allclose(0 if found is None else found, whole[:, start:stop], atol=1e-5)
    np.testing.assert_allclose(left, (mix - whole)[:, start:stop], atol=1e-5)
    np.testing.assert_array_equal(left[:, ~touched[start:stop]], mix[:, start:stop][:, ~touched[start:stop]])
