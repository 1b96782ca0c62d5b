"""Similarity of a prompt and a sound, on random weights of CLAP in laion's format; the towers have their own tests."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.signal import resample_poly

from sepkit.audio.samples import Audio
from sepkit.metrics import text_audio
from sepkit.metrics.base import Edited, Pair, verdict
from sepkit.models import catalogue
from sepkit.models.clap import Clap
from sepkit.models.prompted import tower
from sepkit.models.prompted import weights as weights_of_prompted
from sepkit.models.prompted.bands import analyse
from sepkit.models.prompts import SOUNDS, table
from sepkit.models.prompts.sounds import KNOWN
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
    found = row("text_audio", Pair(noise(800, 0), noise(800, 1)), prompt="dog bark", by="clap")
    assert found.before is None and found.after is None
    assert "1.3 GB" in found.why and "sepkit models fetch audiosep" in found.why


def test_without_clap_the_embedded_network_measures_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    speech, music = pilot("speech.wav", 2, 8), pilot("music.wav", 2, 8)
    words = row("text_audio", Pair(music, speech), prompt="a woman talking")
    assert words.label == "Text-audio similarity (sepkit's embedded network)" and words.why is None
    assert words.after > 0.6 > 0.4 > words.before
    tune = row("text_audio", Pair(music, speech), prompt="piano music")
    assert tune.before > 0.6 > 0.4 > tune.after
    nothing = row("text_audio", Pair(Audio(0 * speech.samples, speech.sample_rate), speech), prompt="dog bark")
    assert nothing.before == 0.0
    unknown = row("text_audio", Pair(music, speech), prompt="ухо")
    assert unknown.after is None and "English words" in unknown.why


def test_the_embedded_vector_of_a_sound_is_the_mean_of_its_likeliest_words():
    vectors = np.stack([table.load().vector(KNOWN[name].label) for name in SOUNDS]).astype(np.float64)
    audio = pilot("mix.wav", 2, 8)
    heard = resample_poly(audio.samples.mean(0, dtype=np.float64), 16000, audio.sample_rate)
    network = weights_of_prompted.load("cpu")
    with torch.inference_mode():
        X = analyse(torch.from_numpy(heard[None].astype(np.float32)))
        likely = torch.sigmoid(network.likely(network.found(X)[1]))[0].mean(0).double().numpy()
    five = sorted(range(53), key=lambda place: -likely[place])[:5]
    order = [SOUNDS.index(network.shape.sounds[place]) for place in five]
    expected = sum(likely[place] * vectors[at] for place, at in zip(five, order, strict=True))
    found = tower.of_sound(audio.samples, audio.sample_rate)
    assert found @ expected / np.linalg.norm(expected) == pytest.approx(1.0, abs=1e-3)


def test_clap_is_not_asked_for_by_the_embedded_networks_name():
    with pytest.raises(ValidationError, match="weights are CLAP's"):
        text_audio.Options(by="embedded", weights="laion.pt")


def test_without_a_prompt_nothing_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found = row("text_audio", Pair(noise(800, 0), noise(800, 1)))
    assert found.after is None and "no one prompt is known" in found.why


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


def test_of_an_edit_the_prompt_and_what_is_wished_are_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    mix, music, window = pilot("mix.wav", 2, 8), pilot("music.wav", 2, 8), ((44100, 5 * 44100),)
    found = row("text_audio", Pair(mix, music, edited=Edited(window, window, "female speech", "remove")))
    assert found.better == "lower" and found.note == 'to "female speech", inside the windows'
    assert found.before > found.after + 0.2
    given = {"prompt": "music", "mode": "keep"}
    other = row("text_audio", Pair(mix, music, edited=Edited(window, window, "female speech", "remove")), **given)
    assert other.better == "higher" and 'to "music"' in other.note


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
