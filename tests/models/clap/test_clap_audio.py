"""CLAP's audio tower on random weights, against laion-clap (a golden file); how sounds of other lengths are heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from sepkit.models.clap import audio
from tests.models.clap import clap_weights as weights

GOLDEN = Path(__file__).with_name("clap_golden.npz")
"""Written by scripts/golden_clap.py with transformers and laion-clap 1.1.7."""
SECONDS = (10.0, 3.7, 0.2)
EVERY = 20


@pytest.fixture(scope="module")
def tower() -> audio.AudioTower:
    tower = audio.AudioTower(weights.NARROW).eval().requires_grad_(False)
    tower.load_state_dict(weights.audio_numbers(weights.audio_shapes(weights.NARROW)))
    return tower


def distance_db(found: np.ndarray, expected: np.ndarray) -> float:
    error, whole = (np.sum(np.square(each, dtype=np.float64)) for each in (found - expected, expected))
    return float(10 * np.log10(max(error, 1e-300) / whole))


@pytest.mark.parametrize("index", range(len(SECONDS)))
def test_tower_is_that_of_laion_clap(tower, index):
    """Of 10 s, and of shorter sounds as upstream repeats them."""
    golden = np.load(GOLDEN)
    (clip,) = map(torch.from_numpy, audio.clips(weights.sound(SECONDS[index])))
    mel = tower.audio_branch.mel(clip).numpy()
    assert mel.shape == (1001, 64)
    assert distance_db(mel[::EVERY], golden["mels"][index]) < -100
    assert distance_db(tower(clip).numpy(), golden["audio_vectors"][index]) < -100


def test_full_tower_has_the_published_tensors():
    """Their names and shapes are those of laion-clap's HTSAT-base, which has 72,424,535 parameters."""
    shape = audio.Shape()
    named = {name: tuple(tensor.shape) for name, tensor in weights.unheard(shape).items()} | weights.audio_shapes(shape)
    front = "audio_branch."
    listed = sorted(f"{name[len(front) :]} {size}" for name, size in named.items() if name.startswith(front))
    assert listed == np.load(GOLDEN)["names"].tolist()
    assert len(listed) == 287


def test_shapes_are_read_off_the_tensors():
    for shape in (audio.Shape(), weights.NARROW):
        tensors = {name: torch.empty(size, device="meta") for name, size in weights.audio_shapes(shape).items()}
        assert audio.Shape.of(tensors) == shape


def test_a_long_sound_is_heard_from_start_to_end():
    heard = np.arange(25 * 48000, dtype=np.float32)
    starts = [clip[0] / 48000 for clip in audio.clips(heard)]
    assert starts == [0, 7.5, 15]
    assert [clip[-1] + 1 for clip in audio.clips(heard)] == [480000, 840000, 1200000]
    assert [clip[0] / 48000 for clip in audio.clips(heard, most=2)] == [0, 15]
    assert [clip[0] for clip in audio.clips(heard, most=1)] == [0]
    assert [clip[0] for clip in audio.clips(heard[:480001])] == [0, 1]
    (whole,) = audio.clips(heard[:480000])
    assert np.array_equal(whole, heard[:480000])


def test_a_short_sound_is_repeated_whole_and_then_silent():
    (clip,) = audio.clips(np.array([0.5, -0.25, 1], np.float32).repeat(50000))
    assert clip.size == 480000
    assert np.array_equal(clip[:150000], clip[300000:450000])
    assert clip[449999] == 1
    assert not clip[450000:].any()


def test_any_rate_and_any_channels_mean_the_same(clap):
    """The witness at another rate is SciPy's resampler."""
    sound = weights.sound(10.0)
    alone = clap.of_sound(sound[None], 48000)
    assert np.linalg.norm(alone) == pytest.approx(1, abs=1e-6)
    assert distance_db(clap.of_sound(np.stack([1.5 * sound, 0.5 * sound]), 48000), alone) < -100
    coarse = resample_poly(sound, 2, 3).astype(np.float32)
    again = resample_poly(coarse, 3, 2)[: sound.size].astype(np.float32)
    assert distance_db(clap.of_sound(coarse[None], 32000), clap.of_sound(again[None], 48000)) < -35


def test_a_long_sounds_vector_is_the_mean_of_its_clips(clap):
    sound = weights.sound(15.0)
    parts = np.stack([clap.of_sound(part[None], 48000) for part in (sound[:480000], sound[240000:])])
    assert parts[0] @ parts[1] < 0.9999
    mean = parts.mean(0) / np.linalg.norm(parts.mean(0))
    assert distance_db(clap.of_sound(sound[None], 48000), mean) < -100
    assert distance_db(clap.of_sound(sound[None], 48000, most_clips=1), parts[0]) < -100


def test_words_and_sounds_are_vectors_of_one_space(clap):
    words = clap.of_words("dog bark")
    assert words.shape == clap.of_sound(weights.sound(1.0)[None], 48000).shape == (16,)
    assert np.linalg.norm(words) == pytest.approx(1, abs=1e-6)
    assert np.array_equal(words, clap.of_words("  dog \n bark "))
    assert not np.array_equal(words, clap.of_words("a cat meows"))
