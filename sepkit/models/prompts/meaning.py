"""What a prompt asks for: the nearest of the known sounds, and whether it is near.

    prompt ─ vector ─┬ cosine to all that is said of each sound: the largest ─ the nearest sound
           │         └ cosine to the sounds that are not known ─ whether one of them is nearer
           └ of its English words alone ─ cosine to that sound: whether it is near without the others

Place: behind `task: edit` and `sepkit detect`, which say "understood as dog (0.83)", and warn where `near` is False.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.errors import PromptError
from sepkit.files.naming import clipped
from sepkit.models.prompts import table
from sepkit.models.prompts.sounds import KNOWN, OTHERS, SOUNDS

MOST_CHARACTERS = 1000
NEAR = 0.5
"""Cosine from which a prompt means the nearest sound, chosen on `scripts/prompts/tuning.csv`."""
UNDERSTOOD, FAR = "is understood as", "which is far from it"
"""What `Understood.line` says: '…' is understood as dog (0.83); and where the prompt's words are far from that."""
LONGEST_QUOTED = 40
"""Characters of a prompt in a sentence."""
LEAST_LETTERS = 3
"""Of a word that another is made of, and of one that keeps its ending."""
ENDING = re.compile(r"(ings?|ed|es|ers?|s|e|y)$")
"""Two words that differ in this are forms of one."""
_UNWRITTEN = ("Cc", "Cf", "Cs", "Co")
"""Unicode's categories of what is no writing: control and invisible characters, halves of pairs, private ones."""


class Understood(NamedTuple):
    """sound: of `SOUNDS`, the nearest. similarity: cosine to the nearest phrase of it.

    near: whether the prompt means that sound; where it does not, callers warn. vector: of the prompt, (dimensions,), of
    length 1. similarities: to each of `SOUNDS`, (53,).
    """

    prompt: str
    sound: str
    similarity: float
    near: bool
    vector: NDArray[np.float32]
    similarities: NDArray[np.float32]

    @property
    def line(self) -> str:
        """For people: which sound it is taken for, how near its words are, and what to do where they are far."""
        said = f"{quoted(self.prompt)} {UNDERSTOOD} {self.sound} ({self.similarity:.2f})"
        return said if self.near else f"{said}, {FAR}: name the sound in other words"


def quoted(prompt: str) -> str:
    """A prompt as it stands in a sentence."""
    return f"'{clipped(prompt, LONGEST_QUOTED)}'"


def understand(prompt: str, field: str = "prompt") -> Understood:
    """The sound that a prompt names. field: what a refusal calls it, with its row where it is from a table."""
    _check(prompt, field)
    vector = table.load().vector(prompt)
    if vector is None:
        raise PromptError(
            f"{field} '{clipped(prompt)}' has no word that sepkit's embedded model knows, which reads English; "
            "name the sound in English words, such as 'dog bark' or 'a woman talking'"
        )
    similarities = _to_sounds(vector)
    best = int(similarities.argmax())
    similarity = float(similarities[best])
    near = similarity >= max(NEAR, float((_others() @ vector).max()))
    english = table.load().vector(english_of(prompt))
    near = near and english is not None and float(_to_sounds(english)[best]) >= NEAR
    return Understood(prompt, SOUNDS[best], similarity, near, vector, similarities)


def _check(prompt: str, field: str) -> None:
    if not prompt.strip():
        raise PromptError(f"{field} is empty; name a sound in a few words, such as 'dog bark'")
    if len(prompt) > MOST_CHARACTERS:
        raise PromptError(
            f"{field} has {len(prompt)} characters, at most {MOST_CHARACTERS} are read; name the sound in a few words"
        )
    for place, character in enumerate(prompt, 1):
        if unicodedata.category(character) in _UNWRITTEN:
            raise PromptError(
                f"{field} has the control character U+{ord(character):04X} as character {place}; write words and spaces"
            )


def english_of(prompt: str) -> str:
    """The words of a prompt that are taken for English: common ones, two of those in one, and forms of what is said.

    Pieces of other words mean something too, by chance: "Hund bellt" holds "bell".
    """
    return " ".join(word for word in table.load().words(prompt) if _is_english(word))


def _is_english(word: str) -> bool:
    known = table.load().has
    pairs = ((word[:cut], word[cut:]) for cut in range(LEAST_LETTERS, len(word) - LEAST_LETTERS + 1))
    return known(word) or _stem(word) in _stems() or any(known(first) and known(second) for first, second in pairs)


def _stem(word: str) -> str:
    return ENDING.sub("", word) if len(word) > LEAST_LETTERS else word


@cache
def _stems() -> frozenset[str]:
    return frozenset(_stem(word) for each in _said() for phrase in each for word in table.load().words(phrase))


def _to_sounds(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine to the nearest phrase of each sound, (53,)."""
    phrases, starts = _phrases()
    nearest: NDArray[np.float32] = np.maximum.reduceat(phrases @ vector, starts)
    return nearest


def _said() -> list[tuple[str, ...]]:
    return [(name, *sound.said) for name, sound in KNOWN.items()]


@cache
def _phrases() -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """What is said of the sounds, (phrases, dimensions), sound after sound; and the first phrase of each, (53,)."""
    said = _said()
    starts = np.cumsum([0, *map(len, said[:-1])])
    return _vectors([phrase for each in said for phrase in each]), starts


@cache
def _others() -> NDArray[np.float32]:
    return _vectors(OTHERS)


def _vectors(phrases: Sequence[str]) -> NDArray[np.float32]:
    found = [table.load().vector(phrase) for phrase in phrases]
    return np.stack([vector for vector in found if vector is not None])
