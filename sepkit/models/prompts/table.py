"""Words as vectors: a table of word pieces, whose mean over a prompt says what the prompt means.

    prompt ─ lower case, WordPiece ─ rows of its pieces ─ mean ─ length 1 ─ vector

The table is distilled from the sentence encoder all-MiniLM-L6-v2 (`scripts/prompts`, model card
`sepkit/weights/prompts.md`). Source: Wu et al., "Google's Neural Machine Translation System", 2016 (WordPiece);
Tulkens and van Dongen, "Model2Vec", 2024 (static tables).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sepkit.errors import WeightsError
from sepkit.models.about import About
from sepkit.models.weights import WeightFile, verify

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WEIGHTS_PATH = Path(__file__).parents[2] / "weights" / "prompts.safetensors"
SIZE_BYTES = 4_735_651
SHA256 = "6cee2d889f42278a445ec0127b4a99b01fd2f531e430e256f9dcafff33f9cb7b"
UNKNOWN = "[UNK]"
"""What the tokenizer says of a word that it cannot compose of pieces; it has no row."""


def weight_file() -> WeightFile:
    """The table's file."""
    return WeightFile(
        model="prompts",
        path=WEIGHTS_PATH,
        size_bytes=SIZE_BYTES,
        sha256=SHA256,
        source="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2, model card sepkit/weights/prompts.md",
        licence_code="MIT",
        licence_weights="Apache-2.0",
        about=About(task="edit", note="what words mean; beside prompted"),
    )


def tokenizer(pieces: Sequence[str]) -> Tokenizer:
    """WordPiece over `pieces` as BERT reads uncased text: accents off, words cut at spaces and punctuation."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer

    numbers = {piece: number for number, piece in enumerate([*pieces, UNKNOWN])}
    made = Tokenizer(WordPiece(numbers, unk_token=UNKNOWN))
    made.normalizer = BertNormalizer(lowercase=True)
    made.pre_tokenizer = BertPreTokenizer()
    return made


class Table:
    """The rows of all pieces. values: int8 (pieces, dimensions). scales: (pieces,), a step of each row."""

    def __init__(self, pieces: Sequence[str], values: NDArray[np.int8], scales: NDArray[np.float32]) -> None:
        self._values, self._scales = values, scales
        self._tokenizer = tokenizer(pieces)
        self._pieces = frozenset(pieces)
        self._unknown = len(pieces)

    @property
    def dimensions(self) -> int:
        """Of a vector."""
        return int(self._values.shape[1])

    def pieces(self, text: str) -> list[int]:
        """The numbers of the text's pieces; those that the table does not know are left out."""
        return [number for number in self._tokenizer.encode(text).ids if number != self._unknown]

    def words(self, text: str) -> list[str]:
        """The text's words as the table reads them, in lower case; those that it does not know are left out."""
        read = self._tokenizer.encode(text)
        words: dict[int, str] = {}
        for place, piece in zip(read.word_ids, read.tokens, strict=True):
            if place is not None and piece != UNKNOWN:
                words[place] = words.get(place, "") + piece.removeprefix("##")
        return list(words.values())

    def has(self, word: str) -> bool:
        """Whether a word is one piece by itself, as some 20,000 common English words and names are."""
        return word in self._pieces

    def vector(self, text: str) -> NDArray[np.float32] | None:
        """(dimensions,), of length 1; None where the table knows no piece of the text."""
        pieces = self.pieces(text)
        if not pieces:
            return None
        mean = (self._values[pieces] * self._scales[pieces, None]).mean(axis=0, dtype=np.float32)
        unit: NDArray[np.float32] = mean / max(float(np.linalg.norm(mean)), 1e-12)
        return unit


@cache
def load() -> Table:
    """The embedded table, its file checked; read once a run."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    verify(weight_file())
    try:
        stored = load_file(WEIGHTS_PATH)
        pieces = stored["pieces"].tobytes().decode("utf-8").split("\n")
        return Table(pieces, stored["values"], stored["scales"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise WeightsError(f"prompts: {WEIGHTS_PATH} cannot be read ({error}); reinstall sepkit") from error
