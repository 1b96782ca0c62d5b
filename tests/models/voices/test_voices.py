"""Voices as vectors: mel bands against librosa, vectors against Resemblyzer (a golden file), and what they are for."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import pytest

from scripts.golden_voices import spans
from sepkit.models import weights
from sepkit.models.voices import encoder, mel
from tests.speakers.conversation import speech

GOLDEN = Path(__file__).with_name("voices_golden.npz")
"""Written by scripts/golden_voices.py with Resemblyzer 0.1.4."""


def test_mel_bands_are_librosas():
    said = spans()[-1]
    expected = librosa.feature.melspectrogram(y=said, sr=mel.SAMPLE_RATE, n_fft=400, hop_length=160, n_mels=40).T
    np.testing.assert_allclose(mel.bands(said), expected, rtol=1e-4, atol=1e-6 * expected.max())


def test_vectors_are_resemblyzers():
    golden = np.load(GOLDEN)["voices"]
    for said, expected in zip(spans(), golden, strict=True):
        np.testing.assert_allclose(encoder.embed(said), expected, atol=1e-5)


def test_a_voice_does_not_depend_on_its_level():
    said = spans()[-1]
    np.testing.assert_allclose(encoder.voice(said * np.float32(0.01)), encoder.voice(said), atol=1e-5)


def test_one_person_is_near_and_another_is_far():
    """The pilot's two readers (data/pilot/README.md), twice each."""
    one, other = (speech(person) for person in range(2))
    (one_a, one_b), (other_a, other_b) = (
        [encoder.voice(half) for half in np.array_split(each, 2)] for each in (one, other)
    )
    assert min(one_a @ one_b, other_a @ other_b) > 0.8 > 0.7 > max(one_a @ other_a, one_b @ other_b)


@pytest.mark.parametrize("frames", [0, 1, 4000])
def test_silence_is_nobody(frames):
    assert not encoder.voice(np.zeros(frames, np.float32)).any()


def test_the_file_in_the_package_is_the_one_that_is_named():
    file = encoder.weight_file()
    weights.verify(file)
    assert file.path.stat().st_size == file.size_bytes
