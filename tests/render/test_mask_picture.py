"""Masks as they were used: of a rendering whose masks are known, and of one in windows beside one in a piece."""

import numpy as np
import pytest
import soundfile

from sepkit.config import parse_config
from sepkit.render.mask_picture import MaskPicture
from sepkit.render.pipeline import Pipeline

RATE = 16_000
CONFIG = """
members: [{separator: passthrough}, {separator: nn_filter}, {separator: passthrough}]
fuse: {rule: min}
denoise: null
post_mask: null
equalise: null
"""


def render(folder, extra: str = "", samples: np.ndarray | None = None) -> MaskPicture:
    if samples is None:
        samples = 0.1 * np.random.default_rng(0).standard_normal((6 * RATE, 2))
    soundfile.write(folder / "mix.wav", samples, RATE, subtype="FLOAT")
    masks = MaskPicture()
    Pipeline(parse_config(CONFIG + extra)).render(folder / "mix.wav", {"speech": folder / "out.wav"}, masks=masks)
    return masks


def test_names_and_values_of_masks(tmp_path):
    """`passthrough` keeps all: its mask is 1 wherever there is sound; `min` then is the other member's."""
    masks = render(tmp_path)
    assert list(masks.pictures) == ["fused", "passthrough 1", "nn_filter", "passthrough 2"]
    assert masks.top_hz == RATE / 2
    assert masks.pictures["passthrough 1"] == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(masks.pictures["fused"], masks.pictures["nn_filter"], atol=1e-6)
    assert 0 < masks.pictures["nn_filter"].mean() < 0.5  # noise is nobody's speech


def test_windows_give_the_picture_of_the_whole(tmp_path):
    """The members are such that windows give the same samples; hence the same masks."""
    config = "members: [{separator: passthrough}, {separator: rnnoise}]"
    noise = 0.1 * np.random.default_rng(1).standard_normal((6 * RATE, 1))
    pictures = []
    for body_s in (60, 1.5):
        masks = MaskPicture()
        soundfile.write(tmp_path / "mix.wav", noise, RATE, subtype="FLOAT")
        made = Pipeline(parse_config(f"{config}\npost_mask: null\nwindows: {{body_s: {body_s}}}"))
        made.render(tmp_path / "mix.wav", {"speech": tmp_path / "out.wav"}, masks=masks)
        pictures.append(masks.pictures)
    for name in pictures[0]:
        assert not np.isnan(pictures[1][name]).any()
        np.testing.assert_allclose(pictures[0][name], pictures[1][name], atol=0.05)


def test_what_no_model_heard_is_left_open(tmp_path):
    samples = 0.1 * np.random.default_rng(0).standard_normal((20 * RATE, 1))
    masks = render(tmp_path, "skip_silence: {}", samples)  # nobody speaks in noise
    assert all(np.isnan(picture).all() for picture in masks.pictures.values())


def test_looking_on_changes_no_sample(tmp_path):
    render(tmp_path)
    watched = soundfile.read(tmp_path / "out.wav")[0]
    Pipeline(parse_config(CONFIG)).render(tmp_path / "mix.wav", {"speech": tmp_path / "out.wav"})
    np.testing.assert_array_equal(soundfile.read(tmp_path / "out.wav")[0], watched)
