"""Where results may go, and what is asked of a report: mistakes are named before anything is rendered."""

import os
import re

import numpy as np
import pytest
import soundfile

from sepkit import Audio, Pipeline, SepkitError, evaluate_pair
from sepkit.config import parse_config
from sepkit.errors import OutputError
from tests.batch.folders import PASSTHROUGH, lay, samples

CONFIG = parse_config(PASSTHROUGH + "output: {background: true}")


@pytest.fixture
def source(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    return lay(tmp_path, "talk.wav") / "talk.wav"


def refused(folder, source, outputs, said):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(OutputError, match=said):
        Pipeline(CONFIG).render(source, outputs)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("other", ["x.wav", "link/x.wav", "link/link/x.wav", "X.wav"])
def test_two_stems_in_one_file_are_refused(tmp_path, source, other):
    """By links too, and by case, which many disks do not tell."""
    outputs = {"speech": tmp_path / "x.wav", "background": os.path.join(tmp_path, other)}  # noqa: PTH118  a text
    refused(tmp_path, source, outputs, "speech and background would both be .*[xX].wav; give each a path of its own")


@pytest.mark.parametrize("name", ["talk.wav", "link/talk.wav", "hard.wav", "soft.wav"])
def test_the_source_is_never_replaced(tmp_path, source, name):
    (tmp_path / "hard.wav").hardlink_to(source)
    (tmp_path / "soft.wav").symlink_to(source)
    refused(tmp_path, source, {"speech": str(tmp_path / name)}, re.escape(f"{tmp_path / name} is the source itself"))
    if name == "soft.wav":  # read by its link, written to where that leads
        refused(tmp_path, tmp_path / name, {"speech": source}, "is the source itself")


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (None, "outputs: found None; give a path for each stem"),
        ("x.wav", "outputs: found 'x.wav'; give a path for each stem"),
        ({}, "outputs: found the stems none; name one or more of speech, background, fused"),
        ({1: "x.wav"}, "outputs: found the stems 1; name one"),
        ({"speech": None}, "outputs: speech: found None; give a path"),
        ({"speech": 3}, "outputs: speech: found 3; give a path"),
        ({"speech": "a\0b.wav"}, "give a path"),
    ],
)
def test_outputs_of_another_form_are_named(tmp_path, source, outputs, said):
    refused(tmp_path, source, outputs, said)


def test_what_is_right_is_rendered(tmp_path, source):
    """A link that leads elsewhere is none of the source."""
    outputs = {"speech": tmp_path / "link/x.wav", "background": str(tmp_path / "y.wav")}
    Pipeline(CONFIG).render(str(source), outputs)
    np.testing.assert_allclose(samples(tmp_path / "x.wav"), samples(source), atol=1.01 / 2**15)
    assert soundfile.info(tmp_path / "y.wav").frames == 4000


def test_a_report_without_speech_says_so(tmp_path, source):
    report = Pipeline(CONFIG).render(source, {"background": tmp_path / "x.wav"})
    for name in ("lufs_rendered", "gain_db"):
        with pytest.raises(SepkitError, match="no speech was rendered, and facts are known of no stem"):
            getattr(report, name)
    assert Pipeline(CONFIG).render(source, {"speech": tmp_path / "x.wav"}).gain_db == 0


@pytest.mark.parametrize("rate", [0, -1, 44100.0, None, "8000", True])
def test_a_rate_that_is_none_is_named(rate):
    with pytest.raises(SepkitError, match=re.escape(f"sample_rate: found {rate!r}; give a whole number of Hz")):
        Audio(np.zeros((1, 10)), rate)


@pytest.mark.parametrize("shape", [(0, 10), (1, 2, 3), ()])
def test_sound_of_another_shape_is_named(shape):
    with pytest.raises(SepkitError, match=re.escape(f"samples: found the shape {shape}; give (channels, frames)")):
        Audio(np.zeros(shape), 8000)


def test_sound_without_frames_is_neither_rendered_nor_measured():
    empty, some = Audio(np.zeros(0), 8000), Audio(np.zeros(10), 8000)
    for use in (
        Pipeline(CONFIG).run,
        lambda audio: evaluate_pair(some, audio),
        lambda audio: evaluate_pair(audio, some),
    ):
        with pytest.raises(SepkitError, match="samples: found no frames"):
            use(empty)


def test_a_rate_of_numpy_is_a_number():
    audio = Audio(np.zeros(10), np.int64(8000))
    assert type(audio.sample_rate) is int and audio.duration_s == 10 / 8000
