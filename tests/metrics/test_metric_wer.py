"""WER by errors counted by hand; PocketSphinx on the pilot, Whisper with weights made here."""

import hashlib

import numpy as np
import pytest

from sepkit.audio.samples import Audio
from sepkit.metrics import wer
from sepkit.metrics.base import Pair, mono_at
from tests.metrics.pairs import pilot, row

FIRST_WORDS = "The first boat leaves at seven, and the last of the fog is gone before the island comes into view."


def test_wer_is_the_hand_count():
    """Ten words; "quick" became "quack" (1), "over" is missing (2), "very" was added (3): 30 %."""
    spoken = "The quick brown fox jumps over the lazy old dog."
    assert wer.wer_percent(spoken, "the quack brown fox jumps the very lazy old dog") == pytest.approx(30.0)
    assert wer.wer_percent(spoken, "") == pytest.approx(100.0)


def test_spelling_is_no_error():
    assert wer.wer_percent("It's twenty-two, Mister Gray!", "it is 22 mr grey") == 0
    assert wer.wer_percent("the colour", "the color") == 0


def test_another_language_keeps_its_spelling():
    """The basic rules only drop case and punctuation; where no spaces stand between words, one of three letters."""
    assert wer.normalise("Grüß Gott, façade!", "basic") == "grüß gott façade"
    assert wer.wer_percent("Fünf Häuser, bitte.", "fünf häuser bitte", "basic") == 0
    assert wer.wer_percent("it's twenty-two", "it is 22", "basic") > 0
    assert wer.wer_percent("你好吗", "你好啊", "basic", by_letter=True) == pytest.approx(100 / 3)


@pytest.mark.parametrize(
    ("language", "normaliser", "said"),
    [
        ("en", "auto", "Whisper's English normaliser"),
        ("en", "basic", "Whisper's basic normaliser"),
        ("de", "auto", "Whisper's basic normaliser"),
        ("de", "english", "Whisper's English normaliser"),
        ("ja", "auto", "Whisper's basic normaliser, letter by letter"),
    ],
)
def test_the_normaliser_follows_the_language_and_is_named(language, normaliser, said):
    options = wer.Options(backend="whisper", model="tiny", language=language, normaliser=normaliser)
    silence = Audio(np.zeros((1, 8000), np.float32), 16_000)  # of which nothing is recognised, by any recogniser
    (found,) = wer.Metric(options).measure(Pair(silence, silence, words="zwei Worte"))
    assert (found.after, found.note) == (100.0, f"against the given words; {said}")


def test_pocketsphinx_says_that_it_knows_english_only():
    speech = pilot("speech.wav", 2.3, 2.8)
    found = row("wer", Pair(speech, speech, words="zwei Worte"), language="de")
    assert found.after is None and "PocketSphinx knows English only, found language 'de'" in found.why


def test_words_that_were_looked_for_in_vain_are_not_replaced():
    speech = pilot("speech.wav", 2.3, 2.8)
    found = row("wer", Pair(speech, speech, no_words="no words for it in words.csv"))
    assert (found.after, found.why) == (None, "not measured: no words for it in words.csv")


def test_pocketsphinx_hears_clean_speech_better_than_the_mix():
    mix, speech = pilot("mix.wav", 2.3, 7.8), pilot("speech.wav", 2.3, 7.8)
    found = row("wer", Pair(mix, speech, words=FIRST_WORDS))
    assert found.note == "against the given words; Whisper's English normaliser"
    assert found.after <= 40 < found.before


def test_without_words_the_mix_is_the_reference_and_has_no_value():
    speech = pilot("speech.wav", 2.3, 7.8)
    found = row("wer", Pair(speech, speech))
    assert (found.before, found.after, found.why) == (None, 0.0, None)
    assert "no words given" in found.note
    assert "hold no word" in row("wer", Pair(speech, speech, words=" ,. ")).why


def test_what_was_heard_before_changes_nothing():
    transcribe = wer._pocketsphinx()
    heard = mono_at(pilot("speech.wav", 2.3, 5.0), wer.SAMPLE_RATE)
    hiss = 0.02 * np.random.default_rng(0).standard_normal(heard.size).astype(np.float32)
    first = transcribe(heard)
    transcribe(heard + hiss)
    assert transcribe(heard) == first != ""


