"""Word error rate in per cent: how much of what is said a speech recogniser gets wrong.

    WER = 100 · (substitutions + deletions + insertions) / words of the reference text

Against the words given; where none are given, of the clean file's transcript against the mix's, which says
how much changed and not whether it became better. Both texts are brought to one spelling by Whisper's English
normaliser, or by its basic one (lower case, no punctuation) for other languages. Sources: edit distance by jiwer
(Apache-2.0), https://github.com/jitsi/jiwer. Recognisers, both at 16 kHz on the mean of the channels: PocketSphinx 5
(BSD, with its US English model), https://github.com/cmusphinx/pocketsphinx, which is small and comes with the package;
Whisper (code and weights MIT), Radford et al. 2022, https://arxiv.org/abs/2212.04356.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sepkit import config
from sepkit.audio.samples import Audio
from sepkit.errors import WeightsError
from sepkit.metrics.base import BaseMetric, Pair, Score, measured, mono_at, not_measured
from sepkit.models.device import resolve
from sepkit.models.weights import WeightFile, cache_home, embedded, verify

SAMPLE_RATE = 16_000
WHISPER_URL = "https://openaipublic.azureedge.net/main/whisper/models/{sha256}/{size}.pt"
WHISPER_FILES = {
    "tiny.en": (75_571_315, "d3dd57d32accea0b295c96e26691aa14d8822fac7d9d27d5dc00b4ca2826dd03"),
    "tiny": (75_572_083, "65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9"),
    "base.en": (145_261_783, "25a8566e1d0c1e2231d1c762132cd20e0f96a85d16145c3a00adf5d1ac670ead"),
    "base": (145_262_807, "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e"),
    "small.en": (483_615_683, "f953ad0fd29cacd07d5a9eda5624af0f6bcf2258be67c92b79389873d91e0872"),
    "small": (483_617_219, "9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794"),
    "medium.en": (1_528_006_491, "d7440d1dc186f76616474e0ff0b3b6b879abc9d1a4926b7adfa41db2d497ab4f"),
    "medium": (1_528_008_539, "345ae4da62f9b3d59415adc60127b97c714f32e89e936602e85993674d08dcb1"),
    "large-v1": (3_086_999_982, "e4b87e7e0bf463eb8e6956e646f1e277e901512310def2c24bf0e11bd3c28e9a"),
    "large-v2": (3_086_999_982, "81f7c96c852ee8fc832187b0132e569d6c3065a3252ed18e56effd0b6a73e524"),
    "large-v3": (3_087_371_615, "e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb"),
    "large-v3-turbo": (1_617_941_637, "aff26ae408abcba5fbf8813c21e62b0941638c5f6eebfb145be0c9839262a19a"),
}
"""Bytes and SHA-256 of every size; the digest is part of the address, so it is the publisher's own."""
WhisperModel = Literal[
    "tiny.en", "tiny", "base.en", "base", "small.en", "small", "medium.en", "medium",
    "large-v1", "large-v2", "large-v3", "large-v3-turbo",
]  # fmt: skip
POCKETSPHINX_BOUNDS = {"maxhmmpf": 3000, "maxwpf": 5}
"""States and word ends kept in a frame. Over music the search opens many more: on the pilot's mix they
took it from 43 to 11 CPU-seconds and left the errors at 84 %."""
PIECE_FRAMES = 20 * SAMPLE_RATE
"""PocketSphinx holds one lattice an utterance; longer sound is cut at the quietest moment before this."""
CUT_FRAMES = 5 * SAMPLE_RATE
HUSH_FRAMES = SAMPLE_RATE // 10

UNSPACED = ("zh", "yue", "ja", "th", "lo", "my")
"""Written without spaces between words: each letter counts as one, as in Whisper's paper."""
NAMES = {"english": "Whisper's English normaliser", "basic": "Whisper's basic normaliser"}

Normaliser = Literal["english", "basic"]
Heard = NDArray[np.float32]
"""Mono sound at 16 kHz, shape (frames,)."""


