"""Similarity of a prompt and a sound, on random weights of CLAP in laion's format; the towers have their own tests."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from sepkit.audio.samples import Audio
from sepkit.metrics import text_audio
from sepkit.metrics.base import Edited, Pair, verdict
from sepkit.models import catalogue
from sepkit.models.clap import Clap
from tests.metrics.pairs import noise, pilot, row
from tests.models.clap import clap_weights


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A checkpoint of the user's own; the tokenizer is where the published one would be."""
    checkpoint, tokenizer = text_audio.catalogue()
    words = clap_weights.write_tokenizer(tmp_path / "tokenizer.json")
    monkeypatch.setattr(text_audio, "catalogue", lambda: (checkpoint, replace(tokenizer, path=words, sha256="")))
    return clap_weights.write(tmp_path / "laion.pt")


def test_without_weights_the_row_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found = row("text_audio", Pair(noise(800, 0), noise(800, 1)), prompt="dog bark")
    assert found.before is None and found.after is None
    assert "1.3 GB" in found.why and "sepkit models fetch audiosep" in found.why


def test_without_a_prompt_nothing_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found = row("text_audio", Pair(noise(800, 0), noise(800, 1)))
    assert found.after is None and "no prompt is known" in found.why


def test_the_value_is_the_product_of_both_vectors(weights):
    mix, speech = pilot("mix.wav", 2.3, 4.3), pilot("speech.wav", 2.3, 4.3)
    found = row("text_audio", Pair(mix, speech), prompt="female speech", weights=str(weights))
    file = replace(text_audio.catalogue()[0], path=weights, sha256="")
    clap = Clap(file, text_audio.catalogue()[1])
    words = clap.of_words("female speech").astype(np.float64)
    for audio, value in ((mix, found.before), (speech, found.after)):
        sound = clap.of_sound(audio.samples, audio.sample_rate).astype(np.float64)
        cosine = words @ sound / np.sqrt((words @ words) * (sound @ sound))
        assert value == pytest.approx(cosine, abs=1e-6)
    assert abs(found.before - found.after) > 1e-4  # it does listen
    assert found.note == 'to "female speech"' and found.unit == "cosine"
    other = row("text_audio", Pair(mix, speech), prompt="dog bark", weights=str(weights))
    assert abs(other.after - found.after) > 1e-4  # and read


def test_what_is_removed_should_be_less_like_the_prompt(weights):
    mix = Audio(clap_weights.sound(2.0)[None], 48000)
    pair = Pair(mix, noise(96000, 1, sample_rate=48000))
    verdicts = set()
    for mode in ("keep", "remove"):
        found = row("text_audio", pair, prompt="dog bark", mode=mode, weights=str(weights))
        assert (found.better == "higher") == (mode == "keep")
        verdicts.add(verdict({"before": found.before, "after": found.after, "better": found.better}))
    assert verdicts == {"better", "worse"}


def test_of_an_edit_what_lies_inside_its_windows_is_heard(weights):
    options = {"prompt": "dog bark", "weights": str(weights)}
    mix, clean = (Audio(clap_weights.sound(4.0, seed)[None], 48000) for seed in (3, 4))
    spans = ((12000, 60000), (96000, 130000))
    cut = [Audio(np.concatenate([each.samples[:, a:b] for a, b in spans], 1), 48000) for each in (mix, clean)]
    found = row("text_audio", Pair(mix, clean, edited=Edited(spans, spans)), **options)
    expected = row("text_audio", Pair(*cut), **options)
    assert (found.before, found.after) == (expected.before, expected.after)
    assert found.note == 'to "dog bark", inside the windows'
    whole = row("text_audio", Pair(mix, clean), **options)
    assert whole.after != found.after
    assert "no window lies" in row("text_audio", Pair(mix, clean, edited=Edited((), ())), **options).why


def test_weights_of_the_users_own_are_checked(weights):
    pair = Pair(noise(800, 0), noise(800, 1))
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    options = {"prompt": "dog bark", "weights": str(weights)}
    assert row("text_audio", pair, **options, sha256=digest).why is None
    assert "damaged or not" in row("text_audio", pair, **options, sha256="0" * 64).why
    with pytest.raises(ValidationError, match="sha256 is for weights of your own"):
        text_audio.Options(sha256="0" * 64)


def test_the_list_of_models_says_that_audioseps_file_is_its():
    model = catalogue.find("audiosep")
    assert model.used_by == ("separators/audiosep", "metrics/text_audio")
    assert sum(file.size_bytes for file in model.files) == 1_264_844_076 + 1_355_863
