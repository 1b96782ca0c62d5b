"""What a prompt asks for: the nearest of the known sounds, and whether it is near.

    prompt ─ vector ─┬ cosine to all that is said of each sound: the largest ─ the nearest sound
                     └ cosine to the sounds that are not known ─ whether one of them is nearer

Place: behind `task: edit` and `sepkit detect`, which say "understood as dog (0.83)", and warn where `near` is False.
"""

from __future__ import annotations

import unicodedata
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
_UNWRITTEN = ("Cc", "Cf", "Cs", "Co")
"""Unicode's categories of what is no writing: control and invisible characters, halves of pairs, private ones."""


class Understood(NamedTuple):
    """sound: of `SOUNDS`, the nearest. label: as a reader is told it. similarity: cosine to the nearest phrase of it.

    near: whether the prompt means that sound; where it does not, callers warn. vector: of the prompt, (dimensions,), of
    length 1. similarities: to each of `SOUNDS`, (53,).
    """

    prompt: str
    sound: str
    label: str
    similarity: float
    near: bool
    vector: NDArray[np.float32]
    similarities: NDArray[np.float32]


def understand(prompt: str, field: str = "prompt") -> Understood:
    """The sound that a prompt names. field: what a refusal calls it, with its row where it is from a table."""
    _check(prompt, field)
    vector = table.load().vector(prompt)
    if vector is None:
        raise PromptError(
            f"{field} '{clipped(prompt)}' has no word that sepkit's embedded model knows, which reads English; "
            "name the sound in English words, such as 'dog bark' or 'a woman talking'"
        )
    known, others = _phrases()
    to_phrases = known.vectors @ vector
    similarities = np.maximum.reduceat(to_phrases, known.starts)
    best = int(similarities.argmax())
    similarity = float(similarities[best])
    near = similarity >= max(NEAR, float((others @ vector).max()))
    sound = SOUNDS[best]
    return Understood(prompt, sound, KNOWN[sound].label, similarity, near, vector, similarities)


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


class _Known(NamedTuple):
    """vectors: (phrases, dimensions), sound after sound. starts: (53,), the first phrase of each."""

    vectors: NDArray[np.float32]
    starts: NDArray[np.intp]


@cache
def _phrases() -> tuple[_Known, NDArray[np.float32]]:
    """What is said of the known sounds, and the others (others, dimensions)."""
    said = [(name, *sound.said) for name, sound in KNOWN.items()]
    starts = np.cumsum([0, *map(len, said[:-1])])
    return _Known(_vectors([phrase for each in said for phrase in each]), starts), _vectors(OTHERS)


def _vectors(phrases: list[str] | tuple[str, ...]) -> NDArray[np.float32]:
    found = [table.load().vector(phrase) for phrase in phrases]
    return np.stack([vector for vector in found if vector is not None])