class Options(config.Options):
    """backend: the recogniser. model: which Whisper. language: what Whisper expects to hear; PocketSphinx
    knows US English only. normaliser: auto is english for English, basic for any other language. device: where
    Whisper runs.
    """

    backend: Literal["pocketsphinx", "whisper"] = "pocketsphinx"
    model: WhisperModel = "large-v3"
    language: str = Field("en", pattern=r"^[a-z]{2,3}$")
    normaliser: Literal["auto", "english", "basic"] = "auto"
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")


def catalogue() -> tuple[WeightFile, ...]:
    """PocketSphinx's model files and every size of Whisper."""
    return (*_pocketsphinx_files(), *map(_whisper_file, WHISPER_FILES))


class Metric(BaseMetric):
    """WER of mix and clean by one recogniser."""

    about = "Words that a recogniser gets wrong, in per cent of those that were said."

    options: Options

    def weights(self) -> tuple[WeightFile, ...]:
        """The chosen recogniser's."""
        return _pocketsphinx_files() if self.options.backend == "pocketsphinx" else (_whisper_file(self.options.model),)

    def rows(self) -> tuple[Score, ...]:
        """One row, named after the recogniser, so that two recognisers can stand side by side."""
        if self.options.backend == "pocketsphinx":
            return (Score("wer_pocketsphinx", "WER (PocketSphinx)", "%", "lower"),)
        return (Score(f"wer_whisper_{self.options.model}", f"WER (Whisper {self.options.model})", "%", "lower"),)

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Against the words given, or of clean against mix."""
        (row,) = self.rows()
        why = self._why_not(pair)
        if why:
            return (not_measured(row, why),)
        mix, clean = (self._text(audio) for audio in (pair.mix, pair.clean))
        if pair.words is not None:
            before, after = (self._wer_percent(pair.words, text) for text in (mix, clean))
            row = replace(row, basis="truth")
            return (measured(row, before, after, note=f"against the given words; {self._spelling}"),)
        if not self._normalise(mix):
            return (not_measured(row, "no words were given, and nothing was recognised in the mix"),)
        note = f"no words given: the clean file's transcript against the mix's; {self._spelling}"
        row = replace(row, basis="own estimate")
        return (measured(row, None, self._wer_percent(mix, clean), note=note),)

    def _why_not(self, pair: Pair) -> str:
        """Why there is nothing to measure; found before anything is recognised."""
        if self.options.backend == "pocketsphinx" and self.options.language != "en":
            return f"PocketSphinx knows English only, found language '{self.options.language}'; take backend whisper"
        if pair.words is None:
            return pair.no_words
        return "" if self._normalise(pair.words) else "the words given hold no word"

    @property
    def _normaliser(self) -> Normaliser:
        if self.options.normaliser == "auto":
            return "english" if self.options.language == "en" else "basic"
        return self.options.normaliser

    @property
    def _spelling(self) -> str:
        """For the note: which normaliser, and what counts as a word."""
        return NAMES[self._normaliser] + (", letter by letter" if self._by_letter else "")

    @property
    def _by_letter(self) -> bool:
        return self._normaliser == "basic" and self.options.language in UNSPACED

    def _normalise(self, text: str) -> str:
        return normalise(text, self._normaliser, self._by_letter)

    def _wer_percent(self, spoken: str, recognised: str) -> float:
        return wer_percent(spoken, recognised, self._normaliser, self._by_letter)

    def _text(self, audio: Audio) -> str:
        """What is recognised; recognisers invent words in digital silence, so it is not shown to them."""
        heard = mono_at(audio, SAMPLE_RATE)
        if not heard.any():
            return ""
        key = hashlib.sha256(heard.tobytes()).digest()
        if key not in self._texts:
            self._texts[key] = self._transcribe(heard)
        return self._texts[key]

    @cached_property
    def _texts(self) -> dict[bytes, str]:
        """What was recognised, by the sound's hash: a comparison asks for the same mix once a method."""
        return {}

    @cached_property
    def _transcribe(self) -> Callable[[Heard], str]:
        if self.options.backend == "pocketsphinx":
            return _pocketsphinx()
        return _whisper(_whisper_file(self.options.model), resolve(self.options.device), self.options.language)