def test_the_same_sound_is_recognised_once(monkeypatch):
    heard, real = [], wer._pocketsphinx()

    def counted(sound):
        heard.append(sound.size)
        return real(sound)

    monkeypatch.setattr(wer, "_pocketsphinx", lambda: counted)
    mix, speech = pilot("mix.wav", 2.3, 4.0), pilot("speech.wav", 2.3, 4.0)
    metric = wer.Metric(wer.Options())
    first, again = (metric.measure(Pair(mix, speech, words="the first boat"))[0] for _ in range(2))
    assert again == first and len(heard) == 2
    (alone,) = wer.Metric(wer.Options()).measure(Pair(speech, speech, words="the first boat"))
    assert alone.before == alone.after == first.after and len(heard) == 3


def test_long_sound_is_cut_in_its_pauses_and_nothing_is_lost():
    pcm = (3000 * np.random.default_rng(1).standard_normal(50 * wer.SAMPLE_RATE)).astype(np.int16)
    pause = slice(round(17.2 * wer.SAMPLE_RATE), round(17.5 * wer.SAMPLE_RATE))
    pcm[pause] = 0
    pieces = list(wer._pieces(pcm))
    assert np.array_equal(np.concatenate(pieces), pcm)
    assert pause.start < pieces[0].size < pause.stop
    assert max(piece.size for piece in pieces) <= wer.PIECE_FRAMES


def test_the_table_of_whispers_is_whispers_own():
    import whisper

    for name, url in whisper._MODELS.items():
        if name not in ("large", "turbo"):  # other names of large-v3 and large-v3-turbo
            file = wer._whisper_file(name)
            assert (file.url, file.sha256) == (url, url.split("/")[-2])
    assert set(wer.WHISPER_FILES) == set(whisper._MODELS) - {"large", "turbo"}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "whisper").mkdir()
    return tmp_path / "whisper"


def test_an_absent_whisper_is_named_with_its_size_and_place(cache):
    speech = pilot("speech.wav", 2.3, 3.3)
    found = row("wer", Pair(speech, speech), backend="whisper", model="large-v3")
    assert found.name == "wer_whisper_large-v3" and found.after is None
    assert found.why.startswith("not measured: ") and "3.1 GB" in found.why and str(cache) in found.why


def test_a_damaged_whisper_is_refused(cache):
    (cache / "tiny.pt").write_bytes(b"not the published file")
    speech = pilot("speech.wav", 2.3, 3.3)
    assert "SHA-256" in row("wer", Pair(speech, speech), backend="whisper", model="tiny").why


def test_whisper_loads_a_checkpoint_in_the_published_form_and_transcribes(cache, monkeypatch):
    """A small random network in OpenAI's own format; the witness is the same network in memory."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(1)
    network = Whisper(ModelDimensions(80, 1500, 32, 2, 1, 51865, 448, 32, 2, 1)).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    path = cache / "tiny.pt"
    torch.save({"dims": vars(network.dims), "model_state_dict": network.state_dict()}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(wer.WHISPER_FILES, "tiny", (path.stat().st_size, digest))

    heard = mono_at(pilot("speech.wav", 2.3, 5.3), wer.SAMPLE_RATE)
    transcribe = wer._whisper(wer._whisper_file("tiny"), "cpu", "en")
    expected = network.transcribe(heard, language="en", temperature=0.0, fp16=False)["text"]
    assert transcribe(heard) == expected == transcribe(heard)
    assert len(expected.split()) > 5


def test_a_checkpoint_of_something_else_is_an_error_of_one_line(cache, monkeypatch):
    import torch

    path = cache / "tiny.pt"
    torch.save({"weights": torch.zeros(3)}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(wer.WHISPER_FILES, "tiny", (path.stat().st_size, digest))
    speech = pilot("speech.wav", 2.3, 3.3)
    why = row("wer", Pair(speech, speech), backend="whisper", model="tiny").why
    assert "not a Whisper checkpoint" in why and "\n" not in why