def normalise(text: str, normaliser: Normaliser = "english", by_letter: bool = False) -> str:
    """One spelling. english: numbers as digits, contractions spelled out, British as American. basic: lower case and
    no punctuation. by_letter: a space after each letter.
    """
    from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

    spell = EnglishTextNormalizer() if normaliser == "english" else BasicTextNormalizer(split_letters=by_letter)
    return str(spell(text)).strip()


def wer_percent(spoken: str, recognised: str, normaliser: Normaliser = "english", by_letter: bool = False) -> float:
    """The equation above, both texts normalised; above 100 where much was invented."""
    import jiwer

    spoken, recognised = (normalise(text, normaliser, by_letter) for text in (spoken, recognised))
    return 100 * float(jiwer.wer(spoken, recognised))


def _pocketsphinx_files() -> tuple[WeightFile, ...]:
    names = ("en-us.lm.bin", "cmudict-en-us.dict", "en-us/mdef", "en-us/means", "en-us/variances")
    return tuple(
        embedded(
            "pocketsphinx",
            f"pocketsphinx/model/en-us/{name}",
            source="PocketSphinx 5, https://github.com/cmusphinx/pocketsphinx",
            licence_code="BSD-2-Clause",
            licence_weights="BSD-2-Clause",
        )
        for name in names
    )


def _pocketsphinx() -> Callable[[Heard], str]:
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", **POCKETSPHINX_BOUNDS)

    def transcribe(heard: Heard) -> str:
        pcm = (np.clip(heard, -1, 1) * (2**15 - 1)).astype("<i2")
        texts = []
        for piece in _pieces(pcm):
            decoder.reinit_feat()  # else the noise tracked in what was heard before changes what is heard now
            decoder.start_utt()
            decoder.process_raw(piece.tobytes(), full_utt=True)
            decoder.end_utt()
            found = decoder.hyp()
            texts.append(found.hypstr if found else "")
        return " ".join(texts)

    return transcribe


def _pieces(pcm: NDArray[np.int16]) -> Iterator[NDArray[np.int16]]:
    """Pieces of at most 20 s, cut where the last 5 s of each are quietest."""
    while pcm.size > PIECE_FRAMES:
        late = pcm[PIECE_FRAMES - CUT_FRAMES : PIECE_FRAMES].astype(np.float64).reshape(-1, HUSH_FRAMES)
        quietest = int(np.square(late).sum(axis=1).argmin())
        cut = PIECE_FRAMES - CUT_FRAMES + quietest * HUSH_FRAMES + HUSH_FRAMES // 2
        yield pcm[:cut]
        pcm = pcm[cut:]
    yield pcm


def _whisper_file(size: str) -> WeightFile:
    size_bytes, digest = WHISPER_FILES[size]
    return WeightFile(
        model=f"whisper-{size}",
        path=cache_home() / "whisper" / f"{size}.pt",
        size_bytes=size_bytes,
        sha256=digest,
        source="Whisper, https://github.com/openai/whisper",
        licence_code="MIT",
        licence_weights="MIT",
        url=WHISPER_URL.format(sha256=digest, size=size),
    )


def _whisper(file: WeightFile, device: str, language: str) -> Callable[[Heard], str]:
    verify(file)
    import whisper

    try:
        # By path, never by name: given a name, whisper would download what it does not find.
        model: Any = whisper.load_model(str(file.path), device=device)
    except (RuntimeError, KeyError, TypeError) as error:
        found = str(error).strip().splitlines()[0]
        raise WeightsError(f"{file.path}: not a Whisper checkpoint ({found}); fetch it anew") from error

    def transcribe(heard: Heard) -> str:
        # One temperature: the default falls back to sampling, and then no two runs agree.
        found = model.transcribe(
            heard, language=language, temperature=0.0, condition_on_previous_text=False, fp16=device != "cpu"
        )
        return str(found["text"])

    return transcribe
